import { assert, describe } from "@effect/vitest"
import { Clock, DateTime, Effect, Exit, Fiber, Schedule } from "effect"
import { Process } from "#simulator/time/Process"
import { EPOCH, ProcessClock } from "#simulator/time/ProcessClock"
import { virtually } from "../inVirtualTime.ts"

describe("ProcessClock", () => {
  virtually("sleeps for as long as it is told, in no time of this machine", ({ time }) =>
    Effect.gen(function* () {
      const began = performance.now()
      yield* Effect.sleep("30 minutes")
      assert.strictEqual(time.now, 1_800_000)
      yield* Effect.sleep("0 millis")
      assert.strictEqual(time.now, 1_800_000)
      assert.isBelow(performance.now() - began, 1_000)
    })
  )

  virtually("shows the time of the world plus what this machine's clock is off, and monotonic time without it", (it) =>
    Effect.gen(function* () {
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(yield* Clock.currentTimeMillis, EPOCH + 2_000)
      it.process.skew = -90_000
      assert.strictEqual(yield* Clock.currentTimeMillis, EPOCH - 88_000)
      assert.strictEqual(yield* Clock.currentTimeNanos, BigInt(EPOCH - 88_000) * 1_000_000n)
      assert.strictEqual((yield* DateTime.now).epochMilliseconds, EPOCH - 88_000)
      const clock = yield* Clock.Clock
      assert.strictEqual(clock.monotonicTimeNanosUnsafe(), 2_000_000_000n)
    })
  )

  virtually("ends a sleep at its time whatever the clock was set to meanwhile", ({ process, time }) =>
    Effect.gen(function* () {
      const sleeping = yield* Effect.forkChild(Effect.sleep("10 seconds"))
      yield* Effect.sleep("1 second")
      process.skew = 3_600_000
      yield* Fiber.join(sleeping)
      assert.strictEqual(time.now, 10_000)
    })
  )

  virtually("times out, and leaves no timer of what was given up", ({ time }) =>
    Effect.gen(function* () {
      const given = yield* Effect.exit(Effect.timeout(Effect.never, "3 seconds"))
      assert.isTrue(Exit.isFailure(given))
      assert.strictEqual(time.now, 3_000)
      const quick = yield* Effect.timeout(Effect.sleep("1 second"), "1 hour")
      assert.isUndefined(quick)
      assert.strictEqual(time.now, 4_000)
    })
  )

  virtually("keeps schedules", ({ time }) =>
    Effect.gen(function* () {
      const at: Array<number> = []
      const note = Effect.sync(() => void at.push(time.now))
      yield* Effect.repeat(note, Schedule.max([Schedule.spaced("1 minute"), Schedule.recurs(3)]))
      assert.deepStrictEqual(at, [0, 60_000, 120_000, 180_000])
      yield* Effect.ignore(
        Effect.retry(
          Effect.andThen(note, Effect.fail("no")),
          Schedule.max([Schedule.exponential("1 second"), Schedule.recurs(2)])
        )
      )
      assert.deepStrictEqual(at.slice(4), [180_000, 181_000, 183_000])
    })
  )

  virtually("counts the timers that a program leaves when it ends in order, and none of one that was killed", (it) =>
    Effect.gen(function* () {
      const processes = [new Process(it.time), new Process(it.time)] as const
      for (const process of processes) {
        const asleep = Effect.sleep("10 seconds").pipe(
          Effect.provideService(Clock.Clock, new ProcessClock(it.time, process))
        )
        yield* Effect.forkChild(asleep)
      }
      yield* Effect.sleep("1 second")
      processes[0].end()
      processes[1].die()
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual([processes[0].leftTimers, processes[1].leftTimers], [1, 0])
    })
  )
})
