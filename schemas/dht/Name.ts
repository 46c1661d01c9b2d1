/**
 * Kind 10: what somebody says a name stands for, in the name of an authority or for himself (WIRE §6). A set: one entry
 * for each author, at most 64 under a name, 16 in the open namespace.
 *
 *   [10, authority 32, SHA-256(name) 32, author 32, seq, issued, expires, value ≤ 1 KiB, [grant ≤ 4], sig 64]
 *
 * An empty value deletes, and then has to live the longest life there is, so that it outlives what it deletes.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { GrantList, isGrantList } from "./Grant.ts"
import { LIFETIME, RecordKind, readElements, SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

export const NAMED_LIMIT = 1024

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 9

const KEY_PREFIX = utf8("allium/name")

/** That a deletion lives long enough is for the reader to see: it is between two fields. */
export class Name extends Schema.Class<Name>("allium/dht/Name")({
  /** In whose name: a public key, or 32 zero bytes for the open namespace. */
  authority: Bytes32,
  /** SHA-256 of the name in UTF-8: who stores it need not know what it is called. */
  digest: Bytes32,
  author: PublicKey,
  seq: Uint53,
  issued: Uint53,
  expires: Uint53,
  value: bytesUpTo(NAMED_LIMIT),
  grants: GrantList,
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type NameFields = Pick<Name, keyof typeof Name.fields>

/** What stands before the signature. */
export type UnsignedName = Omit<typeof Name.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<NameFields, string> => {
  const elements = readElements(bytes, RecordKind.Name)
  if (Result.isFailure(elements)) return Result.fail(elements.failure)
  const [, authority, digest, author, seq, issued, expires, value, grants, signature] = elements.success
  if (!isBytesOf(authority, 32)) return Result.fail("malformed authority")
  if (!isBytesOf(digest, 32)) return Result.fail("malformed name")
  if (!isBytesOf(author, 32)) return Result.fail("malformed author")
  if (!isUint(seq) || !isUint(issued) || !isUint(expires)) return Result.fail("malformed seq or time")
  if (!isBytesUpTo(value, NAMED_LIMIT)) return Result.fail("malformed value")
  if (!isGrantList(grants)) return Result.fail("malformed grants")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  if (value.length === 0 && expires !== issued + LIFETIME) return Result.fail("deletion that does not live 30 days")
  const times = { seq, issued, expires }
  return Result.succeed({ authority, digest, author: author as PublicKey, ...times, value, grants, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedName): Uint8Array => encode(head(record))

export const write = (record: typeof Name.Encoded): Uint8Array => encode([...head(record), record.signature])

export const NameFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Name, transformation(read, write)))

export const isDeletion = (record: Pick<NameFields, "value">): boolean => record.value.length === 0

/** What the SHA-256 of is the key; `digest` is the name's SHA-256. */
export const keyPreimage = (authority: Uint8Array, digest: Uint8Array): Uint8Array =>
  concatBytes([KEY_PREFIX, authority, digest])

const head = (record: UnsignedName): Array<CborValue> => [
  RecordKind.Name,
  record.authority,
  record.digest,
  record.author,
  record.seq,
  record.issued,
  record.expires,
  record.value,
  record.grants
]
