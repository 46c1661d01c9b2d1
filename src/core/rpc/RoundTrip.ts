/**
 * How long to wait for a peer, from how long it took before: the estimator of RFC 6298 (sections 2 and 5), with
 * limits of our own since an answer may include work. All times in milliseconds.
 */
export interface TimeoutLimits {
  /** Before anything was measured. */
  readonly initial: number
  readonly minimum: number
  readonly maximum: number
}

export class RoundTrip {
  #smoothed: number | undefined
  #variation = 0
  /** Doubled by every timeout, until something is measured again (section 5.5). */
  #backoff = 1
  /** When a request was last given up; minus infinity for never. */
  #missedAt = Number.NEGATIVE_INFINITY

  get smoothed(): number | undefined {
    return this.#smoothed
  }

  measured(sample: number): void {
    this.#backoff = 1
    if (this.#smoothed === undefined) {
      this.#smoothed = sample
      this.#variation = sample / 2
      return
    }
    this.#variation += (Math.abs(this.#smoothed - sample) - this.#variation) / 4
    this.#smoothed += (sample - this.#smoothed) / 8
  }

  /**
   * A request was given up. What was asked before the latest miss tells nothing new: a line that is slow for a moment
   * delays hundreds of requests, and they are missed together. False for those.
   */
  missed(askedAt: number, now: number, limits: TimeoutLimits): boolean {
    if (askedAt < this.#missedAt) return false
    this.#missedAt = now
    if (this.timeout(limits) < limits.maximum) this.#backoff *= 2
    return true
  }

  timeout(limits: TimeoutLimits): number {
    const base = this.#smoothed === undefined ? limits.initial : this.#smoothed + 4 * this.#variation
    return Math.min(limits.maximum, Math.max(limits.minimum, base) * this.#backoff)
  }
}
