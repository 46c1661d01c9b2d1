/** What peers made of what was asked of them, of the last that were heard of: how much is to be expected of one. */
export class Outcomes {
  readonly #limit: number
  /** By `contact.key`, least recently heard of first. */
  readonly #peers = new Map<string, { good: number; bad: number }>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#peers.size
  }

  /** Earlier outcomes count for less and less: by the tenth part each time. */
  note(key: string, good: boolean): void {
    const before = this.#peers.get(key) ?? { good: 0, bad: 0 }
    this.#peers.delete(key)
    if (this.#peers.size >= this.#limit) this.#peers.delete(this.#peers.keys().next().value ?? "")
    this.#peers.set(key, { good: before.good * FADING + (good ? 1 : 0), bad: before.bad * FADING + (good ? 0 : 1) })
  }

  /** 0 to 1; a half of whom nothing is known (Laplace's rule of succession). */
  quality(key: string): number {
    const { bad, good } = this.#peers.get(key) ?? { good: 0, bad: 0 }
    return (good + 1) / (good + bad + 2)
  }
}

const FADING = 0.9
