/** A rate with a burst: how much a peer may make this node do. Time is an argument, in milliseconds. */

export interface Rate {
  readonly perSecond: number
  /** What may come at once after a rest. */
  readonly burst: number
}

export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #at: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#at = now
  }

  /**
   * Takes what has already happened, so the balance may fall below zero. Answers the milliseconds until it is back at
   * zero; 0 when there was enough.
   */
  take(amount: number, now: number): number {
    this.#tokens = this.left(now) - amount
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#rate.perSecond)
  }

  /** The balance, for whoever refuses what he cannot afford instead of going into debt. */
  left(now: number): number {
    if (now > this.#at) {
      this.#tokens = Math.min(this.#rate.burst, this.#tokens + ((now - this.#at) * this.#rate.perSecond) / 1000)
      this.#at = now
    }
    return this.#tokens
  }
}
