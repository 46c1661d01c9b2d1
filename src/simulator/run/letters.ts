/** Users who write to each other so that nobody knows who wrote: most a cell's worth, now and then several parts. */
import { Context, Effect, Exit, Fiber } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { requestRoom } from "#schemas/onion/OnionPayload"
import { Identity } from "#services/identity/Identity"
import { RouterHandle } from "#services/router/RouterHandle"
import type { Dice } from "../Dice.ts"
import type { SimulatedNode } from "../SimulatedNode.ts"
import { LETTER } from "./mailbox.ts"
import type { Simulation } from "./Simulation.ts"

/** Type and flags of an envelope that has neither channel nor epoch. */
const ENVELOPE_HEAD = 2
/** Bytes that fill a cell of the smallest class beside a reply block; and that take two cells of the largest. */
const OF_ONE_CELL = requestRoom(0, 1) - ENVELOPE_HEAD
const OF_SEVERAL = requestRoom(2, 1) + 1_000
/** One letter of so many is that long. */
const LONG_EVERY = 16

/** Draws for somebody else than the sender. */
const DRAWS = 8

/** The rest of a letter. */
const fill = (dice: Dice, length: number): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(Math.ceil(length / 4) * 4))
  for (let at = 0; at < length; at += 4) bytes.setUint32(at, dice.int(2 ** 32))
  return new Uint8Array(bytes.buffer, 0, length)
}

/** Few write: each of them has to find relays for itself, which costs more than what it writes. */
const WRITERS = 8

/** Whoever did not keep the protocol may be banned, and then neither reaches anybody nor is reached. */
const writer = ({ willing }: Simulation, dice: Dice): SimulatedNode | undefined => {
  const writers = willing.filter(({ number, wasByzantine }) => number < WRITERS && !wasByzantine)
  return writers.length === 0 ? undefined : dice.pick(writers)
}

/** Nobody finds the record of a node that cannot be dialled. */
const recipientFor = (simulation: Simulation, from: SimulatedNode, dice: Dice): SimulatedNode | undefined => {
  for (let draw = 0; draw < DRAWS; draw++) {
    const node = simulation.anybody(dice)
    if (node !== undefined && node !== from && !node.natted && !node.wasByzantine) return node
  }
  return undefined
}

export const sendLetter = (simulation: Simulation, dice: Dice): void => {
  const { post, world } = simulation
  const from = writer(simulation, dice)
  const to = from === undefined ? undefined : recipientFor(simulation, from, dice)
  if (from === undefined || to?.services === undefined) return
  const { nodeId } = Context.get(to.services, Identity)
  const length = dice.int(LONG_EVERY) === 0 ? OF_SEVERAL : OF_ONE_CELL - dice.int(64)
  const head = post.head()
  const bytes = concatBytes([head, fill(dice, length - head.length)])
  const letter = post.sends({ from: from.number, to: to.number, bytes, at: world.time.now })
  const sending = simulation.ask(
    "message",
    from,
    Effect.flatMap(RouterHandle, (router) => router.sendAnonymous(nodeId, { type: LETTER, body: bytes })),
    (exit, took) => {
      simulation.count("message", exit, took)
      if (Exit.isSuccess(exit)) post.onAcknowledged?.(letter)
    }
  )
  // It may take longer than its node is there: what an app does ends with the program.
  if (from.program !== undefined) Fiber.runIn(sending, from.program.scope)
}
