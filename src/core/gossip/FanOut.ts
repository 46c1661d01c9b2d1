/**
 * Whom messages go to in topics that this node publishes to without having joined them: the same few while it goes on
 * publishing, so that they arrive by short ways. Bounded by topics; the one used longest ago makes room.
 */
import { PUBLISH_THRESHOLD } from "./PeerScore.ts"
import { type Pick, sample } from "./pick.ts"
import type { Scores } from "./Scores.ts"

interface Chosen {
  readonly peers: Set<string>
  usedAt: number
}

export class FanOut {
  readonly #limit: number
  readonly #keepFor: number
  readonly #topics = new Map<string, Chosen>()

  /** `keepFor` in the unit of the `now` that is passed in. */
  constructor(limit: number, keepFor: number) {
    this.#limit = limit
    this.#keepFor = keepFor
  }

  get size(): number {
    return this.#topics.size
  }

  /** The chosen ones, filled up to `count` from those who have joined the topic. */
  use(
    topic: string,
    now: number,
    count: number,
    subscribers: ReadonlySet<string>,
    scores: Scores,
    pick: Pick
  ): ReadonlySet<string> {
    const peers = this.#topics.get(topic)?.peers ?? new Set<string>()
    for (const peer of peers) if (scores.of(peer, now) < PUBLISH_THRESHOLD) peers.delete(peer)
    const others = [...subscribers].filter((peer) => !peers.has(peer) && scores.of(peer, now) >= PUBLISH_THRESHOLD)
    for (const peer of sample(others, count - peers.size, pick)) peers.add(peer)
    this.#topics.delete(topic)
    if (peers.size === 0) return peers
    if (this.#topics.size >= this.#limit) this.#topics.delete(this.#topics.keys().next().value ?? "")
    this.#topics.set(topic, { peers, usedAt: now })
    return peers
  }

  /** The chosen ones of a topic that is joined now; they are its first members. */
  take(topic: string): Iterable<string> {
    const peers = this.#topics.get(topic)?.peers ?? []
    this.#topics.delete(topic)
    return peers
  }

  /** It has left the topic, or altogether. */
  remove(peer: string, topic?: string): void {
    if (topic !== undefined) this.#topics.get(topic)?.peers.delete(peer)
    else for (const { peers } of this.#topics.values()) peers.delete(peer)
  }

  sweep(now: number): void {
    for (const [topic, { peers, usedAt }] of this.#topics) {
      if (now - usedAt >= this.#keepFor || peers.size === 0) this.#topics.delete(topic)
    }
  }
}
