/** Lookups in whole networks: what a get costs, how chains of answers grow, and what those who lie can do. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import type { Behaviour } from "#schemas/simulation/Fault"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { apply } from "#simulator/run/faults"
import type { Simulation } from "#simulator/run/Simulation"
import { bytesOf, put, standing } from "../simulator/standing.ts"
import { hopsOfNetworks, mean, row, table } from "./lookupFigures.ts"

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
const searches = Effect.fnUntraced(function* (simulation: Simulation, count: number, paths: number) {
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

/** Milliseconds, where other work is done beside: by itself none takes ten seconds. */
const PATIENCE = 120_000

describe("a lookup", () => {
  it.live(
    "finds a block among 50 nodes with at most 8 requests in the mean",
    () =>
      Effect.gen(function* () {
        const simulation = yield* standing({ nodes: 50, tempo: "calm" })
        const outcomes = yield* searches(simulation, 60, 1)
        const requests = outcomes.map((it) => it.requests)
        table(
          "requests of a get",
          ["nodes", "gets", "mean", "most"],
          [row(50, outcomes.length, mean(requests), Math.max(...requests))]
        )
        assert.isTrue(outcomes.every(({ found }) => found))
        assert.isAtMost(mean(requests), 8)
      }),
    PATIENCE
  )

  it.live(
    "takes hops that grow with the logarithm of the network, at most half of it and one",
    () =>
      Effect.map(hopsOfNetworks([32, 64, 128], 60), (networks) => {
        for (const { hops, limit } of networks) assert.isAtMost(hops, limit)
      }),
    PATIENCE
  )

  it.live(
    "on three paths finds the right value where a fifth of the nodes is silent, selfish or forging",
    () =>
      Effect.gen(function* () {
        const rows = []
        const kinds: ReadonlyArray<Behaviour> = ["silent", "selfish", "forging"]
        let [all, right] = [0, 0]
        for (const seed of [1, 2, 3]) {
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
        assert.isAtLeast(right / all, 0.99)
      }),
    PATIENCE
  )
})
