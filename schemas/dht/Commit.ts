/**
 * Kind 6: what follows an epoch of a channel's group, under a slot for that epoch (WIRE §6). A set: members may commit at
 * the same time, and at most 16 of them stand in one slot.
 *
 *   [6, channel 32, parent epoch_id 32, number, author 32, seq, [genesis, grant ≤ 4], commit ≤ 48 KiB, sig 64]
 *
 * A commit of 36 bytes is the CID of one that was too large.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { Genesis, readChain, writeChain } from "./Genesis.ts"
import { GrantList } from "./Grant.ts"
import { Count, RecordKind, readElements, SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

export const COMMIT_LIMIT = 48 * 1024

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 8

const KEY_PREFIX = utf8("allium/slot")

export class Commit extends Schema.Class<Commit>("allium/dht/Commit")({
  channel: Bytes32,
  /** The epoch that it ends. */
  parent: Bytes32,
  /** How many epochs came before. */
  number: Uint53,
  author: PublicKey,
  /** The author's last + 1. */
  seq: Count,
  genesis: Genesis,
  grants: GrantList,
  commit: bytesUpTo(COMMIT_LIMIT),
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type CommitFields = Pick<Commit, keyof typeof Commit.fields>

/** What stands before the signature. */
export type UnsignedCommit = Omit<typeof Commit.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<CommitFields, string> => {
  const elements = readElements(bytes, RecordKind.Commit)
  if (Result.isFailure(elements)) return Result.fail(elements.failure)
  const [, channel, parent, number, author, seq, grants, commit, signature] = elements.success
  if (!isBytesOf(channel, 32) || !isBytesOf(parent, 32)) return Result.fail("malformed channel or epoch")
  if (!isUint(number) || !isUint(seq) || seq === 0) return Result.fail("malformed number or seq")
  if (!isBytesOf(author, 32)) return Result.fail("malformed author")
  const chain = readChain(grants)
  if (Result.isFailure(chain)) return Result.fail(chain.failure)
  if (!isBytesUpTo(commit, COMMIT_LIMIT)) return Result.fail("malformed commit")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  const ids = { channel, parent, number, author: author as PublicKey, seq }
  return Result.succeed({ ...ids, ...chain.success, commit, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedCommit): Uint8Array => encode(head(record))

export const write = (record: typeof Commit.Encoded): Uint8Array => encode([...head(record), record.signature])

export const CommitFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Commit, transformation(read, write)))

/** What the SHA-256 of is the key. */
export const keyPreimage = (channel: Uint8Array, parent: Uint8Array): Uint8Array =>
  concatBytes([KEY_PREFIX, channel, parent])

const head = (record: UnsignedCommit): Array<CborValue> => [
  RecordKind.Commit,
  record.channel,
  record.parent,
  record.number,
  record.author,
  record.seq,
  writeChain(record),
  record.commit
]
