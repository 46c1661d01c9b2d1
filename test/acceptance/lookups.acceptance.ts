/** Chains of answers in networks up to a thousand nodes: a minute and a half, most of it for the nodes to find each other. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { hopsOfNetworks } from "../simulation/lookupFigures.ts"

it.live("hops grow with the logarithm of the network", () =>
  Effect.map(hopsOfNetworks([64, 256, 1_024], 200), (networks) => {
    for (const { hops, limit } of networks) assert.isAtMost(hops, limit)
    const [small, middle, large] = networks.map(({ hops }) => hops)
    assert.isBelow(small!, middle!)
    assert.isBelow(middle!, large!)
  })
)
