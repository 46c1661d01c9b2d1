/**
 * Asks a backend, takes the time, and judges what comes of it. After some failures in a row the breaker opens
 * (effect/persistence/CircuitBreaker): nothing is asked any more until a probe has got through. Nobody who waits for an
 * answer is ever the probe.
 */
import { Clock, Duration, Effect, Exit, Metric, Option, Random, Stream } from "effect"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import { HealthRecord } from "#core/dht/HealthRecord"
import * as Metrics from "#services/dht/BackendMetrics"
import type { BackendName, BackendStatus } from "#services/dht/Backends"
import type { Dht, GetError, PutError } from "#services/dht/Dht"
import { FAILURES_IN_A_ROW } from "#services/dht/Limits"
import type { Operation } from "#services/dht/MockControl"
import {
  BackendProbePace,
  BackendProvenFor,
  BackendRest,
  BackendSlowAfter,
  BackendWithin
} from "#services/dht/Schedules"
import { type Verdict, verdictOf } from "./judging.ts"

/** What came of it; `exit` is undefined where it was given up on. */
export interface Judged<A, E> {
  readonly verdict: Verdict
  readonly exit: Exit.Exit<A, E> | undefined
}

const OUTCOMES = {
  answered: CircuitBreaker.success,
  unplaced: CircuitBreaker.success,
  failed: CircuitBreaker.failure(),
  neutral: CircuitBreaker.ignored
}
const HEALTH = { healthy: 2, degraded: 1, failed: 0 }

/** Random bytes of a key that nobody has. */
const nowhere = Effect.map(
  Effect.forEach(Array.from({ length: 32 }), () => Random.nextIntBetween(0, 255)),
  (bytes) => Uint8Array.from(bytes)
)

/** Health and metrics of one backend. */
export const makeGauge = Effect.fnUntraced(function* (backend: BackendName) {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const slowAfter = Duration.toMillis(yield* BackendSlowAfter)
  const record = new HealthRecord()
  const of = <Input, State>(metric: Metric.Metric<Input, State>) => Metric.withAttributes(metric, { backend })
  const [latency, health] = [of(Metrics.latency), of(Metrics.health)]
  const operations = new Map<Verdict, Metric.Metric<number, unknown>>()
  let isOut = false

  const show = (): void => {
    health.updateUnsafe(HEALTH[record.health(slowAfter, isOut)], context)
    if (record.latencyMillis !== undefined) latency.updateUnsafe(record.latencyMillis / 1_000, context)
  }

  const note = (verdict: Verdict, milliseconds: number): void => {
    const counter = operations.get(verdict) ?? Metric.withAttributes(of(Metrics.operations), { outcome: verdict })
    operations.set(verdict, counter)
    counter.updateUnsafe(1, context)
    if (verdict === "neutral") return
    record.note(verdict !== "failed", milliseconds, clock.currentTimeMillisUnsafe())
    show()
  }

  return {
    record,
    /** Carries it out, however that ends. */
    judged: <A, E extends PutError | GetError>(
      operation: Operation,
      effect: Effect.Effect<A, E>,
      judge: (exit: Exit.Exit<A, E>) => Verdict = (exit) => verdictOf(operation, exit),
      within?: Duration.Duration
    ): Effect.Effect<Judged<A, E>> =>
      Effect.suspend(() => {
        const begun = clock.currentTimeMillisUnsafe()
        const ended = Effect.exit(effect)
        const limited = within === undefined ? Effect.asSome(ended) : Effect.timeoutOption(ended, within)
        return Effect.map(limited, (some) => {
          const exit = Option.getOrUndefined(some)
          const verdict = exit === undefined ? "failed" : judge(exit)
          note(verdict, clock.currentTimeMillisUnsafe() - begun)
          return { verdict, exit }
        })
      }),
    setOut: (out: boolean) => {
      isOut = out
      show()
    },
    status: (): BackendStatus => ({
      name: backend,
      health: record.health(slowAfter, isOut),
      lastCheck: record.lastCheck === undefined ? null : Math.floor(record.lastCheck / 1_000),
      checks: record.checks,
      errors: record.errors,
      consecutiveFailures: record.consecutiveFailures,
      latencyMillis: record.latencyMillis ?? null
    })
  }
})

/** The real backend behind its breaker. `heard` is told whenever it goes out of reach, and when it is back. */
export const makeGuard = Effect.fnUntraced(function* (
  dht: Dht["Service"],
  heard: (isOut: boolean) => Effect.Effect<void>
) {
  const gauge = yield* makeGauge("real")
  const [within, provenFor] = [yield* BackendWithin, Duration.toMillis(yield* BackendProvenFor)]
  const clock = yield* Clock.Clock
  const key = "real"
  const breaker = yield* Effect.provide(
    CircuitBreaker.make({
      tripPolicy: CircuitBreaker.consecutive(FAILURES_IN_A_ROW),
      openDuration: yield* BackendRest
    }),
    CircuitBreaker.layerStoreMemory()
  )
  let isOut = false

  yield* breaker.transitions.pipe(
    Stream.runForEach(({ to }) => {
      // A probe that is let through changes nothing until it has got somewhere.
      if (to === "HalfOpen" || isOut === (to === "Open")) return Effect.void
      isOut = to === "Open"
      gauge.setOut(isOut)
      return heard(isOut)
    }),
    Effect.forkScoped({ startImmediately: true })
  )

  const execute = <A, E>(call: Effect.Effect<Judged<A, E>>): Effect.Effect<Judged<A, E> | undefined> =>
    call.pipe(
      breaker.execute({
        key,
        classify: (exit) => (Exit.isSuccess(exit) ? OUTCOMES[exit.value.verdict] : CircuitBreaker.ignored)
      }),
      Effect.catch(() => Effect.succeed(undefined))
    )

  const ask = <A, E extends PutError | GetError>(operation: Operation, effect: Effect.Effect<A, E>) =>
    gauge.judged(operation, effect, undefined, within)

  /** Undefined, and nothing done, while it is out of reach. */
  const attempt = <A, E extends PutError | GetError>(
    operation: Operation,
    effect: Effect.Effect<A, E>
  ): Effect.Effect<Judged<A, E> | undefined> =>
    Effect.flatMap(Effect.orDie(breaker.state(key)), ({ _tag }) =>
      _tag === "Closed" ? execute(ask(operation, effect)) : Effect.succeed(undefined)
    )

  /** Done whether it is in reach or not. */
  const insist = <A, E extends PutError | GetError>(operation: Operation, effect: Effect.Effect<A, E>) =>
    Effect.flatMap(attempt(operation, effect), (judged) =>
      judged === undefined ? ask(operation, effect) : Effect.succeed(judged)
    )

  const probe = Effect.gen(function* () {
    const { lastSuccess } = gauge.record
    const proven = lastSuccess !== undefined && clock.currentTimeMillisUnsafe() - lastSuccess < provenFor
    if (proven && !isOut && gauge.record.consecutiveFailures === 0) return
    const digest = yield* nowhere
    yield* execute(ask("getBlock", dht.getBlock(digest)))
  })

  yield* probe.pipe(Effect.schedule(yield* BackendProbePace), Effect.forkScoped)
  return { attempt, insist, probe, status: gauge.status, isOut: () => isOut }
})

export type Guard = Effect.Success<ReturnType<typeof makeGuard>>
