/**
 * Kind 9: a sealed note for somebody who is away, from nobody in particular (WIRE §6). A set: at most 64 lie under one
 * key. Instead of a signature it carries work, and where there is no room, the least work leaves first.
 *
 *   [9, key 32, issued, expires, enc 32, sealed ≤ 2 KiB, nonce 8]
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesOf, bytesUpTo, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { RecordKind, readElements, Uint53, withoutElement } from "./Record.ts"
import { NONCE_LENGTH } from "./Work.ts"

export const SEALED_LIMIT = 2048

/** Where the nonce stands, whatever a later version appends. */
export const NONCE_INDEX = 6

const KEY_PREFIX = utf8("allium/inbox")

export class Inbox extends Schema.Class<Inbox>("allium/dht/Inbox")({
  key: Bytes32,
  issued: Uint53,
  expires: Uint53,
  /** The encapsulated key that opens `sealed`. */
  enc: Bytes32,
  sealed: bytesUpTo(SEALED_LIMIT),
  nonce: bytesOf(NONCE_LENGTH)
}) {}

/** The fields without the class, as the hot path has them. */
export type InboxFields = Pick<Inbox, keyof typeof Inbox.fields>

/** What stands before the nonce. */
export type UnworkedInbox = Omit<typeof Inbox.Encoded, "nonce">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<InboxFields, string> => {
  const elements = readElements(bytes, RecordKind.Inbox)
  if (Result.isFailure(elements)) return Result.fail(elements.failure)
  const [, key, issued, expires, enc, sealed, nonce] = elements.success
  if (!isBytesOf(key, 32) || !isBytesOf(enc, 32)) return Result.fail("malformed key")
  if (!isUint(issued) || !isUint(expires)) return Result.fail("malformed time")
  if (!isBytesUpTo(sealed, SEALED_LIMIT)) return Result.fail("malformed content")
  if (!isBytesOf(nonce, NONCE_LENGTH)) return Result.fail("malformed nonce")
  return Result.succeed({ key, issued, expires, enc, sealed, nonce })
}

/** The array without its nonce: what the work is done over. */
export const unworked = (record: UnworkedInbox): Uint8Array => encode(head(record))

/** The same of a record as received, elements of a later version included. */
export const unworkedOf = (bytes: Uint8Array): Result.Result<Uint8Array, string> =>
  Result.map(withoutElement(bytes, NONCE_INDEX), ({ others }) => others)

export const write = (record: typeof Inbox.Encoded): Uint8Array => encode([...head(record), record.nonce])

export const InboxFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Inbox, transformation(read, write)))

/** What the SHA-256 of is the key of somebody's inbox. */
export const keyPreimage = (publicKey: Uint8Array): Uint8Array => concatBytes([KEY_PREFIX, publicKey])

const head = (record: UnworkedInbox): Array<CborValue> => [
  RecordKind.Inbox,
  record.key,
  record.issued,
  record.expires,
  record.enc,
  record.sealed
]
