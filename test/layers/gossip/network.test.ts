import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DEGREE_HIGH, DEGREE_LOW } from "#core/gossip/tending"
import { runVirtually, virtually } from "../../simulator/inVirtualTime.ts"
import { assertBounded, hostile, report } from "./hostile.ts"
import { type Conduct, makeNetwork, spread, topic } from "./network.ts"

/** Of a hostile one in the acceptance tests. */
const SIZE = 200
const MESSAGES = 20

describe("gossip of 20 nodes", () => {
  it.live("goes the same way again", () =>
    Effect.gen(function* () {
      const once = runVirtually(({ time }) =>
        Effect.gen(function* () {
          const { network, nodes } = yield* makeNetwork(
            time,
            new Array<Conduct>(20).fill("honest").fill("spamming", 18)
          )
          const { count } = yield* spread(nodes, 5)
          return [network.trace.hash, network.messages, count]
        })
      )
      const first = yield* once
      assert.deepStrictEqual(yield* once, first)
      assert.strictEqual(first[2], 5 * 17)
    })
  )
})

describe("gossip of 200 nodes", () => {
  virtually("reaches 99 of 100 within six hops", ({ time }) =>
    Effect.gen(function* () {
      const { network, nodes } = yield* makeNetwork(time, new Array<Conduct>(SIZE).fill("honest"))
      yield* Effect.sleep("6 seconds")
      for (const { gossip } of nodes) {
        const members = gossip!.peers(topic).filter(({ inMesh }) => inMesh).length
        assert.isAtLeast(members, DEGREE_LOW)
        assert.isAtMost(members, DEGREE_HIGH)
      }
      const before = network.bytes
      const { count, delivered, longest, near } = yield* spread(nodes, MESSAGES)
      const known = nodes.reduce((sum, { gossip }) => sum + gossip!.stats().known, 0)
      const bytes = (network.bytes - before) / count
      report("all honest", { delivered, near, longest, bytes: Math.round(bytes), copies: known / count })
      assert.isAtLeast(near, 0.99)
      // 350 bytes of a message, on each line of the mesh once or twice, and what is told of it.
      assert.isAtMost(bytes, 6_000)
      assertBounded(nodes)
    })
  )
})

describe("gossip of 60 nodes", () => {
  virtually("reaches 99 of 100 also where a fifth drop or spam, and no spammer is heard in the end", ({ time }) =>
    hostile(time, 60, MESSAGES)
  )
})
