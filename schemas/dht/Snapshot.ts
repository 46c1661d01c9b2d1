/**
 * Kind 7: where a member has put the state of a channel at some heads (WIRE §6). A set: at most eight members stand under
 * one channel.
 *
 *   [7, channel 32, author 32, epoch_id 32, SHA-256(sorted heads) 32, CID 36, size, issued, expires, [genesis, grant ≤ 4],
 *    sig 64]
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesOf, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { Genesis, readChain, writeChain } from "./Genesis.ts"
import { GrantList } from "./Grant.ts"
import { RecordKind, readElements, SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

/** Of a CIDv1 with a one-byte codec and a SHA-256. */
export const CID_LENGTH = 36

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 10

const KEY_PREFIX = utf8("allium/snapshot")

export class Snapshot extends Schema.Class<Snapshot>("allium/dht/Snapshot")({
  channel: Bytes32,
  author: PublicKey,
  epoch: Bytes32,
  heads: Bytes32,
  cid: bytesOf(CID_LENGTH),
  /** Bytes of the content. */
  size: Uint53,
  issued: Uint53,
  expires: Uint53,
  genesis: Genesis,
  grants: GrantList,
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type SnapshotFields = Pick<Snapshot, keyof typeof Snapshot.fields>

/** What stands before the signature. */
export type UnsignedSnapshot = Omit<typeof Snapshot.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<SnapshotFields, string> => {
  const elements = readElements(bytes, RecordKind.Snapshot)
  if (Result.isFailure(elements)) return Result.fail(elements.failure)
  const [, channel, author, epoch, heads, cid, size, issued, expires, grants, signature] = elements.success
  if (!isBytesOf(channel, 32) || !isBytesOf(epoch, 32)) return Result.fail("malformed channel or epoch")
  if (!isBytesOf(author, 32)) return Result.fail("malformed author")
  if (!isBytesOf(heads, 32) || !isBytesOf(cid, CID_LENGTH)) return Result.fail("malformed heads or CID")
  if (!isUint(size) || !isUint(issued) || !isUint(expires)) return Result.fail("malformed size or time")
  const chain = readChain(grants)
  if (Result.isFailure(chain)) return Result.fail(chain.failure)
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  const ids = { channel, author: author as PublicKey, epoch, heads, cid }
  return Result.succeed({ ...ids, size, issued, expires, ...chain.success, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedSnapshot): Uint8Array => encode(head(record))

export const write = (record: typeof Snapshot.Encoded): Uint8Array => encode([...head(record), record.signature])

export const SnapshotFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Snapshot, transformation(read, write)))

/** What the SHA-256 of is the key. */
export const keyPreimage = (channel: Uint8Array): Uint8Array => concatBytes([KEY_PREFIX, channel])

const head = (record: UnsignedSnapshot): Array<CborValue> => [
  RecordKind.Snapshot,
  record.channel,
  record.author,
  record.epoch,
  record.heads,
  record.cid,
  record.size,
  record.issued,
  record.expires,
  writeChain(record)
]
