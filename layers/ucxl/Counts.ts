/** What an encrypted store counts: for `stats` since the node started, and for /metrics. */
import type { Context } from "effect"
import { Metric } from "effect"
import * as Metrics from "#services/ucxl/Metrics"
import type { AgeTally } from "./age.ts"

const COUNTERS = {
  stored: Metrics.stored,
  retrieved: Metrics.retrieved,
  denied: Metrics.denied,
  failed: Metrics.failed,
  cacheHits: Metrics.cacheHits,
  cacheMisses: Metrics.cacheMisses
}
type Counter = keyof typeof COUNTERS

type NoticeOutcome = "indexed" | "deleted" | "old" | "outranked" | "refused" | "not for us" | "unreadable"

type Timed = "stored" | "retrieved"

const TIMES = { stored: Metrics.storeTime, retrieved: Metrics.retrieveTime }

export class Counts implements AgeTally {
  stored = 0
  retrieved = 0
  denied = 0
  failed = 0
  cacheHits = 0
  cacheMisses = 0
  #encryptions = 0
  #decryptions = 0
  readonly #times = { stored: { calls: 0, millis: 0 }, retrieved: { calls: 0, millis: 0 } }
  readonly #context: Context.Context<never>

  constructor(context: Context.Context<never>) {
    this.#context = context
  }

  add(counter: Counter): void {
    this[counter]++
    COUNTERS[counter].updateUnsafe(1, this.#context)
  }

  took(what: Timed, millis: number): void {
    const times = this.#times[what]
    times.calls++
    times.millis += millis
    TIMES[what].updateUnsafe(millis, this.#context)
  }

  /** Milliseconds; 0 before the first. */
  mean(what: Timed): number {
    const { calls, millis } = this.#times[what]
    return calls === 0 ? 0 : millis / calls
  }

  cacheHolds(items: number, bytes: number): void {
    Metrics.cachedItems.updateUnsafe(items, this.#context)
    Metrics.cachedBytes.updateUnsafe(bytes, this.#context)
  }

  notice(outcome: NoticeOutcome): void {
    Metric.withAttributes(Metrics.notices, { outcome }).updateUnsafe(1, this.#context)
  }

  get encryptions(): number {
    return this.#encryptions
  }

  set encryptions(count: number) {
    Metrics.encryptions.updateUnsafe(count - this.#encryptions, this.#context)
    this.#encryptions = count
  }

  get decryptions(): number {
    return this.#decryptions
  }

  set decryptions(count: number) {
    Metrics.decryptions.updateUnsafe(count - this.#decryptions, this.#context)
    this.#decryptions = count
  }
}
