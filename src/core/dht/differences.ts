/**
 * How two nodes close in on what they differ in (docs/wire.md, Readings). The one that is asked divides what differs or
 * names what it holds there; the one that asks compares, and asks further about what still differs.
 */
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { DifferencesAnswer } from "#schemas/dht/DhtMessage"
import { ENTRIES_LIMIT, RANGES_LIMIT, type RangeDigest, type RangeEntry } from "#schemas/dht/Ranges"
import { divide, hasPrefix, type KeyPrefix, wholeOf } from "./keyPrefix.ts"
import { DIVIDED_BY, type Item, type RangeSum } from "./rangeDigest.ts"

/**
 * The answer to `asked`, whose sums these are, in the same order. A range that does not fit is left out, as if it were
 * equal: it comes again with the next question.
 */
export const differencesOf = (
  asked: ReadonlyArray<RangeDigest>,
  sums: ReadonlyArray<RangeSum>
): Omit<DifferencesAnswer, "_tag"> => {
  const ranges: Array<RangeDigest> = []
  const entries: Array<RangeEntry> = []
  for (const [at, { digest }] of asked.entries()) {
    const sum = sums[at]
    if (sum === undefined || equalBytes(sum.digest, digest)) continue
    if (sum.entries !== undefined) {
      if (ranges.length >= RANGES_LIMIT || entries.length + sum.entries.length > ENTRIES_LIMIT) continue
      ranges.push({ ...sum.range, digest: sum.digest })
      for (const entry of sum.entries) entries.push(entry)
    } else if (sum.parts !== undefined && ranges.length + sum.parts.length <= RANGES_LIMIT) {
      const parts = divide(sum.range, DIVIDED_BY)
      for (const [part, partDigest] of sum.parts.entries()) ranges.push({ ...parts[part]!, digest: partDigest })
    }
  }
  return { ranges, entries }
}

/** What an answer says, put in order: nothing in it was asked for unless it lies in `asked`. */
export interface Heard {
  /** Ranges of which all entries of the other are known. */
  readonly listed: ReadonlyArray<{ readonly range: KeyPrefix; readonly entries: ReadonlyArray<RangeEntry> }>
  /** Smaller ranges with the other's digests. */
  readonly divided: ReadonlyArray<RangeDigest>
  /** Whether there may be more that did not fit. */
  readonly full: boolean
}

const nameOf = ({ bits, prefix }: KeyPrefix): string => String.fromCharCode(bits) + keyOf(prefix)

/** Undefined where the answer speaks of what was not asked for. */
export const hear = (asked: ReadonlyArray<KeyPrefix>, answer: Omit<DifferencesAnswer, "_tag">): Heard | undefined => {
  const names = new Set(answer.ranges.length === 0 ? [] : asked.map(nameOf))
  const listed: Array<{ range: KeyPrefix; entries: Array<RangeEntry> }> = []
  const divided: Array<RangeDigest> = []
  for (const range of answer.ranges) {
    if (names.has(nameOf(range))) listed.push({ range, entries: [] })
    else if (range.bits >= DIVIDED_BY && names.has(nameOf(wholeOf(range, DIVIDED_BY)))) divided.push(range)
    else return undefined
  }
  for (const entry of answer.entries) {
    const place = listed.find(({ range }) => hasPrefix(entry.key, range))
    if (place === undefined) return undefined
    place.entries.push(entry)
  }
  const full = answer.ranges.length > RANGES_LIMIT - 8 || answer.entries.length > ENTRIES_LIMIT / 2
  return { listed, divided, full }
}

/** What one side has and the other has not. */
export const compare = (
  own: ReadonlyArray<Item>,
  theirs: ReadonlyArray<RangeEntry>
): { readonly missingThere: ReadonlyArray<Item>; readonly missingHere: ReadonlyArray<RangeEntry> } => {
  const digestsOf = (items: ReadonlyArray<{ readonly kind: number; readonly digest: Uint8Array }>) =>
    new Set(items.map(({ digest, kind }) => String.fromCharCode(kind) + keyOf(digest)))
  const [here, there] = [digestsOf(own), digestsOf(theirs)]
  const lacks = (side: Set<string>) => (item: { readonly kind: number; readonly digest: Uint8Array }) =>
    !side.has(String.fromCharCode(item.kind) + keyOf(item.digest))
  return { missingThere: own.filter(lacks(there)), missingHere: theirs.filter(lacks(here)) }
}
