/**
 * Answers to questions that may be asked again, because the first answer was lost: a question is delivered once, so it
 * cannot be answered anew. For a time and up to a number of answers and bytes; the oldest go first.
 */
interface Kept<A> {
  readonly until: number
  readonly bytes: number
  readonly answer: A
}

export class KeptAnswers<A> {
  readonly #limit: number
  readonly #bytesLimit: number
  readonly #lifetime: number
  /** In the order in which they were given, as all live equally long. */
  readonly #kept = new Map<string, Kept<A>>()
  #bytes = 0

  /** `lifetime` in the unit of the `now` that is passed in. */
  constructor(limit: number, bytesLimit: number, lifetime: number) {
    this.#limit = limit
    this.#bytesLimit = bytesLimit
    this.#lifetime = lifetime
  }

  get size(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(id: string, now: number): A | undefined {
    const kept = this.#kept.get(id)
    return kept !== undefined && kept.until > now ? kept.answer : undefined
  }

  /** One that is larger than all room there is is not kept. */
  keep(id: string, answer: A, bytes: number, now: number): void {
    this.#forget(id)
    if (bytes > this.#bytesLimit) return
    this.#kept.set(id, { until: now + this.#lifetime, bytes, answer })
    this.#bytes += bytes
    this.expire(now)
  }

  /** Forgets what is over, and the oldest of what is too much. */
  expire(now: number): void {
    for (const [id, { until }] of this.#kept) {
      if (until > now && this.#kept.size <= this.#limit && this.#bytes <= this.#bytesLimit) return
      this.#forget(id)
    }
  }

  #forget(id: string): void {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    this.#kept.delete(id)
    this.#bytes -= kept.bytes
  }
}
