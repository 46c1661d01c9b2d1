/**
 * Until when a neighbour and this node leave each other's mesh of a topic alone, after one of them pruned. Bounded; the
 * oldest makes room, at the price of being told once more.
 */

/**
 * Milliseconds by which this node waits longer than it has to. Its own wait ends before the neighbour's, who was told
 * on the way, and whoever comes too early is charged for it.
 */
export const SLACK = 2_000

/** Milliseconds; whoever asks for more does not get it. */
export const LONGEST = 3_600_000

export class Backoffs {
  readonly #limit: number
  readonly #until = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#until.size
  }

  /** Never shortens what is running. */
  set(peer: string, topic: string, millis: number, now: number): void {
    const key = topic + peer
    const until = Math.max(this.#until.get(key) ?? 0, now + Math.min(millis, LONGEST))
    this.#until.delete(key)
    if (this.#until.size >= this.#limit) this.#until.delete(this.#until.keys().next().value ?? "")
    this.#until.set(key, until)
  }

  /** Whether the neighbour has to wait. */
  holds(peer: string, topic: string, now: number): boolean {
    return now < (this.#until.get(topic + peer) ?? Number.NEGATIVE_INFINITY)
  }

  /** Whether this node does: a little longer. */
  holdsHere(peer: string, topic: string, now: number): boolean {
    return this.holds(peer, topic, now - SLACK)
  }

  sweep(now: number): void {
    for (const [key, until] of this.#until) if (now >= until + SLACK) this.#until.delete(key)
  }
}
