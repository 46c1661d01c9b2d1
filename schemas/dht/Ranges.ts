/**
 * What two nodes tell each other to find out in what they differ (WIRE §6, method 7): ranges of keys with a digest of
 * what is held in each, and names of single records.
 *
 *   range  [bits, prefix 32, digest 32]     all keys whose first `bits` bits are those of `prefix`
 *   entry  [kind, key 32, SHA-256(record), expires?]
 *
 * `expires` says until when this copy is kept, so that whoever fetches it does not keep it longer. Unix seconds.
 */
import { Schema } from "effect"
import { Bytes32 } from "#schemas/bytes/bytes"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isArrayUpTo, isBytesOf, isUint } from "#schemas/bytes/fields"
import { isRecordKind, RecordKind, Uint53 } from "./Record.ts"

/** Ranges in one message. */
export const RANGES_LIMIT = 256
/** Entries in one answer: with as many ranges as there can be, it still fits into a frame. */
export const ENTRIES_LIMIT = 400
/** Entries of one range up to which they are named; more are divided. */
export const LISTED_LIMIT = 32
/** Bits of a key, and so of the longest prefix. */
export const KEY_BITS = 256

/** What is behind `bits` in the prefix is zero. */
export const RangeDigest = Schema.Struct({
  bits: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: KEY_BITS })),
  prefix: Bytes32,
  /** XOR over the digests of its items, so all zero where nothing is held (`src/core/dht/rangeDigest.ts`). */
  digest: Bytes32
})
export type RangeDigest = typeof RangeDigest.Type

export const RangeEntry = Schema.Struct({
  kind: Schema.Literals(Object.values(RecordKind)),
  key: Bytes32,
  /** SHA-256 of the record. */
  digest: Bytes32,
  /** 0 where it was not said. */
  expires: Uint53
})
export type RangeEntry = typeof RangeEntry.Type

export const RangeList = Schema.Array(RangeDigest).check(Schema.isMaxLength(RANGES_LIMIT))
export const EntryList = Schema.Array(RangeEntry).check(Schema.isMaxLength(ENTRIES_LIMIT))

/** Undefined where it is no such list. */
export const readRanges = (value: CborValue | undefined): ReadonlyArray<RangeDigest> | undefined => {
  if (!isArrayUpTo(value, RANGES_LIMIT)) return undefined
  const ranges: Array<RangeDigest> = []
  for (const item of value) {
    if (!isArrayUpTo(item, ITEM_ELEMENTS)) return undefined
    const [bits, prefix, digest] = item
    if (!isUint(bits, KEY_BITS) || !isBytesOf(prefix, 32) || !isBytesOf(digest, 32)) return undefined
    ranges.push({ bits, prefix, digest })
  }
  return ranges
}

/** Undefined where it is no such list. */
export const readEntries = (value: CborValue | undefined): ReadonlyArray<RangeEntry> | undefined => {
  if (!isArrayUpTo(value, ENTRIES_LIMIT)) return undefined
  const entries: Array<RangeEntry> = []
  for (const item of value) {
    if (!isArrayUpTo(item, ITEM_ELEMENTS)) return undefined
    const [kind, key, digest, expires = 0] = item
    if (typeof kind !== "number" || !isRecordKind(kind)) return undefined
    if (!isBytesOf(key, 32) || !isBytesOf(digest, 32) || !isUint(expires)) return undefined
    entries.push({ kind, key, digest, expires })
  }
  return entries
}

export const rangeValues = (ranges: ReadonlyArray<RangeDigest>): ReadonlyArray<CborValue> =>
  ranges.map(({ bits, digest, prefix }) => [bits, prefix, digest])

export const entryValues = (entries: ReadonlyArray<RangeEntry>): ReadonlyArray<CborValue> =>
  entries.map(({ digest, expires, key, kind }) => (expires === 0 ? [kind, key, digest] : [kind, key, digest, expires]))

/** Elements of one item, and room for what a later version appends. */
const ITEM_ELEMENTS = 8
