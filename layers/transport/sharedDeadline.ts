/**
 * One timer for all that has equally long to finish: dials come by the hundred, nearly all end within a round trip, and
 * none is worth a sleeping fiber of its own. It rests while nothing is under way.
 */
import { Clock, Duration, Effect, Latch } from "effect"

interface UnderWay {
  readonly until: number
  readonly late: () => void
}

/** What is entered with a function to be called when its time is over; it answers what to call when it is done. */
export const makeSharedDeadline = Effect.fnUntraced(function* (duration: Duration.Duration) {
  const clock = yield* Clock.Clock
  const milliseconds = Duration.toMillis(duration)
  /** In the order in which they are due, as all have equally long. */
  const underWay = new Set<UnderWay>()
  const waiting = yield* Latch.make(false)

  const watch = Effect.gen(function* () {
    yield* waiting.await
    const now = clock.currentTimeMillisUnsafe()
    for (const it of underWay) {
      if (it.until > now) return yield* Effect.sleep(it.until - now)
      underWay.delete(it)
      it.late()
    }
    waiting.closeUnsafe()
  })
  yield* Effect.forkScoped(Effect.forever(watch))

  return (late: () => void): (() => void) => {
    const mine = { until: clock.currentTimeMillisUnsafe() + milliseconds, late }
    underWay.add(mine)
    waiting.openUnsafe()
    return () => underWay.delete(mine)
  }
})
