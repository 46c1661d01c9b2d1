/** What sessions tell their operator: counters with one attribute each, and Debug lines with fields. */
import { Cause, Context, Effect, FiberSet, LogLevel, Metric } from "effect"
import type { CloseReason } from "#services/session/SessionManager"
import type { Connection } from "#services/transport/Transport"

/** Ends that somebody may want to look into. */
export const FAULTS: ReadonlySet<CloseReason> = new Set([
  "silent",
  "banned",
  "flooding",
  "bad mac",
  "malformed",
  "unsealed frame",
  "rekey overdue"
])

/** Writes Debug lines. Nothing is put together where nobody reads them. */
export const makeLog = Effect.gen(function* () {
  const isRead = yield* LogLevel.isEnabled("Debug")
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  return (
    sentence: string,
    { address, dialled }: Pick<Connection, "address" | "dialled">,
    fields: () => Record<string, string>
  ): void => {
    if (isRead) run(Effect.annotateLogs(Effect.logDebug(sentence), { ...fields(), address: address.text, dialled }))
  }
})

/** What no peer should be able to bring about. */
export const makeOnDefect = Effect.gen(function* () {
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  return (defect: unknown): void => void run(Effect.logError("A session failed", Cause.die(defect)))
})

/** What metrics need of a context, by itself: each of them looks for it at every update, and there it is found at once. */
export const metricsOf = (context: Context.Context<never>): Context.Context<never> =>
  Context.make(Metric.MetricRegistry, Context.get(context, Metric.MetricRegistry)).pipe(
    Context.add(Metric.CurrentMetricAttributes, Context.get(context, Metric.CurrentMetricAttributes))
  )

/**
 * The counter of one value of an attribute. Like `Metric.withAttributes`, but it is put together once and not at each
 * update, which would take longer than what is counted.
 */
export const counterOf = (metric: Metric.Counter<number>, attribute: string, value: string): Metric.Counter<number> => {
  const { description, id } = metric
  const attributes = { [attribute]: value }
  return Metric.counter(id, { attributes, incremental: true, ...(description === undefined ? {} : { description }) })
}

/** Of all nodes of this process: values are few, so each is made once and kept. */
const counters = new Map<Metric.Counter<number>, Map<string, Metric.Counter<number>>>()

/** Counts one, unless it is told of more. */
export const makeCount =
  (context: Context.Context<never>) =>
  (metric: Metric.Counter<number>, attribute: string, value: string, by = 1): void => {
    let byValue = counters.get(metric)
    if (byValue === undefined) counters.set(metric, (byValue = new Map()))
    let counter = byValue.get(value)
    if (counter === undefined) byValue.set(value, (counter = counterOf(metric, attribute, value)))
    counter.updateUnsafe(by, context)
  }
