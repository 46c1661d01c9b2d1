/**
 * What makes a record of a kind acceptable. The same checks run when a node is asked to store and when it reads an
 * answer. Apps add kinds of rules by Layer through `register`.
 */
import { Context, type Effect, type Result, Schema, type Scope } from "effect"

/** Why a record is refused; crosses the wire as a tag, so that the storing side knows what to do. */
export const Refusal = Schema.Literals([
  "Malformed",
  "UnknownKind",
  "WrongKey",
  "BadSignature",
  "Expired",
  "TooLong",
  "NotClosest",
  "Older",
  "Conflict",
  "Quota",
  "Busy",
  "Invalid"
])
export type Refusal = typeof Refusal.Type

/** A record that passed: what the store and the comparison need to know of it. */
export interface CheckedRecord {
  readonly kind: number
  readonly key: Uint8Array
  readonly member: Uint8Array
  readonly seq: number
  /** Unix seconds; for kinds without an expiry of their own, undefined. */
  readonly expires: number | undefined
  readonly bytes: Uint8Array
}

/** Further rule for one kind, run after key, expiry and signature hold. Synchronous and total. */
export type Validator = (record: CheckedRecord, now: number) => Result.Result<void, string>

export class RecordValidators extends Context.Service<
  RecordValidators,
  {
    /** Parse, key binding and size: cheap, no signature. `now` in unix seconds. */
    readonly parse: (kind: number, bytes: Uint8Array, now: number) => Result.Result<CheckedRecord, Refusal>
    /** Signature and the kind's validators; run last because it costs. */
    readonly verify: (record: CheckedRecord, now: number) => Result.Result<void, Refusal>
    readonly register: (kind: number, validator: Validator) => Effect.Effect<void, never, Scope.Scope>
  }
>()("allium/services/dht/RecordValidators") {}
