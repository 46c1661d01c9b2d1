import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { GRAYLIST_THRESHOLD } from "#core/gossip/PeerScore"
import { DEGREE_HIGH, DEGREE_LOW } from "#core/gossip/tending"
import { runVirtually, virtually } from "../../simulator/inVirtualTime.ts"
import { type Conduct, makeNetwork, type NetworkNode, spread, topic } from "./network.ts"

const SIZE = 200
const MESSAGES = 20

const report = (what: string, figures: Record<string, number>) =>
  console.log(JSON.stringify({ test: "gossip", what, ...figures }))

const assertBounded = (nodes: ReadonlyArray<NetworkNode>) => {
  for (const { bounds, number } of nodes) {
    for (const { limit, name, size } of bounds.list()) assert.isAtMost(size(), limit, `${name} of node ${number}`)
  }
}

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

  virtually("also where a fifth drop or spam, and no spammer is heard in the end", ({ time }) =>
    Effect.gen(function* () {
      const conducts = Array.from({ length: SIZE }, (_, n): Conduct => {
        if (n % 10 === 3) return "dropping"
        return n % 10 === 7 ? "spamming" : "honest"
      })
      const { network, nodes } = yield* makeNetwork(time, conducts)
      yield* Effect.sleep("6 seconds")
      const before = network.bytes
      const { count, delivered, longest, near } = yield* spread(nodes, MESSAGES)
      report("a fifth hostile", { delivered, near, longest, bytes: Math.round((network.bytes - before) / count) })
      assert.isAtLeast(delivered, 0.99)
      assert.isAtLeast(near, 0.99)
      let judged = 0
      for (const { gossip } of nodes) {
        for (const other of nodes) {
          const score = gossip?.scoreOf(other.key) ?? 0
          if (other.conduct !== "spamming") assert.isAbove(score, GRAYLIST_THRESHOLD)
          else if (gossip?.peers(topic).some(({ contact }) => contact.key === other.key) === true) {
            judged++
            assert.isBelow(score, GRAYLIST_THRESHOLD)
          }
        }
      }
      assert.isAtLeast(judged, 100)
      assertBounded(nodes)
    })
  )
})
