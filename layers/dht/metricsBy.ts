/** Counts a metric by outcome, synchronously. */
import { Effect, Metric } from "effect"

export const metricsBy = (counter: Metric.Counter<number>) =>
  Effect.map(Effect.context<never>(), (context) => {
    const outcomes = new Map<string, Metric.Metric<number, unknown>>()
    return (outcome: string, by = 1): void => {
      const metric = outcomes.get(outcome) ?? Metric.withAttributes(counter, { outcome })
      outcomes.set(outcome, metric)
      metric.updateUnsafe(by, context)
    }
  })
