/** Counts a metric by outcome, synchronously. */
import { Effect, type Metric } from "effect"
import { makeCount, metricsOf } from "#layers/session/reporting"

export const metricsBy = (counter: Metric.Counter<number>) =>
  Effect.map(Effect.context<never>(), (context) => {
    const count = makeCount(metricsOf(context))
    return (outcome: string, by = 1): void => count(counter, "outcome", outcome, by)
  })
