/**
 * Chains of answers in networks up to a thousand nodes, and searches among those who lie: a minute and a half, most of it
 * for the nodes to find each other.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { hopsOfNetworks } from "../simulation/lookupFigures.ts"
import { rightAmongBad } from "../simulation/searches.ts"

it.live("hops grow with the logarithm of the network", () =>
  Effect.map(hopsOfNetworks([32, 64, 128, 256, 1_024], 200), (networks) => {
    for (const { hops, limit } of networks) assert.isAtMost(hops, limit)
    const [, small, , middle, large] = networks.map(({ hops }) => hops)
    assert.isBelow(small!, middle!)
    assert.isBelow(middle!, large!)
  })
)

it.live("three paths lead to the right value where a fifth of the nodes is silent, selfish or forging", () =>
  Effect.map(rightAmongBad([1, 2, 3]), (share) => assert.isAtLeast(share, 0.99))
)
