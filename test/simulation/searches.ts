/** Searches for values in whole networks, of honest nodes and of such that lie. */
import { createHash } from "node:crypto"
import { Effect, Exit } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import type { Behaviour } from "#schemas/simulation/Fault"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { apply } from "#simulator/run/faults"
import type { Simulation } from "#simulator/run/Simulation"
import { bytesOf, put, standing } from "../simulator/standing.ts"
import { mean, row, table } from "./lookupFigures.ts"

const digestOf = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest())

const valueOf = (n: number): Uint8Array => {
  const bytes = bytesOf(1)
  new DataView(bytes.buffer).setUint32(0, n)
  return bytes
}

/** As a reader asks: the first answer that is what was asked for ends it. */
const search = (key: Uint8Array, paths: number) =>
  Effect.gen(function* () {
    const queries = yield* QueryExecutor
    let found = false
    const accept = ([record]: ReadonlyArray<Uint8Array>) => {
      found = record !== undefined && equalBytes(digestOf(record), key)
      return found
    }
    const { report } = yield* queries.lookupValue({ kind: RecordKind.Block, key, accept, paths })
    return { found, requests: report.requests, milliseconds: report.milliseconds }
  })

/** Values of honest putters, and then a search for each by an honest node that does not hold it. */
export const searches = Effect.fnUntraced(function* (simulation: Simulation, count: number, paths: number) {
  const dice = simulation.world.dice.fork("searches")
  const keys: Array<Uint8Array> = []
  for (let n = 0; n < count; n++) keys.push((yield* put(simulation, dice.pick(simulation.willing), valueOf(n))).key)
  const outcomes: Array<{ readonly found: boolean; readonly requests: number; readonly milliseconds: number }> = []
  for (const key of keys) {
    const strangers = simulation.willing.filter((node) => node.disk.held(RecordKind.Block, key).length === 0)
    const exit = yield* simulation.hear(dice.pick(strangers), search(key, paths), 60)
    if (exit === undefined || Exit.isFailure(exit)) outcomes.push({ found: false, requests: 0, milliseconds: 60_000 })
    else outcomes.push(exit.value)
  }
  return outcomes
})

/** The share of searches on three paths that find the right value where a fifth is silent, selfish or forging. */
export const rightAmongBad = Effect.fnUntraced(function* (seeds: ReadonlyArray<number>) {
  const rows = []
  const kinds: ReadonlyArray<Behaviour> = ["silent", "selfish", "forging"]
  let [all, right] = [0, 0]
  for (const seed of seeds) {
    const simulation = yield* standing({ seed, nodes: 60, tempo: "calm" })
    const { dice, nodes } = simulation.world
    const turned = dice
      .fork("turned")
      .shuffle(nodes.slice(1))
      .slice(0, nodes.length / 5)
    for (const [n, { number: node }] of turned.entries())
      apply(simulation, { _tag: "Turn", node, behaviour: kinds[n % kinds.length]! })
    yield* simulation.pass(120)
    const outcomes = yield* searches(simulation, 70, 3)
    const found = outcomes.filter((it) => it.found)
    all += outcomes.length
    right += found.length
    rows.push(
      row(
        seed,
        nodes.length,
        turned.length,
        outcomes.length,
        found.length,
        mean(outcomes.map((it) => it.requests)),
        mean(outcomes.map((it) => it.milliseconds))
      )
    )
  }
  table("searches on three paths", ["seed", "nodes", "bad", "searches", "right", "requests", "ms"], rows)
  return right / all
}, Effect.scoped)
