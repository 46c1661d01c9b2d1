/**
 * A line in the log of audit for each call, whatever comes of it; and the counts of what was denied and what failed. Only
 * what the newest list of roles refuses is a refusal.
 */
import { Cause, Effect, Exit, Option } from "effect"
import { clipText } from "#schemas/bytes/fields"
import { ADDRESS_LIMIT } from "#schemas/ucxl/Address"
import type { StorageFailed } from "#services/storage/RecordStore"
import type { AuditEvent } from "#services/ucxl/AuditLog"
import { judgingAnew } from "./judgingAnew.ts"
import type { StoreState } from "./StoreState.ts"

/** What the call is about, as far as it is known before. */
export type Subject = Pick<AuditEvent, "operation" | "address"> &
  Partial<Pick<AuditEvent, "role" | "contentType" | "size">>

/** What is known of the content when it is done. */
export type Detail = Partial<Pick<AuditEvent, "role" | "contentType" | "size">>

/** Refusals of policy, and of a lack of keys; all others are failures. */
const DENIALS = new Set(["Denied", "UnknownRole", "NotForUs", "KeysLocked", "NoAuthority"])

/** Bytes of a reason. */
const REASON_LIMIT = 256

/** The tag of an error and its own words: texts and numbers, of which the address is told already. */
export const reasonOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null || !("_tag" in error)) return "Failed"
  const words = Object.entries(error).flatMap(([key, value]) =>
    key !== "_tag" && key !== "address" && (typeof value === "string" || typeof value === "number") ? [`${value}`] : []
  )
  return clipText([String(error._tag), ...words].join(": "), REASON_LIMIT)
}

const isDenial = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && DENIALS.has(String(error._tag))

export const makeAuditing = ({ audit, counts, directory }: StoreState) => {
  const anew = judgingAnew(directory)

  const line = (subject: Subject, detail: Detail, outcome: AuditEvent["outcome"], reason: string) =>
    audit.append({
      role: "",
      contentType: "",
      size: 0,
      ...subject,
      ...detail,
      address: clipText(subject.address, ADDRESS_LIMIT),
      outcome,
      reason
    })

  const refusal = (subject: Subject, cause: Cause.Cause<unknown>) => {
    const error = Option.getOrUndefined(Cause.findErrorOption(cause))
    const denied = isDenial(error)
    counts.add(denied ? "denied" : "failed")
    const reason = error === undefined && Cause.hasInterrupts(cause) ? "Interrupted" : reasonOf(error)
    // What went wrong is what the caller has to hear, also where it cannot be written down.
    return Effect.catchTag(line(subject, {}, denied ? "denied" : "failed", reason), "StorageFailed", (failure) =>
      Effect.logError("a refusal could not be written to the log of audit", { operation: failure.operation })
    )
  }

  /** What succeeded fails if it cannot be written down: nothing is given out without its line. */
  return <A, E>(
    subject: Subject,
    task: Effect.Effect<A, E>,
    describe: (value: A) => Detail = () => ({})
  ): Effect.Effect<A, E | StorageFailed> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        Effect.exit(restore(anew(task))),
        (exit): Effect.Effect<A, E | StorageFailed> =>
          Exit.isSuccess(exit)
            ? Effect.as(line(subject, describe(exit.value), "done", ""), exit.value)
            : Effect.andThen(refusal(subject, exit.cause), Effect.failCause(exit.cause))
      )
    )
}

export type Auditing = ReturnType<typeof makeAuditing>
