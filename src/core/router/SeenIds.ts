/**
 * Message ids that were delivered, for a time and up to a number; the oldest go first. Owned by one layer, which may
 * write down what it is told by `entries` and give it back after a restart.
 */
export class SeenIds {
  readonly #limit: number
  readonly #lifetime: number
  /** In order of arrival, since every id lives equally long. */
  readonly #until = new Map<string, number>()

  /** `lifetime` in the unit of the `now` that is passed in. */
  constructor(limit: number, lifetime: number) {
    this.#limit = limit
    this.#lifetime = lifetime
  }

  get size(): number {
    return this.#until.size
  }

  has(id: string, now: number): boolean {
    const until = this.#until.get(id)
    return until !== undefined && until > now
  }

  add(id: string, now: number): void {
    this.#until.delete(id)
    this.expire(now, this.#limit - 1)
    this.#until.set(id, now + this.#lifetime)
  }

  /** Forgets what is over, and the oldest beyond so many. */
  expire(now: number, keep = this.#limit): void {
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size <= keep) return
      this.#until.delete(oldest)
    }
  }

  /** Each id with the time until which it is remembered, the oldest first. */
  entries(): IterableIterator<[id: string, until: number]> {
    return this.#until.entries()
  }

  /** What another one of the same lifetime remembered, in the order of its `entries`; before anything is added. */
  restore(entries: Iterable<readonly [id: string, until: number]>, now: number): void {
    for (const [id, until] of entries) if (until > now && until <= now + this.#lifetime) this.#until.set(id, until)
    this.expire(now)
  }
}
