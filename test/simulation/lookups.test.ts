/** Lookups in whole networks: what a get costs, how chains of answers grow, and what those who lie can do. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { standing } from "../simulator/standing.ts"
import { hopsOfNetworks, mean, row, table } from "./lookupFigures.ts"
import { rightAmongBad, searches } from "./searches.ts"

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
      Effect.map(hopsOfNetworks([32, 64], 60), (networks) => {
        for (const { hops, limit } of networks) assert.isAtMost(hops, limit)
      }),
    PATIENCE
  )

  it.live(
    "on three paths finds the right value where a fifth of the nodes is silent, selfish or forging",
    () => Effect.map(rightAmongBad([1]), (share) => assert.isAtLeast(share, 0.99)),
    PATIENCE
  )
})
