/**
 * One timer for all that has equally long to finish: dials come by the hundred, nearly all end within a round trip, and
 * none is worth a sleeping fiber of its own. It rests while nothing is under way.
 */
import { Clock, Duration, Effect, type Exit, Fiber, Latch } from "effect"

interface UnderWay {
  readonly until: number
  readonly fiber: Fiber.Fiber<unknown, unknown>
  isLate: boolean
}

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
      it.isLate = true
      it.fiber.interruptUnsafe()
    }
    waiting.closeUnsafe()
  })
  yield* Effect.forkScoped(Effect.forever(watch))

  /** The effect in a fiber of its own, which is interrupted when its time is over; then it fails with `late`. */
  return <A, E, E2, R>(effect: Effect.Effect<A, E, R>, late: () => E2): Effect.Effect<A, E | E2, R> =>
    Effect.flatMap(Effect.forkChild(effect, { startImmediately: true }), (fiber) =>
      Effect.callback<A, E | E2>((resume) => {
        const mine: UnderWay = { until: clock.currentTimeMillisUnsafe() + milliseconds, fiber, isLate: false }
        underWay.add(mine)
        waiting.openUnsafe()
        const ended = fiber.addObserver((exit: Exit.Exit<A, E>) => {
          underWay.delete(mine)
          resume(mine.isLate ? Effect.fail(late()) : exit)
        })
        return Effect.suspend(() => {
          ended()
          underWay.delete(mine)
          return Fiber.interrupt(fiber)
        })
      })
    )
})
