/** What sessions tell their operator: counters with one attribute each, and Debug lines with fields. */
import { type Context, Effect, Metric } from "effect"
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

export const logged = (
  sentence: string,
  { address, dialled }: Pick<Connection, "address" | "dialled">,
  fields: Record<string, string>
): Effect.Effect<void> => Effect.annotateLogs(Effect.logDebug(sentence), { ...fields, address: address.text, dialled })

/** Counts one. The values of the attribute are few, so each counter is made once and kept. */
export const makeCount = (context: Context.Context<never>) => {
  const counters = new Map<string, Metric.Metric<number, unknown>>()
  return (metric: Metric.Counter<number>, attribute: string, value: string): void => {
    const name = `${metric.id} ${value}`
    const counter = counters.get(name) ?? Metric.withAttributes(metric, { [attribute]: value })
    counters.set(name, counter)
    counter.updateUnsafe(1, context)
  }
}
