/** What was acknowledged is there: on the disks that the receipt names at once, and for whoever asks in the end. */
import { Context, Effect, Exit } from "effect"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { Dht } from "#services/dht/Dht"
import { Identity } from "#services/identity/Identity"
import type { Entry } from "../run/Ledger.ts"
import type { Simulation } from "../run/Simulation.ts"
import type { SimulatedNode } from "../SimulatedNode.ts"
import { EPOCH } from "../time/ProcessClock.ts"
import type { Invariant } from "./Invariant.ts"

/** Records that are asked for in the end: the latest. */
const ASKED_FOR = 100
/** Seconds that a get may take at rest. */
const PATIENCE = 180
/** How often a node asks that does not find one, and seconds between. */
const TIMES = 3
const AGAIN = 10

/** A holder that keeps what it said: it did not lose its disk, keep nothing for others, or have a bit turned over. */
const isFaithful = (node: SimulatedNode, since: number): boolean =>
  node.behaviour === undefined &&
  !node.wasByzantine &&
  (node.lostAt === undefined || node.lostAt < since) &&
  !node.bitFlipped

const holds = (node: SimulatedNode, kind: number, key: Uint8Array, seq: number): boolean =>
  node.disk.held(kind, key).some((it) => it.seq >= seq)

/** Heard of by the receipts themselves. */
export const receiptIsTrue: Invariant = {
  name: "receipt-is-true",
  sentence: "Every holder that a put names has the record on its disk when the put is acknowledged."
}

export const falseReceipts = (
  simulation: Simulation,
  kind: number,
  receipt: { readonly key: Uint8Array; readonly holders: ReadonlyArray<NodeId>; readonly seq?: number },
  begun: number
): ReadonlyArray<string> =>
  receipt.holders.flatMap((id) => {
    const node = simulation.nodeOf(id)
    if (node === undefined) return [`nobody is called ${nodeIdShort(id)}, who is said to hold a record`]
    if (!isFaithful(node, begun)) return []
    return holds(node, kind, receipt.key, receipt.seq ?? 0)
      ? []
      : [`node ${node.number} is said to hold a record of kind ${kind} that is not on its disk`]
  })

export const newerIsKept: Invariant = {
  name: "newer-is-kept",
  sentence: "No disk ever replaces a record by an older version of it.",
  watch: (simulation) => {
    simulation.world.onReplace = (node, before, after) => {
      if (after.seq >= before.seq) return
      simulation.violated(
        newerIsKept,
        `node ${node.number} replaced version ${before.seq} of a record of kind ${before.kind} by version ${after.seq}`
      )
    }
  }
}

/** Live, faithful holders of a record, besides those that the receipt did not know of. */
const holdersOf = (simulation: Simulation, entry: Entry): ReadonlyArray<SimulatedNode> =>
  entry.holders.flatMap((id) => {
    const node = simulation.nodeOf(id)
    return node?.isUp === true && isFaithful(node, entry.begun) ? [node] : []
  })

const isAlive = (entry: Entry, simulation: Simulation): boolean =>
  entry.expires > Math.floor((EPOCH + simulation.world.time.now) / 1000) + PATIENCE

export const acknowledgedIsHeld: Invariant = {
  name: "acknowledged-is-held",
  sentence: "A node that acknowledged a record still has it on its disk, until it expires or the disk is lost.",
  every: 300,
  check: function* (simulation) {
    for (const entry of simulation.ledger.entries) {
      if (!isAlive(entry, simulation)) continue
      for (const node of holdersOf(simulation, entry)) {
        if (!holds(node, entry.kind, entry.key, entry.seq)) {
          yield `node ${node.number} acknowledged a record of kind ${entry.kind} and has it no more`
        }
      }
    }
  }
}

const getOf = (entry: Entry, simulation: Simulation) => {
  const author = simulation.world.nodes[entry.author]?.services
  return Effect.flatMap(Dht, (dht): Effect.Effect<Uint8Array, unknown> => {
    if (entry.kind === RecordKind.Block) return dht.getBlock(entry.key)
    if (author === undefined) return Effect.succeed(entry.value)
    return Effect.map(dht.getMutable(Context.get(author, Identity).publicKey, entry.salt), (it) => it.value)
  })
}

/** As users do, who ask again: sessions may be closing for others at that moment. */
const askedFor = Effect.fnUntraced(function* (simulation: Simulation, node: SimulatedNode, entry: Entry) {
  let said = yield* simulation.hear(node, getOf(entry, simulation), PATIENCE)
  for (let times = 1; times < TIMES && said !== undefined && Exit.isFailure(said); times++) {
    yield* simulation.pass(AGAIN)
    said = yield* simulation.hear(node, getOf(entry, simulation), PATIENCE)
  }
  return said
})

export const nothingIsLost: Invariant = {
  name: "nothing-is-lost",
  sentence:
    "What was acknowledged is found by whoever kept the protocol, while fewer holders failed than the put reported.",
  atRest: Effect.fnUntraced(function* (simulation) {
    const dice = simulation.world.dice.fork("nothing-is-lost")
    const wrong: Array<string> = []
    for (const entry of simulation.ledger.entries.slice(-ASKED_FOR)) {
      // Nobody looks for records at a client: what it alone could store is found by those whom it told of it.
      const isReachable = holdersOf(simulation, entry).some((node) => !node.natted)
      if (!isAlive(entry, simulation) || !isReachable) continue
      const others = simulation.willing.filter((node) => !node.wasByzantine && !holds(node, entry.kind, entry.key, 0))
      if (others.length === 0) continue
      const node = dice.pick(others)
      const said = yield* askedFor(simulation, node, entry)
      if (said === undefined) wrong.push(`node ${node.number} got no answer about a record within ${PATIENCE} s`)
      else if (Exit.isFailure(said)) {
        wrong.push(`node ${node.number} does not find ${describe(simulation, entry)}`)
      } else if (!equalBytes(said.value, entry.value) && !simulation.ledger.wasWritten(entry.key, said.value)) {
        wrong.push(`node ${node.number} is given other bytes for ${describe(simulation, entry)}`)
      }
    }
    return wrong
  })
}

const describe = (simulation: Simulation, entry: Entry): string => {
  const holders = holdersOf(simulation, entry).map((node) => node.number)
  return `record ${keyOf(entry.key)
    .slice(0, 4)
    .split("")
    .map((it) => it.charCodeAt(0).toString(16).padStart(2, "0"))
    .join(
      ""
    )}… of kind ${entry.kind}, put by node ${entry.author}; nodes ${holders.join(", ")} hold it (${entry.reached} did)`
}
