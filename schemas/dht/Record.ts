/**
 * What the records of the DHT have in common: kinds, labels, limits, lifetimes, and the bytes a signature covers
 * (WIRE §1 and §6). A record is a CBOR array that begins with its kind, except a block, which is bare bytes.
 */
import { Result, Schema } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { arrayHead, decodeArray, elements } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"

export const RecordKind = {
  Block: 0,
  Mutable: 1,
  Provider: 2,
  Peer: 3,
  Announcement: 4,
  Op: 5,
  Commit: 6,
  Snapshot: 7,
  KeyPackages: 8,
  Inbox: 9,
  Name: 10
} as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]

/** Bytes of a record, of a block and of a PeerRecord, at most. */
export const RECORD_LIMIT = 60 * 1024
export const BLOCK_LIMIT = 32 * 1024
export const PEER_RECORD_LIMIT = 1024

/** Elements of a record, at most: twice the most that any kind has, for those that later versions append. */
export const ELEMENTS_LIMIT = 24

/** Seconds from `issued` to `expires`, at most. */
export const LIFETIME = 30 * 86_400
export const SHORT_LIFETIME = 86_400
export const WEEK_LIFETIME = 7 * 86_400

export const SIGNATURE_LENGTH = 64

/** How many entries stand under one key, for the kinds that are sets; any other key holds one record. */
export const SET_LIMITS: Partial<Record<RecordKind, number>> = {
  [RecordKind.Provider]: 10,
  [RecordKind.Announcement]: 64,
  [RecordKind.Commit]: 16,
  [RecordKind.Snapshot]: 8,
  [RecordKind.Inbox]: 64,
  [RecordKind.Name]: 64
}

/** Under a name of the open namespace, where nobody has to be let in. */
export const OPEN_NAME_LIMIT = 16

/** The authority of the open namespace: no public key at all. */
export const OPEN_NAMESPACE = new Uint8Array(32)

const LABELS = [
  undefined,
  "mutable",
  "provider",
  "peer",
  "announce",
  "op",
  "commit",
  "snapshot",
  "keypackage",
  undefined,
  "name"
] as const

/** Seconds since 1970, or a `seq`: a whole number a double holds exactly. */
export const Uint53 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

/** A number that counts from one. */
export const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))

export const Signature = Schema.Uint8Array.check(Schema.isBetweenLength(SIGNATURE_LENGTH, SIGNATURE_LENGTH))

/** Also tells apart what is no whole number. */
export const isRecordKind = (kind: number): kind is RecordKind =>
  LABELS.length > kind && kind >= 0 && Number.isInteger(kind)

/** What a signature of this kind is bound to; undefined for the kinds that carry none. */
export const labelOf = (kind: RecordKind): string | undefined => LABELS[kind]

/** For the kinds that carry no `expires` (0, 5, 6) it bounds the ttl they are stored with. */
export const lifetimeOf = (kind: RecordKind): number => {
  switch (kind) {
    case RecordKind.Provider:
    case RecordKind.Announcement:
      return SHORT_LIFETIME
    case RecordKind.Block:
    case RecordKind.Op:
    case RecordKind.Commit:
    case RecordKind.Inbox:
      return WEEK_LIFETIME
    default:
      return LIFETIME
  }
}

/** Undefined where the times agree with each other; whether they agree with the clock is another question. */
export const lifetimeRefusal = (kind: RecordKind, issued: number, expires: number): string | undefined => {
  if (expires <= issued) return "expires before it was issued"
  return expires - issued > lifetimeOf(kind) ? "lives too long" : undefined
}

/** The elements of a record of this kind, or the word of refusal. */
export const readElements = (bytes: Uint8Array, kind: RecordKind): Result.Result<ReadonlyArray<CborValue>, string> => {
  if (bytes.length > RECORD_LIMIT) return Result.fail("record above 60 KiB")
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  return decoded.success[0] === kind ? Result.succeed(decoded.success) : Result.fail("a record of another kind")
}

export interface WithoutElement {
  /** An array of all other elements as received, under the head of their own count. */
  readonly others: Uint8Array
  /** The encoding of the one that was taken out; undefined where there is none. */
  readonly element: Uint8Array | undefined
}

/** Takes a record apart. Elements that a later version appended are among the others. */
export const withoutElement = (record: Uint8Array, index: number): Result.Result<WithoutElement, string> => {
  const parts = elements(record, ELEMENTS_LIMIT)
  if (Result.isFailure(parts)) return Result.fail(parts.failure)
  const others = parts.success.filter((_, at) => at !== index)
  return Result.succeed({ others: concatBytes([arrayHead(others.length), ...others]), element: parts.success[index] })
}

export interface SignedElements {
  /** The array without its signature. */
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** Takes a record apart for verification. */
export const signedElements = (record: Uint8Array, signatureIndex: number): Result.Result<SignedElements, string> => {
  const parts = withoutElement(record, signatureIndex)
  if (Result.isFailure(parts)) return Result.fail(parts.failure)
  const { element, others } = parts.success
  // a byte string of 64 has a head of two bytes, 0x58 0x40
  if (element?.length !== SIGNATURE_LENGTH + 2 || element[0] !== 0x58) return Result.fail("signature is missing")
  return Result.succeed({ message: others, signature: element.subarray(2) })
}
