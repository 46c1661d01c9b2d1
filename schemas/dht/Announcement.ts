/**
 * Kind 4: a node says that it has a role or can do something, under a name that others look for (WIRE §6). A set: at most
 * 64 nodes stand under one name of one authority.
 *
 *   [4, authority 32, name ≤ 64, node 32, issued, expires, [grant ≤ 4], sig 64]
 */
import { Result, Schema } from "effect"
import { Bytes32, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isTextUpTo, isUint, textUpTo } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { GrantList, isGrantList } from "./Grant.ts"
import { RecordKind, readElements, SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

/** Bytes of a name in UTF-8. */
export const NAME_LIMIT = 64

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 7

const KEY_PREFIX = utf8("allium/announce")

export class Announcement extends Schema.Class<Announcement>("allium/dht/Announcement")({
  /** In whose name: a public key, or 32 zero bytes for the open namespace. */
  authority: Bytes32,
  name: textUpTo(NAME_LIMIT),
  /** The announcing node's public key. */
  node: PublicKey,
  issued: Uint53,
  expires: Uint53,
  grants: GrantList,
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type AnnouncementFields = Pick<Announcement, keyof typeof Announcement.fields>

/** What stands before the signature. */
export type UnsignedAnnouncement = Omit<typeof Announcement.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<AnnouncementFields, string> => {
  const elements = readElements(bytes, RecordKind.Announcement)
  if (Result.isFailure(elements)) return Result.fail(elements.failure)
  const [, authority, name, node, issued, expires, grants, signature] = elements.success
  if (!isBytesOf(authority, 32)) return Result.fail("malformed authority")
  if (!isTextUpTo(name, NAME_LIMIT)) return Result.fail("malformed name")
  if (!isBytesOf(node, 32)) return Result.fail("malformed node")
  if (!isUint(issued) || !isUint(expires)) return Result.fail("malformed time")
  if (!isGrantList(grants)) return Result.fail("malformed grants")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  return Result.succeed({ authority, name, node: node as PublicKey, issued, expires, grants, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedAnnouncement): Uint8Array => encode(head(record))

export const write = (record: typeof Announcement.Encoded): Uint8Array => encode([...head(record), record.signature])

export const AnnouncementFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Announcement, transformation(read, write)))

/** What the SHA-256 of is the key. */
export const keyPreimage = (authority: Uint8Array, name: string): Uint8Array =>
  concatBytes([KEY_PREFIX, authority, utf8(name)])

const head = (record: UnsignedAnnouncement): Array<CborValue> => [
  RecordKind.Announcement,
  record.authority,
  record.name,
  record.node,
  record.issued,
  record.expires,
  record.grants
]
