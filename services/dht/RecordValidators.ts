/**
 * What makes a record of a kind acceptable. The same checks run when a node is asked to store and when it reads an
 * answer. Apps add kinds of rules by Layer through `register`.
 */
import { Context, type Effect, type Result, Schema, type Scope } from "effect"

/**
 * Why a record is refused; crosses the wire as a tag, so that the storing side knows what to do. `Conflict` has lost to
 * another record of the same `seq`; `NotGranted` is not in the name of the authority that it claims.
 */
export const Refusal = Schema.Literals([
  "Malformed",
  "UnknownKind",
  "WrongKey",
  "BadSignature",
  "NotGranted",
  "Premature",
  "Expired",
  "TooLong",
  "NotClosest",
  "Older",
  "Conflict",
  "Quota",
  "Busy",
  "WorkRequired",
  "Invalid"
])
export type Refusal = typeof Refusal.Type

/** A record that passed: what the store and the comparison need to know of it. */
export interface CheckedRecord {
  readonly kind: number
  readonly key: Uint8Array
  readonly member: Uint8Array
  readonly seq: number
  /** Unix seconds, when the first of the record and its grants dies; for kinds without an expiry, undefined. */
  readonly expires: number | undefined
  /** Entries that may stand under its key: 1 where its kind is no set. */
  readonly limit: number
  /** Of the entries of a full set those of the highest rank stay, and of equal rank those of the lower `member`. */
  readonly rank: number
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
    /**
     * Until the scope closes. Kinds 5 to 9 are refused as `UnknownKind` for as long as nobody has registered a rule for
     * them, so that no disk holds what nobody can judge.
     */
    readonly register: (kind: number, validator: Validator) => Effect.Effect<void, never, Scope.Scope>
  }
>()("allium/services/dht/RecordValidators") {}
