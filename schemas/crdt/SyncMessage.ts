/**
 * What peers say to each other about a channel that both have open (docs/wire.md, Readings). Methods by name, since clients
 * have documents too and answer no requests of the DHT.
 *
 *   CompareLog   [channel, after 32 or empty, genesis or empty, extents]  → [genesis or empty, extents, more]
 *   FetchOps     [channel, ranges]                      → [record ≤ 512]     parents first, as many as a frame holds
 *   FetchState   [channel, offset]                      → [snapshot record or empty, size, piece ≤ 60 KiB]
 *   gossip data  [record ≤ 64]
 *
 *   extents, ranges   rows of author 32 ‖ u64 ‖ u64, at most 1,024: the lowest and the highest seq
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { isBytesList } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { GENESIS_LIMIT } from "#schemas/dht/Genesis"
import { RECORD_LIMIT, Uint53 } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { PublicKey as Key } from "#schemas/identity/PublicKey"

const ROW = 48
export const ROWS_LIMIT = 1_024
export const FETCHED_LIMIT = 512
export const PIECE_LIMIT = 60 * 1024
const PUSHED_LIMIT = 64

const Row = Schema.Struct({ author: Key, low: Uint53, high: Uint53 })

/** One author's part of a log. */
export interface AuthorRow {
  readonly author: PublicKey
  readonly low: number
  readonly high: number
}

const readRows = (bytes: Uint8Array): Result.Result<ReadonlyArray<AuthorRow>, string> => {
  if (bytes.length % ROW !== 0 || bytes.length > ROW * ROWS_LIMIT) return Result.fail("malformed rows")
  const raw = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const rows: Array<AuthorRow> = []
  for (let at = 0; at < bytes.length; at += ROW) {
    const [low, high] = [Number(raw.getBigUint64(at + 32)), Number(raw.getBigUint64(at + 40))]
    if (low > Number.MAX_SAFE_INTEGER || high >= Number.MAX_SAFE_INTEGER) return Result.fail("malformed rows")
    rows.push({ author: bytes.slice(at, at + 32) as PublicKey, low, high })
  }
  return Result.succeed(rows)
}

const writeRows = (rows: ReadonlyArray<{ author: Uint8Array; low: number; high: number }>): Uint8Array => {
  const bytes = new Uint8Array(rows.length * ROW)
  const raw = new DataView(bytes.buffer)
  for (const [n, { author, high, low }] of rows.entries()) {
    bytes.set(author, n * ROW)
    raw.setBigUint64(n * ROW + 32, BigInt(low))
    raw.setBigUint64(n * ROW + 40, BigInt(high))
  }
  return bytes
}

export const Rows = bytesUpTo(ROW * ROWS_LIMIT).pipe(
  Schema.decodeTo(Schema.Array(Row).check(Schema.isMaxLength(ROWS_LIMIT)), transformation(readRows, writeRows))
)

export const CompareRequest = Schema.Tuple([Bytes32, bytesUpTo(32), bytesUpTo(GENESIS_LIMIT), Rows])
export const CompareAnswer = Schema.Tuple([bytesUpTo(GENESIS_LIMIT), Rows, Schema.Boolean])
export const FetchRequest = Schema.Tuple([Bytes32, Rows])
export const FetchAnswer = Schema.Array(bytesUpTo(RECORD_LIMIT)).check(Schema.isMaxLength(FETCHED_LIMIT))
export const PieceRequest = Schema.Tuple([Bytes32, Uint53])
export const PieceAnswer = Schema.Tuple([bytesUpTo(4096), Uint53, bytesUpTo(PIECE_LIMIT)])

export const writePush = (records: ReadonlyArray<Uint8Array>): Uint8Array => encode([...records])

/** The records of a message, as views. */
export const readPush = (data: Uint8Array): Result.Result<ReadonlyArray<Uint8Array>, string> => {
  const decoded = decodeArray(data)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  return isBytesList(decoded.success, PUSHED_LIMIT, RECORD_LIMIT) && decoded.success.length > 0
    ? Result.succeed(decoded.success)
    : Result.fail("malformed push")
}

/**
 * What the topic of a channel, and the key under which those are found who have it open, are the SHA-256 of: neither tells
 * the channel's id to whoever does not know it.
 */
export const topicPreimage = (channel: Uint8Array): Uint8Array => concatBytes([utf8("allium/document"), channel])
