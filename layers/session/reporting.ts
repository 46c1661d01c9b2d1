/** What sessions tell their operator: counters with one attribute each, and Debug lines with fields. */
import { type Context, Effect, LogLevel, Metric } from "effect"
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

/** Nothing is put together where nobody reads Debug lines. */
export const logged = (
  sentence: string,
  { address, dialled }: Pick<Connection, "address" | "dialled">,
  fields: Record<string, string>
): Effect.Effect<void> =>
  Effect.flatMap(LogLevel.isEnabled("Debug"), (isRead) =>
    isRead ? Effect.annotateLogs(Effect.logDebug(sentence), { ...fields, address: address.text, dialled }) : Effect.void
  )

/** Counts one. The values of the attribute are few, so each counter is made once and kept. */
export const makeCount = (context: Context.Context<never>) => {
  const counters = new Map<Metric.Counter<number>, Map<string, Metric.Metric<number, unknown>>>()
  return (metric: Metric.Counter<number>, attribute: string, value: string): void => {
    let byValue = counters.get(metric)
    if (byValue === undefined) counters.set(metric, (byValue = new Map()))
    let counter = byValue.get(value)
    if (counter === undefined) byValue.set(value, (counter = Metric.withAttributes(metric, { [attribute]: value })))
    counter.updateUnsafe(1, context)
  }
}
