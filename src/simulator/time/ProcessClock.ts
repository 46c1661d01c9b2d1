/** Effect's Clock for one process: the world's time plus what this machine's wall clock is off. */
import { type Clock, Duration, Effect } from "effect"
import type { Process } from "./Process.ts"
import { TimedEvent, type VirtualTime } from "./VirtualTime.ts"

/** Unix milliseconds at which every world begins: 2026-01-01. */
export const EPOCH = 1_767_225_600_000

const NANOS = 1_000_000

class Wake extends TimedEvent {
  readonly #resume: (effect: Effect.Effect<void>) => void

  constructor(resume: (effect: Effect.Effect<void>) => void) {
    super()
    this.#resume = resume
  }

  fire(): void {
    this.#resume(Effect.void)
  }

  override lost(process: Process): void {
    if (process.state === "ended") process.leftTimers++
  }
}

export class ProcessClock implements Clock.Clock {
  readonly #time: VirtualTime
  readonly #process: Process

  constructor(time: VirtualTime, process: Process) {
    this.#time = time
    this.#process = process
  }

  currentTimeMillisUnsafe(): number {
    return Math.floor(EPOCH + this.#time.now + this.#process.skew)
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(this.currentTimeMillisUnsafe()) * BigInt(NANOS)
  }

  /** Not moved by skew. */
  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.#time.now * NANOS))
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      const wake = new Wake(resume)
      this.#time.schedule(wake, millis, this.#process)
      return Effect.sync(() => {
        wake.cancelled = true
      })
    })
  }
}
