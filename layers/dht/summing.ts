/**
 * Digests of what this node holds in ranges of keys, in one walk along the store: page by page, and giving way to others
 * in between. Nothing is kept but the sums.
 */
import { Clock, Effect } from "effect"
import { compareDistance } from "#core/dht/distance"
import { type KeyPrefix, lastKeyOf, runsOf } from "#core/dht/keyPrefix"
import { type RangeSum, RangeSums } from "#core/dht/rangeDigest"
import { compareBytes } from "#schemas/bytes/bytes"
import { LEAST_LEFT, SCAN_PAGE } from "#services/dht/Limits"
import { Crypto } from "#services/identity/Crypto"
import { RecordStore, type RecordSummary, type StorageFailed } from "#services/storage/RecordStore"

export interface SummingOptions {
  /** Rows that are looked at, at most. */
  readonly rows: number
  /** What does not count; nothing by default. */
  readonly without?: (key: Uint8Array) => boolean
}

export interface Summed {
  /** Those ranges that were walked through to their end, in the order in which they were given. */
  readonly sums: ReadonlyArray<RangeSum>
  readonly rows: number
}

/** Whether a key is within a XOR distance of an id. */
export const isWithin = (radius: Uint8Array, key: Uint8Array, id: Uint8Array): boolean => {
  for (let at = 0; at < radius.length; at++) {
    const difference = (key[at]! ^ id[at]!) - radius[at]!
    if (difference !== 0) return difference < 0
  }
  return true
}

/** The radius that leaves nothing out. */
export const EVERYWHERE = new Uint8Array(32).fill(0xff)

export const makeSumming = Effect.gen(function* () {
  const { sha256 } = yield* Crypto
  const records = yield* RecordStore
  const clock = yield* Clock.Clock

  /** What dies soon is not worth a transfer, and counts on neither side. */
  const isLasting = ({ expires }: RecordSummary): boolean =>
    expires > Math.floor(clock.currentTimeMillisUnsafe() / 1000) + LEAST_LEFT

  /** Every row of a row of keys, in pages, until `take` answers false. */
  const walk = Effect.fnUntraced(function* (
    from: Uint8Array,
    to: Uint8Array,
    take: (row: RecordSummary) => boolean
  ): Effect.fn.Return<void, StorageFailed> {
    let after: RecordSummary | undefined
    for (;;) {
      const page = yield* records.list({ from, to }, SCAN_PAGE, after)
      for (const row of page) if (!take(row)) return
      if (page.length < SCAN_PAGE) return
      after = page.at(-1)
      yield* Effect.yieldNow
    }
  })

  /** `ranges` ascend and are disjoint. */
  const sum = Effect.fnUntraced(function* (
    ranges: ReadonlyArray<KeyPrefix>,
    options: SummingOptions
  ): Effect.fn.Return<Summed, StorageFailed> {
    const sums = new RangeSums(sha256, ranges)
    let rows = 0
    let reached: Uint8Array | undefined
    for (const { from, to } of runsOf(ranges)) {
      yield* walk(from, to, (row) => {
        if (rows >= options.rows) {
          reached ??= row.key
          return false
        }
        rows++
        if (isLasting(row) && options.without?.(row.key) !== true) sums.add(row)
        return true
      })
      if (reached !== undefined) break
    }
    const end = reached
    const whole =
      end === undefined ? sums.sums : sums.sums.filter(({ range }) => compareBytes(lastKeyOf(range), end) < 0)
    return { sums: whole, rows }
  })

  /** What is held in one range, `limit` at most. */
  const items = Effect.fnUntraced(function* (
    range: KeyPrefix,
    limit: number
  ): Effect.fn.Return<ReadonlyArray<RecordSummary>, StorageFailed> {
    const found: Array<RecordSummary> = []
    yield* walk(range.prefix, lastKeyOf(range), (row) => {
      if (isLasting(row)) found.push(row)
      return found.length < limit
    })
    return found
  })

  return { sum, items }
})

export type Summing = Effect.Success<typeof makeSumming>

/** Closest to `key` first. */
export const closestFirst =
  (key: Uint8Array) =>
  (a: { readonly nodeId: Uint8Array }, b: { readonly nodeId: Uint8Array }): number =>
    compareDistance(key, a.nodeId, b.nodeId)
