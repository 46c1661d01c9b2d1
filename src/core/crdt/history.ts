/**
 * All batches of a document in one piece, to keep or to hand on: every letter that was ever typed. Operations are read as
 * anybody reads them, and each byte that the reader takes goes through the coder with what the reader knows of it.
 *
 *   version u8 1 ‖ uint authors ‖ each: key 32 ‖ uint first seq ‖ uint batches ‖ coded:
 *   of each batch: flag: goes on (author of the one before, lamport + 1), else author ‖ lamport
 *                  before each operation a flag 1, then the operation; a flag 0
 *
 * An author's batches stand in their order, and each behind what it builds on.
 */
import { Result } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { ByteReader } from "#schemas/crdt/ByteReader"
import { ByteWriter } from "#schemas/crdt/ByteWriter"
import { BATCH_LIMIT, type OpBatchFields } from "#schemas/crdt/OpBatch"
import { OpReader } from "#schemas/crdt/Operation"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { ByteModel } from "./ByteModel.ts"
import { RangeDecoder, RangeEncoder } from "./RangeCoder.ts"

const VERSION = 1

/** What a few bytes may unfold to, at most. */
export const HISTORY_BATCHES = 2 ** 22
export const HISTORY_BYTES = 2 ** 27

/** Columns of what stands around operations; theirs are lower. */
const GOES_ON = 12
const MORE = 13
const AUTHOR = 14
const LAMPORT = 15

/** Takes the bytes of operations from the coder and puts them in its place, or the other way round. */
class CodedReader extends ByteReader {
  readonly #model: ByteModel
  #place = 0
  #before = -1

  constructor(model: ByteModel, bytes: Uint8Array) {
    super(bytes)
    this.#model = model
  }

  override byte(): number {
    if (this.at >= this.end) return this.fail("cut short")
    this.#place = this.column === this.#before ? this.#place + 1 : 0
    this.#before = this.column
    const byte = this.#model.byte(this.bytes[this.at]!, this.column, this.#place)
    this.bytes[this.at++] = byte
    return byte
  }

  override take(length: number): number {
    const at = this.at
    if (length > this.end - at) return this.fail("cut short")
    for (let left = length; left > 0; left--) this.byte()
    return at
  }

  /** A number that stands around operations. */
  number(value: number, column: number): number {
    const scratch = new ByteWriter()
    scratch.uint(value)
    const { bytes, at, end } = this
    this.reset(scratch.bytes)
    this.column = column
    const coded = this.uint()
    const { refusal } = this
    this.reset(bytes, at, end)
    this.refusal = refusal
    return coded
  }
}

export const writeHistory = (batches: ReadonlyArray<OpBatchFields>): Result.Result<Uint8Array, string> => {
  const authors = new Map<string, { readonly rank: number; seq: number }>()
  const head = new ByteWriter()
  head.byte(VERSION)
  const firsts = batches.filter(
    ({ author }) => !authors.has(keyOf(author)) && authors.set(keyOf(author), { rank: authors.size, seq: 0 })
  )
  head.uint(firsts.length)
  for (const { author, seq } of firsts) {
    head.raw(author)
    head.uint(seq)
    authors.get(keyOf(author))!.seq = seq
  }
  head.uint(batches.length)
  const encoder = new RangeEncoder()
  const model = new ByteModel(encoder)
  const reader = new CodedReader(model, head.bytes)
  const op = new OpReader(reader)
  let [lastRank, lastLamport] = [-1, 0]
  for (const { author, seq, lamport, operations } of batches) {
    const known = authors.get(keyOf(author))!
    if (seq !== known.seq++) return Result.fail("a batch out of its author's order")
    const goesOn = known.rank === lastRank && lamport === lastLamport + 1
    if (model.flag(goesOn ? 1 : 0, GOES_ON) === 0) {
      reader.number(known.rank, AUTHOR)
      reader.number(lamport, LAMPORT)
    }
    lastRank = known.rank
    lastLamport = lamport
    reader.reset(operations.slice())
    while (reader.at < reader.end) {
      model.flag(1, MORE)
      if (!op.next()) return Result.fail(reader.refusal ?? "cut short")
    }
    model.flag(0, MORE)
  }
  head.raw(encoder.finish())
  return Result.succeed(head.taken())
}

/** The batches, unjudged: a document judges them. */
export const readHistory = (bytes: Uint8Array): Result.Result<ReadonlyArray<OpBatchFields>, string> => {
  const from = new ByteReader(bytes)
  if (from.byte() !== VERSION) return Result.fail(from.refusal ?? "another version of history")
  const authors: Array<{ readonly key: PublicKey; seq: number }> = []
  const count = from.uint()
  for (let left = count; left > 0 && from.refusal === undefined; left--) {
    authors.push({ key: new Uint8Array(from.view(32)) as PublicKey, seq: from.uint() })
  }
  const expected = from.uint()
  if (expected > HISTORY_BATCHES) from.fail("too many batches")
  if (from.refusal !== undefined) return Result.fail(from.refusal)
  const decoder = new RangeDecoder(bytes, from.at)
  const model = new ByteModel(decoder)
  const scratch = new Uint8Array(BATCH_LIMIT)
  const reader = new CodedReader(model, scratch)
  const op = new OpReader(reader)
  const batches: Array<OpBatchFields> = []
  let total = 0
  let [rank, lamport] = [-1, 0]
  while (batches.length < expected) {
    const goesOn = model.flag(0, GOES_ON) === 1
    if (!goesOn) rank = reader.number(0, AUTHOR)
    lamport = goesOn ? lamport + 1 : reader.number(0, LAMPORT)
    const author = authors[rank]
    if (author === undefined) return Result.fail("unknown author")
    reader.reset(scratch)
    while (model.flag(0, MORE) === 1) if (!op.next()) return Result.fail(reader.refusal ?? "too long a batch")
    total += reader.at
    if (total > HISTORY_BYTES || decoder.isSpent) return Result.fail(decoder.isSpent ? "cut short" : "too long")
    batches.push({ author: author.key, seq: author.seq++, lamport, operations: scratch.slice(0, reader.at) })
  }
  return Result.succeed(batches)
}
