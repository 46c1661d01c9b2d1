/** What the parts of an encrypted store share: the services that it stands on, its cache, its counts, and small questions. */
import { Clock, Duration, Effect, RcMap, Semaphore } from "effect"
import { ContentCache } from "#core/ucxl/ContentCache"
import { utf8 } from "#schemas/bytes/bytes"
import type { Cid } from "#schemas/content/Cid"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import type { Metadata } from "#schemas/ucxl/Metadata"
import { Blobs } from "#services/content/Blobs"
import { Dht } from "#services/dht/Dht"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { PinStore } from "#services/storage/PinStore"
import { AuditLog } from "#services/ucxl/AuditLog"
import { ContentIndex } from "#services/ucxl/ContentIndex"
import * as Limits from "#services/ucxl/Limits"
import { NoAuthority, RoleDirectory } from "#services/ucxl/RoleDirectory"
import { RoleKeys } from "#services/ucxl/RoleKeys"
import { CacheTime } from "#services/ucxl/Schedules"
import type { makeAge } from "./age.ts"
import { Counts } from "./Counts.ts"

/** What tests and apps may set otherwise. */
export interface StoreOptions {
  /** Of decrypted content in memory; 0 items: every read is one of the network. */
  readonly cacheBytes?: number
  readonly cacheItems?: number
  /** Bytes of the largest content that is stored and read, `CONTENT_LIMIT` by default. */
  readonly contentLimit?: number
  /** Before `/ucxl/…` in the shown path of an address. */
  readonly prefix?: string
}

/** Decrypted content and whose it is. */
export interface Opened {
  readonly metadata: Metadata
  readonly content: Uint8Array
  readonly cid: Cid
  readonly author: string
  readonly seq: number
}

export const makeState = Effect.fnUntraced(function* (options: StoreOptions, encryption: typeof makeAge) {
  const [dht, blobs, pins] = [yield* Dht, yield* Blobs, yield* PinStore]
  const [directory, keys, index, audit] = [yield* RoleDirectory, yield* RoleKeys, yield* ContentIndex, yield* AuditLog]
  const [suite, { did, publicKey }] = [yield* Crypto, yield* Identity]
  const [clock, bounds] = [yield* Clock.Clock, yield* Bounds]
  const counts = new Counts(yield* Effect.context<never>())
  const cache = new ContentCache<Opened>({
    items: options.cacheItems ?? Limits.CACHE_ITEMS,
    bytes: options.cacheBytes ?? Limits.CACHE_BYTES,
    time: Duration.toMillis(yield* CacheTime)
  })
  if (directory.authority !== undefined) {
    yield* bounds.watch("decrypted contents", cache.limits.items, () => cache.size)
    yield* bounds.watch("bytes of decrypted contents", cache.limits.bytes, () => cache.bytes)
  }
  const age = encryption(counts)
  const turns = yield* Semaphore.make(Limits.STORES_AT_ONCE)
  const locks = yield* RcMap.make({ lookup: (_: UcxlAddress) => Semaphore.make(1) })

  const measureCache = () => counts.cacheHolds(cache.size, cache.bytes)

  return {
    ...{ dht, blobs, pins, directory, keys, index, audit, suite, clock, cache, counts, age },
    self: { did, publicKey },
    prefix: options.prefix ?? "/ALLIUM",
    contentLimit: options.contentLimit ?? Limits.CONTENT_LIMIT,
    now: () => clock.currentTimeMillisUnsafe(),
    seconds: () => Math.floor(clock.currentTimeMillisUnsafe() / 1000),

    authority: Effect.suspend(() =>
      directory.authority === undefined ? Effect.fail(new NoAuthority()) : Effect.succeed(directory.authority)
    ),

    /** SHA-256 of the address, by which others are told of it. */
    digestOf: (address: UcxlAddress): Uint8Array => suite.sha256(utf8(address)),

    measureCache,

    /** A copy: what is given out is the caller's to change. */
    remember: (address: UcxlAddress, opened: Opened): void => {
      const { length } = opened.content
      if (length > cache.largest) cache.delete(address)
      else cache.put(address, { ...opened, content: opened.content.slice() }, length, clock.currentTimeMillisUnsafe())
      measureCache()
    },

    forget: (address: UcxlAddress): void => {
      cache.delete(address)
      measureCache()
    },

    /** What changes the entry of an address does it alone; and no more than so many do at once. */
    alone: <A, E>(address: UcxlAddress, task: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.scoped(Effect.flatMap(RcMap.get(locks, address), (lock) => Semaphore.withPermit(lock, task))).pipe(
        Semaphore.withPermit(turns)
      )
  }
})

export type StoreState = Effect.Success<ReturnType<typeof makeState>>
