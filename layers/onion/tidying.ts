/** Forgets what is over, at a pace, for as long as there is anything to forget; then rests until it is woken. */
import { Clock, Effect } from "effect"
import { UnfinishedSweepPace } from "#services/onion/Schedules"

/** Told the time in seconds; answers whether anything is left. */
export type Tidy = (seconds: number) => boolean

export const makeTidying = Effect.fnUntraced(function* (
  run: (effect: Effect.Effect<void>) => void,
  parts: () => ReadonlyArray<Tidy>
) {
  const [clock, pace] = [yield* Clock.Clock, yield* UnfinishedSweepPace]
  let isAwake = false
  const sweep = Effect.gen(function* () {
    while (isAwake) {
      yield* Effect.sleep(pace)
      const now = clock.currentTimeMillisUnsafe() / 1000
      // All of them, whatever the first one says.
      isAwake = parts().filter((tidy) => tidy(now)).length > 0
    }
  })
  return (): void => {
    if (isAwake) return
    isAwake = true
    run(sweep)
  }
})
