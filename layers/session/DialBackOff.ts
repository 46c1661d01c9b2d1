/** Peers whose last dial failed, and until when they are left alone. Bounded: the one that failed longest ago goes. */
import { Duration, Effect, Schedule } from "effect"

type Step = Effect.Success<ReturnType<typeof Schedule.toStep<unknown, unknown, never, never>>>

interface Entry {
  readonly step: Step
  readonly until: number
}

export class DialBackOff {
  readonly #schedule: Schedule.Schedule<unknown>
  readonly #limit: number
  readonly #entries = new Map<string, Entry>()

  constructor(schedule: Schedule.Schedule<unknown>, limit: number) {
    this.#schedule = schedule
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  /** Milliseconds until this peer may be dialled again. */
  remaining(key: string, now: number): number {
    return Math.max(0, (this.#entries.get(key)?.until ?? 0) - now)
  }

  succeeded(key: string): void {
    this.#entries.delete(key)
  }

  /** The schedule's next delay begins. When the schedule is over, the peer starts afresh with its first one. */
  failed(key: string, now: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const step = this.#entries.get(key)?.step ?? (yield* Schedule.toStep(this.#schedule))
      const next = yield* Effect.exit(step(now, undefined))
      this.#entries.delete(key)
      if (next._tag === "Failure") return
      const oldest = this.#entries.keys().next()
      if (this.#entries.size >= this.#limit && !oldest.done) this.#entries.delete(oldest.value)
      this.#entries.set(key, { step, until: now + Duration.toMillis(next.value[1]) })
    })
  }
}
