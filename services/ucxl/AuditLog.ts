/**
 * What was done with encrypted content on this node, line by line: each line's id is a hash over it and the id of the line
 * before, and the node signs the newest, so that a line that was changed, moved or removed is found.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { StorageFailed } from "../storage/RecordStore.ts"

export const AuditOperation = Schema.Literals([
  "store",
  "retrieve",
  "delete",
  "announce",
  "discover",
  "search",
  "share",
  "rotate",
  "roles",
  "audit"
])
export type AuditOperation = typeof AuditOperation.Type

export const AuditOutcome = Schema.Literals(["done", "denied", "failed"])
export type AuditOutcome = typeof AuditOutcome.Type

/** What is to be written down. Never content, never keys. */
export interface AuditEvent {
  readonly operation: AuditOperation
  /** Of the content; empty where it concerns none. */
  readonly address: string
  readonly role: string
  readonly contentType: string
  /** Bytes of the plaintext; 0 where it is not known. */
  readonly size: number
  readonly outcome: AuditOutcome
  /** The tag of the error and its words; empty of what was done. */
  readonly reason: string
}

export const AuditEntry = Schema.Struct({
  /** From 1, without gaps. */
  number: Schema.Int,
  /** Unix milliseconds. */
  time: Schema.Int,
  /** The node's did. */
  node: Schema.String,
  operation: AuditOperation,
  address: Schema.String,
  role: Schema.String,
  contentType: Schema.String,
  size: Schema.Int,
  outcome: AuditOutcome,
  reason: Schema.String,
  /** SHA-256 over the line before's and this line's fields, in hex. */
  trailId: Schema.String
})
export type AuditEntry = typeof AuditEntry.Type

export const AuditVerdict = Schema.Struct({
  sound: Schema.Boolean,
  /** Lines looked at, and the first and last of them; those before were dropped by rotation, which is signed too. */
  lines: Schema.Int,
  first: Schema.Int,
  last: Schema.Int,
  /** Number of the first line at which something is wrong, and what. */
  brokenAt: Schema.NullOr(Schema.Int),
  reason: Schema.String
})
export type AuditVerdict = typeof AuditVerdict.Type

export class AuditLog extends Context.Service<
  AuditLog,
  {
    /** Durable when it returns; answers the line as it was written. */
    readonly append: (event: AuditEvent) => Effect.Effect<AuditEntry, StorageFailed>
    /** Ascending, from above `after`, at most `limit`. */
    readonly list: (after: number, limit: number) => Effect.Effect<ReadonlyArray<AuditEntry>, StorageFailed>
    /** The newest `limit` lines, ascending. */
    readonly latest: (limit: number) => Effect.Effect<ReadonlyArray<AuditEntry>, StorageFailed>
    /** Every line from now on; who does not keep up loses the oldest. */
    readonly changes: Stream.Stream<AuditEntry>
    /** Reads all of it, archives included. */
    readonly verify: Effect.Effect<AuditVerdict, StorageFailed>
  }
>()("allium/services/ucxl/AuditLog") {}
