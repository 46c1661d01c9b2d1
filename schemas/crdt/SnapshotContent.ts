/**
 * What the content of a snapshot is (WIRE §6, kind 7): where in the log it stands, then the document there. Big-endian.
 *
 *   version u8 1 ‖ authors u32 ‖ (author 32 ‖ seq u64 ‖ lamport u64) by ascending author
 *               ‖ heads u32 ‖ (id 32 ‖ lamport u64) by ascending id ‖ document
 */
import { Result } from "effect"
import { compareBytes } from "#schemas/bytes/bytes"
import type { PublicKey } from "#schemas/identity/PublicKey"

/** Bytes of the content, authors and heads of it, at most. */
export const SNAPSHOT_LIMIT = 64 * 1024 * 1024
export const SNAPSHOT_AUTHORS = 65_536
export const SNAPSHOT_HEADS = 65_536

const AUTHOR_BYTES = 48
const HEAD_BYTES = 40

export interface SnapshotAuthor {
  readonly author: PublicKey
  readonly seq: number
  readonly lamport: number
}

export interface SnapshotHead {
  readonly id: Uint8Array
  readonly lamport: number
}

export interface SnapshotContent {
  readonly authors: ReadonlyArray<SnapshotAuthor>
  readonly heads: ReadonlyArray<SnapshotHead>
  readonly document: Uint8Array
}

export const write = ({ authors, document, heads }: SnapshotContent): Uint8Array => {
  const length = 9 + authors.length * AUTHOR_BYTES + heads.length * HEAD_BYTES + document.length
  const bytes = new Uint8Array(length)
  const raw = new DataView(bytes.buffer)
  bytes[0] = 1
  raw.setUint32(1, authors.length)
  let at = 5
  for (const { author, lamport, seq } of authors) {
    bytes.set(author, at)
    raw.setBigUint64(at + 32, BigInt(seq))
    raw.setBigUint64(at + 40, BigInt(lamport))
    at += AUTHOR_BYTES
  }
  raw.setUint32(at, heads.length)
  at += 4
  for (const { id, lamport } of heads) {
    bytes.set(id, at)
    raw.setBigUint64(at + 32, BigInt(lamport))
    at += HEAD_BYTES
  }
  bytes.set(document, at)
  return bytes
}

/** Views of `bytes`, or the word of refusal. The document is not looked at. */
export const read = (bytes: Uint8Array): Result.Result<SnapshotContent, string> => {
  if (bytes.length > SNAPSHOT_LIMIT) return Result.fail("snapshot above 64 MiB")
  if (bytes.length < 9 || bytes[0] !== 1) return malformed
  const raw = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = raw.getUint32(1)
  let at = 5
  if (count > SNAPSHOT_AUTHORS || at + count * AUTHOR_BYTES + 4 > bytes.length) return malformed
  const authors: Array<SnapshotAuthor> = []
  for (let n = 0; n < count; n++, at += AUTHOR_BYTES) {
    const author = bytes.subarray(at, at + 32) as PublicKey
    const [seq, lamport] = [Number(raw.getBigUint64(at + 32)), Number(raw.getBigUint64(at + 40))]
    if (!isCount(seq) || !isCount(lamport) || !follows(authors.at(-1)?.author, author)) return malformed
    authors.push({ author, seq, lamport })
  }
  const headCount = raw.getUint32(at)
  at += 4
  if (headCount > SNAPSHOT_HEADS || at + headCount * HEAD_BYTES > bytes.length) return malformed
  const heads: Array<SnapshotHead> = []
  for (let n = 0; n < headCount; n++, at += HEAD_BYTES) {
    const id = bytes.subarray(at, at + 32)
    const lamport = Number(raw.getBigUint64(at + 32))
    if (!isCount(lamport) || !follows(heads.at(-1)?.id, id)) return malformed
    heads.push({ id, lamport })
  }
  return Result.succeed({ authors, heads, document: bytes.subarray(at) })
}

const malformed = Result.fail("malformed snapshot")

const isCount = (value: number): boolean => value >= 1 && value <= Number.MAX_SAFE_INTEGER

const follows = (before: Uint8Array | undefined, next: Uint8Array): boolean =>
  before === undefined || compareBytes(before, next) < 0
