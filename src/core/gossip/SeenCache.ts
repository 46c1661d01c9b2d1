/**
 * Ids of messages that were judged, so that none is verified, delivered or passed on twice. Owned by one layer.
 *
 * Kept in generations of a fifth of their lifetime: an id costs no time of its own, and a whole generation is forgotten
 * at once. So an id is known for its lifetime and up to a fifth longer. When there are too many, the oldest generation
 * goes before its time.
 */

const GENERATIONS = 5

/** What came of it: a refused one tells on whoever sends it again. */
export type Judged = "taken" | "refused"

interface Generation {
  /** The last time at which ids are added. */
  readonly ends: number
  readonly ids: Map<string, Judged>
}

export class SeenCache {
  readonly #limit: number
  readonly #lifetime: number
  readonly #span: number
  /** The oldest first. */
  readonly #generations: Array<Generation> = []

  /** `lifetime` in the unit of the `now` that is passed in. */
  constructor(limit: number, lifetime: number) {
    this.#limit = limit
    this.#lifetime = lifetime
    this.#span = lifetime / GENERATIONS
  }

  get size(): number {
    return this.#generations.reduce((sum, { ids }) => sum + ids.size, 0)
  }

  find(id: string, now: number): Judged | undefined {
    this.#forget(now)
    for (let at = this.#generations.length - 1; at >= 0; at--) {
      const judged = this.#generations[at]?.ids.get(id)
      if (judged !== undefined) return judged
    }
    return undefined
  }

  /** An id that is not known yet, or one that is judged anew: it lives from then on again. */
  add(id: string, judged: Judged, now: number): void {
    this.#forget(now)
    for (const { ids } of this.#generations) ids.delete(id)
    while (this.size >= this.#limit) this.#generations.shift()
    this.#youngest(now).set(id, judged)
  }

  #youngest(now: number): Map<string, Judged> {
    const last = this.#generations.at(-1)
    if (last !== undefined && now < last.ends) return last.ids
    const ids = new Map<string, Judged>()
    this.#generations.push({ ends: now + this.#span, ids })
    return ids
  }

  #forget(now: number): void {
    while (this.#generations[0] !== undefined && now >= this.#generations[0].ends + this.#lifetime) {
      this.#generations.shift()
    }
  }
}
