/** A network of which a fifth drop or spam, and what is looked at in any. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { GRAYLIST_THRESHOLD } from "#core/gossip/PeerScore"
import type { VirtualTime } from "#simulator/time/VirtualTime"
import { type Conduct, makeNetwork, type NetworkNode, spread, topic } from "./network.ts"

export const report = (what: string, figures: Record<string, number>) =>
  console.log(JSON.stringify({ test: "gossip", what, ...figures }))

export const assertBounded = (nodes: ReadonlyArray<NetworkNode>) => {
  for (const { bounds, number } of nodes) {
    for (const { limit, name, size } of bounds.list()) assert.isAtMost(size(), limit, `${name} of node ${number}`)
  }
}

/** It hears all but every message, and no spammer in the end. */
export const hostile = Effect.fnUntraced(function* (time: VirtualTime, size: number, messages: number) {
  const conducts = Array.from({ length: size }, (_, n): Conduct => {
    if (n % 10 === 3) return "dropping"
    return n % 10 === 7 ? "spamming" : "honest"
  })
  const { network, nodes } = yield* makeNetwork(time, conducts)
  yield* Effect.sleep("6 seconds")
  const before = network.bytes
  const { count, delivered, longest, near } = yield* spread(nodes, messages)
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
  assert.isAtLeast(judged, size / 2)
  assertBounded(nodes)
})
