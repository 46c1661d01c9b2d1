/**
 * How fast virtual time goes: the clock alone, beside Effect's TestClock in the same run, and whole networks.
 *
 *   clock     fibers that sleep and wake, timed events a second
 *   network   100 nodes with Noise, and 1,000 with plain sessions: virtual seconds for each real one
 */
import { performance } from "node:perf_hooks"
import { Clock, Context, Effect, Scheduler } from "effect"
import { TestClock } from "effect/testing"
import { planOf } from "#simulator/plan/scenarios"
import { simulate } from "#simulator/simulate"
import { Process } from "#simulator/time/Process"
import { ProcessClock } from "#simulator/time/ProcessClock"
import { VirtualTime } from "#simulator/time/VirtualTime"
import { emit } from "./lib.ts"

const FIBERS = 2_000
const WAKES = 100
const REPS = 5

/** Fibers that wake at times of their own, each `WAKES` times. */
const sleepers = Array.from({ length: FIBERS }, (_, n) => {
  const nap = Effect.sleep(100 + (n % 97))
  return Effect.suspend(() => {
    let wakes = 0
    return Effect.whileLoop({ while: () => wakes < WAKES, body: () => nap, step: () => void wakes++ })
  })
})
const EVENTS = FIBERS * WAKES

const virtual = (): number => {
  const time = new VirtualTime()
  const clock = new ProcessClock(time, new Process(time))
  const context = Context.empty().pipe(Context.add(Clock.Clock, clock), Context.add(Scheduler.Scheduler, time))
  const start = performance.now()
  for (const sleeper of sleepers) Effect.runForkWith(context)(sleeper)
  time.run(() => false, Number.POSITIVE_INFINITY)
  if (time.fired !== EVENTS) throw new Error(`${time.fired} events instead of ${EVENTS}`)
  return (EVENTS / (performance.now() - start)) * 1e3
}

const test = Effect.gen(function* () {
  const start = performance.now()
  for (const sleeper of sleepers) yield* Effect.forkChild(sleeper, { startImmediately: true })
  yield* TestClock.adjust(`${200 * WAKES} millis`)
  return (EVENTS / (performance.now() - start)) * 1e3
}).pipe(Effect.provide(TestClock.layer()))

const clocks: Array<readonly [number, number]> = []
virtual()
for (let rep = 0; rep < REPS; rep++) clocks.push([virtual(), await Effect.runPromise(test)])
emit(
  "simulator.clock.rate",
  "events/s",
  clocks.map(([own]) => own),
  { fibers: FIBERS }
)
emit(
  "simulator.testclock.rate",
  "events/s",
  clocks.map(([, other]) => other),
  { fibers: FIBERS }
)

const network = async (figure: string, nodes: number, reps: number) => {
  const speeds: Array<number> = []
  const hashes = new Set<string>()
  for (let rep = 0; rep < reps; rep++) {
    const { run, traceHash } = await Effect.runPromise(
      simulate(planOf({ scenario: "steady", nodes, hours: 1, seed: 7 }))
    )
    speeds.push(run.speed)
    hashes.add(traceHash)
  }
  emit(figure, "virtual s/s", speeds, { nodes, traces: hashes.size })
}

const only = process.argv[2]
if (only !== "clock") {
  await network("simulator.noise100.speed", 100, 3)
  await network("simulator.plain1000.speed", 1_000, 1)
}
