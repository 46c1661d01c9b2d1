/**
 * What a node holds for the network: DHT records of every kind, and what is durable is acknowledged, never before.
 * Every layer keeps `test/laws/recordStore.ts`. It stores what it is given: whether a record may be stored is decided
 * above (the store pipeline of DESIGN.md §6).
 */
import { Context, type Effect, Schema } from "effect"

/** The disk or the database refused. Asking again may help once the operator has acted on `cause`. */
export class StorageFailed extends Schema.TaggedError<StorageFailed>()("StorageFailed", {
  operation: Schema.String,
  cause: Schema.Defect()
}) {}

/** The node's disk quota is used up and nothing may be evicted for this record. */
export class StoreFull extends Schema.TaggedError<StoreFull>()("StoreFull", {
  usedBytes: Schema.Int,
  quotaBytes: Schema.Int
}) {}

/** One stored record. `(kind, key, member)` names it: writing it again replaces it. */
export interface StoredRecord {
  readonly kind: number
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Of a set (kinds 2, 4, 6, 7, 9, 10) the author or digest that tells its entries apart; else empty. */
  readonly member: Uint8Array
  /** 0 where the kind has none. */
  readonly seq: number
  /** Unix seconds; the record is dead from then on. */
  readonly expires: number
  /** The NodeId that stored it here, for quotas; our own for what we put. */
  readonly storedBy: Uint8Array
  readonly bytes: Uint8Array
}

/** A stored record without its content. */
export interface RecordSummary {
  readonly kind: number
  readonly key: Uint8Array
  readonly member: Uint8Array
  readonly seq: number
  readonly expires: number
  readonly storedBy: Uint8Array
  readonly size: number
  /** SHA-256 of the record, which of a block is its key. */
  readonly digest: Uint8Array
}

/** Keys in ascending order, both ends included; all of them by default. */
export interface KeyRange {
  readonly from?: Uint8Array
  readonly to?: Uint8Array
}

export interface StoreUsage {
  readonly records: number
  readonly bytes: number
}

export class RecordStore extends Context.Service<
  RecordStore,
  {
    /** All of them or none; durable when it returns. Concurrent calls are grouped into one commit. */
    readonly put: (records: ReadonlyArray<StoredRecord>) => Effect.Effect<void, StorageFailed | StoreFull>
    /** Unexpired records under a key, by ascending `member`; at most `limit` (64 by default) above `after`. */
    readonly get: (
      kind: number,
      key: Uint8Array,
      page?: { readonly after?: Uint8Array; readonly limit?: number }
    ) => Effect.Effect<ReadonlyArray<StoredRecord>, StorageFailed>
    readonly remove: (kind: number, key: Uint8Array, member?: Uint8Array) => Effect.Effect<void, StorageFailed>
    /** Removes what has expired at `now` (unix seconds); answers how many. */
    readonly expire: (now: number) => Effect.Effect<number, StorageFailed>
    /**
     * Every record, expired ones too, in ascending (key, kind, member), in pages: the next page starts after the last
     * row's key. A page holds all of its last key, so it may be longer than `limit`.
     */
    readonly scan: (
      afterKey: Uint8Array | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<StoredRecord>, StorageFailed>
    /**
     * What is held in a range, expired or not, in ascending (key, kind, member) from above `after`, at most `limit`.
     * Of blocks no content is read; other records are hashed on the way.
     */
    readonly list: (
      range: KeyRange,
      limit: number,
      after?: Pick<RecordSummary, "key" | "kind" | "member">
    ) => Effect.Effect<ReadonlyArray<RecordSummary>, StorageFailed>
    /** What this NodeId has stored here; everything without an argument. Kept as running totals, so cheap. */
    readonly usage: (storedBy?: Uint8Array) => Effect.Effect<StoreUsage, StorageFailed>
  }
>()("allium/services/storage/RecordStore") {}
