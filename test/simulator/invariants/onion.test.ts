import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import type { DiskAfterCrash } from "#schemas/simulation/Fault"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import {
  acknowledgedWasDelivered,
  cellsPassOnce,
  messagesArriveWholeAndOnce,
  onionKeysAreBound
} from "#simulator/invariants/onion"
import type { Simulation } from "#simulator/run/Simulation"
import { bytesOf, nodeOf, serviceOf, standing } from "../standing.ts"

const TO = 1

/** Two nodes, and a letter of the first to the second. */
const written = Effect.gen(function* () {
  const simulation = yield* standing({ nodes: 2 })
  const { post } = simulation
  const letter = post.sends({ from: 0, to: TO, bytes: concatBytes([post.head(), bytesOf(3)]), at: 0 })
  const { nodeId } = serviceOf(nodeOf(simulation, TO), Identity)
  return { simulation, letter, hand: (bytes = letter.bytes) => post.onHanded?.(nodeId, bytes) }
})

const said = ({ violations }: Simulation): ReadonlyArray<string> => violations.map(({ detail }) => detail)

/** The recipient's program ends and is started again. */
const again = Effect.fnUntraced(function* (simulation: Simulation, disk: typeof DiskAfterCrash.Type) {
  const node = nodeOf(simulation, TO)
  simulation.world.crash(node, disk, false)
  simulation.world.start(node)
  yield* simulation.pass(20)
})

describe("the promises of onion routes", () => {
  it.live("a message is handed over once and as it was sent, or it is said", () =>
    Effect.gen(function* () {
      const { hand, letter, simulation } = yield* written
      messagesArriveWholeAndOnce.watch?.(simulation)
      hand()
      assert.deepStrictEqual(said(simulation), [])
      hand()
      assert.deepStrictEqual(said(simulation), ["node 1 was handed a message of node 0 a second time"])
      const spoilt = letter.bytes.slice()
      spoilt[100]! ^= 1
      hand(spoilt)
      hand(bytesOf(1))
      assert.deepStrictEqual(said(simulation).slice(1), Array(2).fill("node 1 was handed what nobody sent to it"))
    })
  )

  for (const [what, disk, lived, later, excused] of [
    ["is said, too", "kept", 60, 0, false],
    ["is no wonder once the disk was lost", "lost", 60, 0, true],
    ["is no wonder where the crash came before it was written down", "kept", 2, 0, true],
    ["is no wonder after a quarter of an hour", "kept", 60, 900, true]
  ] as const) {
    it.live(`a message that comes again after a restart ${what}`, () =>
      Effect.gen(function* () {
        const { hand, simulation } = yield* written
        messagesArriveWholeAndOnce.watch?.(simulation)
        hand()
        yield* simulation.pass(lived)
        yield* again(simulation, disk)
        yield* simulation.pass(later)
        hand()
        const sentence = "node 1 was handed a message of node 0 a second time, after a restart"
        assert.deepStrictEqual(said(simulation), excused ? [] : [sentence])
      })
    )
  }

  it.live("whoever is told that a message arrived is told the truth, or it is said", () =>
    Effect.gen(function* () {
      const { hand, letter, simulation } = yield* written
      messagesArriveWholeAndOnce.watch?.(simulation)
      acknowledgedWasDelivered.watch?.(simulation)
      simulation.post.onAcknowledged?.(letter)
      assert.deepStrictEqual(said(simulation), ["node 0 was told so by node 1, which was handed nothing"])
      hand()
      simulation.post.onAcknowledged?.(letter)
      assert.strictEqual(said(simulation).length, 1)
    })
  )

  it.live("no honest node sends a cell twice, or it is said", () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ nodes: 2 })
      cellsPassOnce.watch?.(simulation)
      const [one, other] = [nodeOf(simulation, 0), nodeOf(simulation, 1)]
      const send = (n: number, from = one) => simulation.world.onCell?.(from, other.id!, bytesOf(n, 4_096))
      for (const n of [1, 2, 3]) send(n)
      send(1, other)
      other.behaviour = "echoing"
      send(1, other)
      assert.deepStrictEqual(said(simulation), [])
      send(2)
      assert.deepStrictEqual(said(simulation), ["node 0 to node 1"])
    })
  )

  it.live("keys of an onion's layer are made of both public keys, or it is said", () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ nodes: 2 })
      const look = () => [...(onionKeysAreBound.check?.(simulation) ?? [])]
      const suite = serviceOf(nodeOf(simulation, 0), Crypto)
      assert.deepStrictEqual(look(), [])
      suite.hkdfSha256(bytesOf(1, 32), bytesOf(2, 64), Buffer.from("allium/1 onion"), 96)
      assert.deepStrictEqual(look(), ["1 layers had keys that leave some of it out"])
    })
  )
})
