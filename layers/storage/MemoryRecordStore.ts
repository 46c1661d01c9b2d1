/**
 * A RecordStore in memory: for nodes that may forget, for tests and for the simulator. Durable here means held.
 */
import { Clock, Effect, Layer } from "effect"
import { Crypto } from "#services/identity/Crypto"
import { Bounds } from "#services/node/Bounds"
import { RecordStore, StoreFull } from "#services/storage/RecordStore"
import { copyOf, Shelves } from "./Shelves.ts"

export interface MemoryOptions {
  /** Bytes of records that are held; 64 MiB by default. */
  readonly quotaBytes?: number
  /** What an earlier run left, and where this one puts its records. */
  readonly shelves?: Shelves
}

const QUOTA = 64 * 1024 * 1024
const PAGE = 64

export const make = Effect.fnUntraced(function* (options: MemoryOptions = {}) {
  const shelves = options.shelves ?? new Shelves()
  const quotaBytes = options.quotaBytes ?? QUOTA
  const { sha256 } = yield* Crypto
  const clock = yield* Clock.Clock
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)
  yield* (yield* Bounds).watch("stored bytes", quotaBytes, () => shelves.totals.all().bytes)
  return RecordStore.of({
    put: (records) =>
      Effect.suspend(() =>
        shelves.put(records.map(copyOf), quotaBytes, seconds())
          ? Effect.void
          : Effect.fail(new StoreFull({ usedBytes: shelves.totals.all().bytes, quotaBytes }))
      ),
    get: (kind, key, page) => Effect.sync(() => shelves.page(kind, key, page?.after, page?.limit ?? PAGE, seconds())),
    remove: (kind, key, member) => Effect.sync(() => shelves.remove(kind, key, member)),
    expire: (now) => Effect.sync(() => shelves.expire(now)),
    scan: (afterKey, limit) => Effect.sync(() => shelves.scan(afterKey, limit)),
    list: (range, limit, after) => Effect.sync(() => shelves.list(range, limit, after, sha256)),
    usage: (storedBy) =>
      Effect.sync(() => (storedBy === undefined ? shelves.totals.all() : shelves.totals.of(storedBy)))
  })
})

export const layer = (options?: MemoryOptions): Layer.Layer<RecordStore, never, Crypto> =>
  Layer.effect(RecordStore, make(options))
