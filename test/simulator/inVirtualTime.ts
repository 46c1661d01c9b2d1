/** Tests whose effects run in virtual time: a scheduler, a clock and one process of their own, and an hour at most. */
import { it } from "@effect/vitest"
import { Clock, Context, Effect, Scheduler, type Scope } from "effect"
import { Process } from "#simulator/time/Process"
import { ProcessClock } from "#simulator/time/ProcessClock"
import { VirtualTime } from "#simulator/time/VirtualTime"

const HOUR = 3_600_000

export interface Virtual {
  readonly time: VirtualTime
  readonly process: Process
}

/** The whole of an effect, and nothing of real time. */
export const runVirtually = <A, E>(body: (virtual: Virtual) => Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const time = new VirtualTime()
    const process = new Process(time)
    const context = Context.make(Scheduler.Scheduler, time).pipe(
      Context.add(Clock.Clock, new ProcessClock(time, process))
    )
    const fiber = Effect.runForkWith(context)(Effect.scoped(body({ time, process })))
    time.run(() => fiber.pollUnsafe() !== undefined, HOUR)
    return fiber.pollUnsafe() ?? Effect.die(new Error("it has not ended after an hour of virtual time"))
  })

export const virtually = (name: string, body: (virtual: Virtual) => Effect.Effect<void, unknown, Scope.Scope>): void =>
  it.live(name, () => runVirtually(body))
