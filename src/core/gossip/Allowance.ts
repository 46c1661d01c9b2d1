/** What one neighbour may make this node do, in rates. What is not allowed costs nothing further. */
import { type Rate, TokenBucket } from "#core/session/TokenBucket"

export interface AllowanceRates {
  /** Messages received, known ones included: each is hashed. */
  readonly messages: Rate
  /** Signatures verified. */
  readonly checks: Rate
  /** Grafts, prunes and announcements. */
  readonly controls: Rate
  /** Ids that are looked up, told of or asked for. */
  readonly ids: Rate
  /** Bytes of messages sent because they were asked for. */
  readonly answers: Rate
}

export type Allowed = keyof AllowanceRates

export class Allowance {
  readonly #rates: AllowanceRates
  readonly #buckets: { [A in Allowed]?: TokenBucket } = {}

  constructor(rates: AllowanceRates) {
    this.#rates = rates
  }

  /** Milliseconds. True if there was something left; then `amount` is taken. */
  takes(what: Allowed, amount: number, now: number): boolean {
    const bucket = (this.#buckets[what] ??= new TokenBucket(this.#rates[what], now))
    if (bucket.take(0, now) > 0) return false
    bucket.take(amount, now)
    return true
  }
}
