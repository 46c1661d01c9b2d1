/**
 * Writes to a disk whose quota may be used up. What has expired is let go by the store itself; then what is farthest from
 * this node's id leaves, for a newcomer that is closer (DESIGN.md §7). What this node stored for itself stays.
 */
import { Effect } from "effect"
import { commonPrefixLength, compareDistance } from "#core/dht/distance"
import { farRange } from "#core/dht/farRanges"
import { equalBytes } from "#schemas/bytes/bytes"
import { EVICTION_PAGES, EVICTIONS, SCAN_PAGE } from "#services/dht/Limits"
import { Identity } from "#services/identity/Identity"
import {
  RecordStore,
  type RecordSummary,
  type StorageFailed,
  type StoredRecord,
  type StoreFull
} from "#services/storage/RecordStore"

export const makeEvictingWriter = Effect.gen(function* () {
  const { nodeId } = yield* Identity
  const records = yield* RecordStore

  const mayLeave = (row: RecordSummary, newcomer: StoredRecord): boolean =>
    !equalBytes(row.storedBy, nodeId) && compareDistance(nodeId, newcomer.key, row.key) < 0

  const farthestFirst = (a: RecordSummary, b: RecordSummary): number => compareDistance(nodeId, b.key, a.key)

  /** Farthest first, page by page of a bucket, until they amount to `bytes`; undefined where that is not to be had. */
  const findLeavers = Effect.fnUntraced(function* (newcomer: StoredRecord, bytes: number) {
    const leaving: Array<RecordSummary> = []
    let freed = 0
    let pages = 0
    const closeness = Math.min(commonPrefixLength(nodeId, newcomer.key), nodeId.length * 8 - 1)
    for (let bits = 0; bits <= closeness; bits++) {
      const range = farRange(nodeId, bits)
      let after: RecordSummary | undefined
      for (; pages < EVICTION_PAGES; pages++) {
        const page: ReadonlyArray<RecordSummary> = yield* records.list(range, SCAN_PAGE, after)
        for (const row of page.filter((it) => mayLeave(it, newcomer)).sort(farthestFirst)) {
          leaving.push(row)
          freed += row.size
          if (freed >= bytes) return leaving
          if (leaving.length >= EVICTIONS) return undefined
        }
        after = page.at(-1)
        if (page.length < SCAN_PAGE) break
      }
    }
    return undefined
  })

  const makeRoom = Effect.fnUntraced(function* (newcomer: StoredRecord, full: StoreFull) {
    const missing = full.usedBytes + newcomer.bytes.length - full.quotaBytes
    const leaving = yield* findLeavers(newcomer, Math.max(1, missing))
    if (leaving === undefined) return yield* full
    yield* Effect.forEach(leaving, ({ key, kind, member }) => records.remove(kind, key, member), { discard: true })
    yield* Effect.logDebug("records made room for a closer one", { count: leaving.length })
  })

  /** Durable when it returns; `StoreFull` where nothing may leave for it. */
  return (row: StoredRecord): Effect.Effect<void, StorageFailed | StoreFull> =>
    Effect.catchTag(records.put([row]), "StoreFull", (full) =>
      Effect.andThen(
        makeRoom(row, full),
        Effect.suspend(() => records.put([row]))
      )
    )
})
