/** Message ids that were delivered, for a time and up to a number; the oldest go first. Owned by one layer. */
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
    for (const [oldest, until] of this.#until) {
      if (until > now && this.#until.size < this.#limit) break
      this.#until.delete(oldest)
    }
    this.#until.set(id, now + this.#lifetime)
  }
}
