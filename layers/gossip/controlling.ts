/** What neighbours say about topics, meshes and messages that they have or want. */
import { GOSSIP_THRESHOLD } from "#core/gossip/PeerScore"
import { keyOf } from "#schemas/bytes/bytes"
import type { GossipFrameFields } from "#schemas/gossip/GossipFrame"
import { flooded, type GossipState, type Neighbour } from "./GossipState.ts"

export const makeControl = (state: GossipState) => {
  const { answers, cache, mesh, now, outbox, scores, seen, wanted } = state

  const allowed = (neighbour: Neighbour, what: "controls" | "ids", count: number): boolean => {
    if (count === 0) return true
    if (neighbour.allowance.takes(what, count, now())) return true
    flooded(state, neighbour)
    return false
  }

  /** Topics first: a graft into one that was joined in the same frame is fine. */
  const membership = (neighbour: Neighbour, { graft, prune, topics }: GossipFrameFields): void => {
    if (!allowed(neighbour, "controls", topics.length + graft.length + prune.length)) return
    for (const { on, topic } of topics) {
      const actions = mesh.subscribed(neighbour.key, keyOf(topic), on, now())
      if (actions === false) flooded(state, neighbour)
      else outbox.act(actions)
    }
    for (const topic of graft) outbox.act(mesh.grafted(neighbour.key, keyOf(topic), now()))
    for (const { backoff, topic } of prune) outbox.act(mesh.pruned(neighbour.key, keyOf(topic), backoff, now()))
  }

  const told = (neighbour: Neighbour, { ihave }: GossipFrameFields): void => {
    for (const { ids, topic } of ihave) {
      if (!allowed(neighbour, "ids", ids.length)) return
      if (!mesh.hasJoined(keyOf(topic))) continue
      for (const id of ids) {
        const key = keyOf(id)
        if (seen.find(key, now()) === undefined && wanted.told(neighbour.key, key, now())) {
          outbox.iwant(neighbour.key, id)
        }
      }
    }
  }

  /** What it gets is counted in bytes, since it asks with few for many. */
  const asked = (neighbour: Neighbour, { iwant }: GossipFrameFields): void => {
    if (!allowed(neighbour, "ids", iwant.length)) return
    for (const id of iwant) {
      const message = cache.get(keyOf(id))
      if (message === undefined) continue
      if (answers.take(0, now()) > 0 || !neighbour.allowance.takes("answers", message.length, now())) return
      answers.take(message.length, now())
      outbox.message(neighbour.key, message)
    }
  }

  return (neighbour: Neighbour, frame: GossipFrameFields): void => {
    membership(neighbour, frame)
    if (scores.of(neighbour.key, now()) < GOSSIP_THRESHOLD) return
    told(neighbour, frame)
    asked(neighbour, frame)
  }
}
