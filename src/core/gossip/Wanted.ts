/**
 * Messages that neighbours have told of and this node has not: each is asked of one of them at a time, and of the next
 * when that one does not keep its word. Bounded in all and for each neighbour, since anyone can tell of what is not.
 */

/** Further neighbours remembered for a message, should the first one fail. */
const OTHERS = 3

interface Ask {
  asked: string
  askedAt: number
  readonly others: Array<string>
}

/** What became of those that were due. */
export interface Overdue {
  readonly again: ReadonlyArray<{ readonly peer: string; readonly id: string }>
  /** Who told of messages that did not come, each once: whatever is missing at one time is one offence. */
  readonly broken: ReadonlySet<string>
}

export class Wanted {
  readonly #limit: number
  readonly #perPeer: number
  readonly #within: number
  readonly #asks = new Map<string, Ask>()
  readonly #count = new Map<string, number>()

  /** `within`: how long a neighbour may take, in the unit of the `now` that is passed in. */
  constructor(limit: number, perPeer: number, within: number) {
    this.#limit = limit
    this.#perPeer = perPeer
    this.#within = within
  }

  get size(): number {
    return this.#asks.size
  }

  /** A neighbour has it. True if it is the one to be asked. */
  told(peer: string, id: string, now: number): boolean {
    const ask = this.#asks.get(id)
    if (ask === undefined) {
      if (this.#asks.size >= this.#limit || this.#asksOf(peer) >= this.#perPeer) return false
      this.#asks.set(id, { asked: peer, askedAt: now, others: [] })
      this.#count.set(peer, this.#asksOf(peer) + 1)
      return true
    }
    if (ask.asked !== peer && ask.others.length < OTHERS && !ask.others.includes(peer)) ask.others.push(peer)
    return false
  }

  /** It came, from whomever. */
  arrived(id: string): void {
    const ask = this.#asks.get(id)
    if (ask === undefined) return
    this.#asks.delete(id)
    this.#released(ask.asked)
  }

  /** It left, so it is not to blame; what it was asked for is due at once. */
  peerDown(peer: string): void {
    for (const ask of this.#asks.values()) if (ask.asked === peer) ask.askedAt = Number.NEGATIVE_INFINITY
  }

  sweep(now: number): Overdue {
    const again: Array<{ peer: string; id: string }> = []
    const broken = new Set<string>()
    for (const [id, ask] of this.#asks) {
      if (now - ask.askedAt < this.#within) continue
      this.#released(ask.asked)
      if (ask.askedAt !== Number.NEGATIVE_INFINITY) broken.add(ask.asked)
      const next = ask.others.shift()
      if (next === undefined) {
        this.#asks.delete(id)
        continue
      }
      ask.asked = next
      ask.askedAt = now
      this.#count.set(next, this.#asksOf(next) + 1)
      again.push({ peer: next, id })
    }
    return { again, broken }
  }

  #asksOf(peer: string): number {
    return this.#count.get(peer) ?? 0
  }

  #released(peer: string): void {
    const left = this.#asksOf(peer) - 1
    if (left > 0) this.#count.set(peer, left)
    else this.#count.delete(peer)
  }
}
