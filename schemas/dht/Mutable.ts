/**
 * Kind 1: a value its author may replace, under SHA-256("allium/mutable" ‖ author ‖ salt) (WIRE §6). At most 60 KiB.
 *
 *   [1, author 32, salt ≤ 64, seq, issued, expires, value, sig 64]
 *
 * An empty value deletes, and then has to live the longest life there is, so that it outlives what it deletes.
 */
import { Result, Schema } from "effect"
import { bytesUpTo, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { LIFETIME, RECORD_LIMIT, RecordKind, SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

export const SALT_LIMIT = 64

/** A value up to this length fits, however long the other elements are: they take 198 bytes at most. */
export const VALUE_LIMIT = RECORD_LIMIT - 200

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 7

const KEY_PREFIX = utf8("allium/mutable")

/** That a deletion lives long enough is for the reader to see: it is between two fields. */
export class Mutable extends Schema.Class<Mutable>("allium/dht/Mutable")({
  author: PublicKey,
  salt: bytesUpTo(SALT_LIMIT),
  seq: Uint53,
  issued: Uint53,
  expires: Uint53,
  value: bytesUpTo(RECORD_LIMIT),
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type MutableFields = Pick<Mutable, keyof typeof Mutable.fields>

/** What stands before the signature. */
export type UnsignedMutable = Omit<typeof Mutable.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<MutableFields, string> => {
  if (bytes.length > RECORD_LIMIT) return Result.fail("record above 60 KiB")
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [kind, author, salt, seq, issued, expires, value, signature] = decoded.success
  if (kind !== RecordKind.Mutable) return Result.fail("not a mutable record")
  if (!isBytesOf(author, 32)) return Result.fail("malformed author")
  if (!isBytesUpTo(salt, SALT_LIMIT)) return Result.fail("malformed salt")
  if (!isUint(seq) || !isUint(issued) || !isUint(expires)) return Result.fail("malformed seq or time")
  if (!isBytesUpTo(value, RECORD_LIMIT)) return Result.fail("malformed value")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  const record = { author: author as PublicKey, salt, seq, issued, expires, value, signature }
  return isShortDeletion(record) ? Result.fail("deletion that does not live 30 days") : Result.succeed(record)
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedMutable): Uint8Array => encode(head(record))

export const write = (record: typeof Mutable.Encoded): Uint8Array => encode([...head(record), record.signature])

export const MutableFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Mutable, transformation(read, write)))

export const isDeletion = (record: Pick<MutableFields, "value">): boolean => record.value.length === 0

/** What the SHA-256 of is the key. */
export const keyPreimage = (author: Uint8Array, salt: Uint8Array): Uint8Array => concatBytes([KEY_PREFIX, author, salt])

const head = (record: UnsignedMutable): Array<CborValue> => [
  RecordKind.Mutable,
  record.author,
  record.salt,
  record.seq,
  record.issued,
  record.expires,
  record.value
]

const isShortDeletion = (record: { readonly value: Uint8Array; readonly issued: number; readonly expires: number }) =>
  record.value.length === 0 && record.expires !== record.issued + LIFETIME
