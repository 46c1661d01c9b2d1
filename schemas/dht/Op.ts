/**
 * Kind 5: one transaction of a shared document, of which storage nodes see the outer part only (WIRE §6). Its key is its
 * own SHA-256, so it is never replaced.
 *
 *   [5, channel 32, author 32, epoch_id 32, seq, lamport, [parent 32 ≤ 16], [genesis, grant ≤ 4], ciphertext, sig 64]
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isArrayUpTo, isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { Genesis, readChain, writeChain } from "./Genesis.ts"
import { GrantList } from "./Grant.ts"
import { Count, RECORD_LIMIT, RecordKind, readElements, SIGNATURE_LENGTH, Signature } from "./Record.ts"

export const PARENTS_LIMIT = 16

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 9

export class Op extends Schema.Class<Op>("allium/dht/Op")({
  channel: Bytes32,
  author: PublicKey,
  epoch: Bytes32,
  /** The author's last + 1. */
  seq: Count,
  /** 1 + the largest of the parents'. */
  lamport: Count,
  /** SHA-256 of the records that this one follows. */
  parents: Schema.Array(Bytes32).check(Schema.isMaxLength(PARENTS_LIMIT)),
  genesis: Genesis,
  grants: GrantList,
  ciphertext: bytesUpTo(RECORD_LIMIT),
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type OpFields = Pick<Op, keyof typeof Op.fields>

/** What stands before the signature. */
export type UnsignedOp = Omit<typeof Op.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<OpFields, string> => {
  const elements = readElements(bytes, RecordKind.Op)
  if (Result.isFailure(elements)) return Result.fail(elements.failure)
  const [, channel, author, epoch, seq, lamport, parents, grants, ciphertext, signature] = elements.success
  if (!isBytesOf(channel, 32) || !isBytesOf(epoch, 32)) return Result.fail("malformed channel or epoch")
  if (!isBytesOf(author, 32)) return Result.fail("malformed author")
  if (!isUint(seq) || !isUint(lamport) || seq === 0 || lamport === 0) return Result.fail("malformed seq or lamport")
  if (!isDigests(parents)) return Result.fail("malformed parents")
  const chain = readChain(grants)
  if (Result.isFailure(chain)) return Result.fail(chain.failure)
  if (!isBytesUpTo(ciphertext, RECORD_LIMIT)) return Result.fail("malformed ciphertext")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  const ids = { channel, author: author as PublicKey, epoch }
  return Result.succeed({ ...ids, seq, lamport, parents, ...chain.success, ciphertext, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedOp): Uint8Array => encode([...before(record), record.ciphertext])

/** The elements before the ciphertext, as an array: the data that its seal is bound to. */
export const associated = (record: Omit<UnsignedOp, "ciphertext">): Uint8Array => encode(before(record))

export const write = (record: typeof Op.Encoded): Uint8Array =>
  encode([...before(record), record.ciphertext, record.signature])

export const OpFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Op, transformation(read, write)))

const isDigests = (value: CborValue | undefined): value is ReadonlyArray<Uint8Array> =>
  isArrayUpTo(value, PARENTS_LIMIT) && value.every((parent) => isBytesOf(parent, 32))

const before = (record: Omit<UnsignedOp, "ciphertext">): Array<CborValue> => [
  RecordKind.Op,
  record.channel,
  record.author,
  record.epoch,
  record.seq,
  record.lamport,
  record.parents,
  writeChain(record)
]
