/** How many requests may be in flight to one peer, and who waits for a turn: first come, first served, both bounded. */
export class Window {
  readonly #queueLimit: number
  readonly #limit: number
  #inFlight = 0
  readonly #waiting = new Set<() => void>()

  constructor(limit: number, queueLimit: number) {
    this.#limit = Math.max(1, limit)
    this.#queueLimit = queueLimit
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Those who wait although there is room: always none, or somebody was not woken. */
  get forgotten(): number {
    return this.#inFlight < this.#limit ? this.#waiting.size : 0
  }

  /** True when the caller may send now; it then owes one `leave`. */
  tryEnter(): boolean {
    if (this.#inFlight >= this.#limit) return false
    this.#inFlight++
    return true
  }

  /** `turn` is called once, holding a place as if by `tryEnter`. False when too many wait already. */
  wait(turn: () => void): boolean {
    if (this.#waiting.size >= this.#queueLimit) return false
    this.#waiting.add(turn)
    return true
  }

  /** Stops waiting; false when the turn had come, and then `leave` is owed. */
  abandon(turn: () => void): boolean {
    return this.#waiting.delete(turn)
  }

  leave(): void {
    this.#inFlight--
    this.#admit()
  }

  #admit(): void {
    for (const turn of this.#waiting) {
      if (this.#inFlight >= this.#limit) return
      this.#waiting.delete(turn)
      this.#inFlight++
      turn()
    }
  }
}
