/** Figures of lookups in networks of any size, and a table of them for whoever reads the log. */
import { Effect, Exit } from "effect"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { standing } from "../simulator/standing.ts"

export const mean = (numbers: ReadonlyArray<number>): number =>
  numbers.reduce((sum, it) => sum + it, 0) / Math.max(1, numbers.length)

export const row = (...cells: ReadonlyArray<number>): ReadonlyArray<string> =>
  cells.map((it) => (Number.isInteger(it) ? String(it) : it.toFixed(2)))

export const table = (
  title: string,
  heads: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): void => {
  const lines = [heads, ...rows].map((cells) => cells.map((it) => it.padStart(9)).join(""))
  console.log([title, ...lines].join("\n"))
}

/** Random ids, each looked up by a node at random. */
const hopsIn = Effect.fnUntraced(function* (nodes: number, lookups: number) {
  const simulation = yield* standing({ nodes, tempo: "calm", sessionsMax: nodes > 200 ? 16 : 128 })
  const dice = simulation.world.dice.fork("lookups")
  const hops: Array<number> = []
  const requests: Array<number> = []
  for (let n = 0; n < lookups; n++) {
    const target = new Uint8Array(32).map(() => dice.int(256))
    const search = Effect.flatMap(QueryExecutor, (it) => it.lookupNode(target))
    const exit = yield* simulation.hear(dice.pick(simulation.willing), search, 60)
    if (exit === undefined || Exit.isFailure(exit)) return yield* Effect.die(new Error("a lookup did not end"))
    hops.push(exit.value.report.hops)
    requests.push(exit.value.report.requests)
  }
  return { hops: mean(hops), requests: mean(requests) }
})

/** Looks up in networks of these sizes and prints what came of it; `limit` is half of the logarithm, and one. */
export const hopsOfNetworks = Effect.fnUntraced(function* (sizes: ReadonlyArray<number>, lookups: number) {
  const networks = yield* Effect.forEach(sizes, (nodes) =>
    Effect.map(hopsIn(nodes, lookups), (figures) => ({ nodes, ...figures, limit: Math.log2(nodes) / 2 + 1 }))
  )
  const rows = networks.map(({ hops, limit, nodes, requests }) => row(nodes, lookups, hops, limit, requests))
  table("hops of a lookup", ["nodes", "lookups", "mean", "limit", "requests"], rows)
  return networks
}, Effect.scoped)
