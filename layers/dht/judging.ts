/**
 * What an operation says of the backend that carried it out. Not every failure is the backend's: a record that nobody would
 * take is its maker's, and that nobody has a thing is an answer as good as the thing.
 */
import { Cause, Exit, Option } from "effect"
import type { GetError, PutError, PutReceipt, PutRefused } from "#services/dht/Dht"
import type { Operation } from "#services/dht/MockControl"

/**
 * `answered`: others did. `unplaced`: others answered, but none of them holds what was put. `failed`: nobody is there.
 * `neutral`: it says nothing, as what was found on the own disk, or refused before anybody was asked.
 */
export type Verdict = "answered" | "unplaced" | "failed" | "neutral"

/** Reasons for which a node refuses what another, or the same at another time, would take. */
const FOR_NOW = new Set(["Quota", "Busy", "NotClosest", "WorkRequired"])
/** And for which it has something else of the same name. */
const HISTORY = new Set(["Older", "Conflict"])

/** Whether somebody refuses it for what it is, and will do so again. */
export const isFinal = ({ refusals }: PutRefused): boolean =>
  refusals.some(({ reason }) => !FOR_NOW.has(reason) && !HISTORY.has(reason))

const isReceipt = (value: unknown): value is PutReceipt =>
  typeof value === "object" && value !== null && "holders" in value && "reached" in value

const verdictOfReceipt = ({ factor, holders, lookup }: PutReceipt): Verdict => {
  if (holders.length > 1) return "answered"
  if (lookup.requests <= lookup.failures) return "failed"
  return factor > 1 ? "unplaced" : "answered"
}

const verdictOfError = (operation: Operation, error: PutError | GetError): Verdict => {
  switch (error._tag) {
    case "NotFound":
      // A refresh looks on the own disk alone.
      if (operation === "refresh") return "neutral"
      return error.asked > 0 ? "answered" : "failed"
    case "PutRefused": {
      const nodes = error.refusals.reduce((sum, it) => sum + it.nodes, 0)
      // One refusal may be the own, and then nobody else was there.
      if (nodes > 1) return "answered"
      return error.refusals.every(({ reason }) => FOR_NOW.has(reason)) ? "failed" : "neutral"
    }
    case "StorageFailed":
      return "failed"
    case "InvalidRecord":
    case "StoreFull":
    case "PrivacyUnavailable":
      return "neutral"
  }
}

/** Of an operation that ended by itself; one that was given up on has failed. */
export const verdictOf = (operation: Operation, exit: Exit.Exit<unknown, PutError | GetError>): Verdict => {
  if (Exit.isSuccess(exit)) return isReceipt(exit.value) ? verdictOfReceipt(exit.value) : "neutral"
  return Option.match(Cause.findErrorOption(exit.cause), {
    onNone: () => "neutral",
    onSome: (error) => verdictOfError(operation, error)
  })
}

/** Whether somebody else has a newer version, or another one under the same number: what was offered is history. */
export const isSuperseded = (error: PutError | GetError): boolean =>
  error._tag === "PutRefused" && error.refusals.length > 0 && error.refusals.every(({ reason }) => HISTORY.has(reason))
