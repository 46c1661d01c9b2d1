/** Tells how full the collections of gossip are. */
import { Effect } from "effect"
import { DEGREE_DIALLED, DEGREE_HIGH } from "#core/gossip/tending"
import { TOPICS_LIMIT } from "#schemas/gossip/GossipFrame"
import {
  BACKOFFS,
  CACHED_BYTES,
  CACHED_MESSAGES,
  GONE_SCORES,
  SEEN_IDS,
  SUBSCRIBER_QUEUE,
  VALIDATING,
  WANTED_MESSAGES
} from "#services/gossip/Limits"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"
import type { GossipState } from "./GossipState.ts"

export const watchGossip = Effect.fnUntraced(function* (state: GossipState, validating: () => number) {
  const { cache, mesh, neighbours, scores, seen, subscribers, wanted } = state
  const [bounds, sessions] = [yield* Bounds, yield* SessionManager]
  yield* bounds.watch("topics of a neighbour", TOPICS_LIMIT, () => mesh.neighbours.mostTopics())
  yield* bounds.watch("members of a mesh", DEGREE_HIGH + DEGREE_DIALLED, () => {
    let most = 0
    for (const topic of mesh.topics()) most = Math.max(most, mesh.members(topic).size)
    return most
  })
  yield* bounds.watch("fan-outs", TOPICS_LIMIT, () => mesh.fanOuts)
  yield* bounds.watch("back-offs of meshes", BACKOFFS, () => mesh.backoffs)
  yield* bounds.watch("bad scores of peers that left", GONE_SCORES, () => scores.gone)
  yield* bounds.watch("seen messages", SEEN_IDS, () => seen.size)
  yield* bounds.watch("cached messages", CACHED_MESSAGES, () => cache.size)
  yield* bounds.watch("bytes of cached messages", CACHED_BYTES, () => cache.bytes)
  yield* bounds.watch("messages asked for", WANTED_MESSAGES, () => wanted.size)
  yield* bounds.watch("messages being judged", VALIDATING, validating)
  yield* bounds.watch("messages for a subscriber", SUBSCRIBER_QUEUE, () => subscribers.mostWaiting())
  yield* bounds.watch("gossip neighbours without a session", 0, () =>
    Math.max(0, neighbours.size - sessions.stats().open)
  )
})
