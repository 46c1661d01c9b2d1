/**
 * Writes that this node could not bring to the network yet, in the order in which they came. Of one name only the latest
 * waits. What the network refused for good is set aside, with the reason. Every layer keeps `test/laws/outboxStore.ts`.
 */
import { Context, type Effect } from "effect"
import type { StorageFailed, StoreFull } from "./RecordStore.ts"

/** Bytes that may wait, each write counting `WRITE_BYTES` more than its record: two thousand blocks, or 60,000 names. */
export const OUTBOX_BYTES = 64 * 1024 * 1024
export const WRITE_BYTES = 512
/** Refused writes that are remembered, the latest. */
export const SET_ASIDE = 64

/** One finished record, signed where its kind is. `(kind, key, member)` names it. */
export interface QueuedWrite {
  readonly kind: number
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Of a set what tells its entries apart, else empty. */
  readonly member: Uint8Array
  /** 0 where the kind has none. */
  readonly seq: number
  readonly bytes: Uint8Array
  /** Unix seconds until which it is to live. */
  readonly expires: number
  /** Replicas wanted; 0 where the putter did not say. */
  readonly factor: number
  /** Whether this node refreshes it from then on. */
  readonly keep: boolean
  /** Unix seconds at which it began to wait. */
  readonly queued: number
}

export interface WaitingWrite extends QueuedWrite {
  /** Its place in the row; higher came later. */
  readonly place: number
}

export interface RefusedWrite {
  readonly kind: number
  readonly key: Uint8Array
  readonly reason: string
  readonly queued: number
}

export interface OutboxStatus {
  readonly waiting: number
  /** As they count against the limit. */
  readonly bytes: number
  /** Unix seconds since which the longest waits; undefined where nothing does. */
  readonly oldest: number | undefined
  readonly refused: number
}

export class OutboxStore extends Context.Service<
  OutboxStore,
  {
    /**
     * Durable when it returns. A later version takes the place of an earlier one of its name, at the end of the row; the
     * same bytes again keep their place and live longer; an older version changes nothing. `StoreFull` where it would
     * not fit: then all is as before.
     */
    readonly add: (write: QueuedWrite) => Effect.Effect<void, StorageFailed | StoreFull>
    /** The next in the row above `after` (0 for the first), at most `limit`. */
    readonly next: (after: number, limit: number) => Effect.Effect<ReadonlyArray<WaitingWrite>, StorageFailed>
    /** Those under a key, by ascending member. */
    readonly find: (kind: number, key: Uint8Array) => Effect.Effect<ReadonlyArray<WaitingWrite>, StorageFailed>
    /** That very write: nothing where it has given way meanwhile, or lives longer now. */
    readonly remove: (write: Pick<WaitingWrite, "place" | "expires">) => Effect.Effect<void, StorageFailed>
    /** Waits no more, and is remembered with the reason among the latest `SET_ASIDE`. Nothing where it has given way. */
    readonly setAside: (write: WaitingWrite, reason: string) => Effect.Effect<void, StorageFailed>
    /** The latest first. */
    readonly refused: Effect.Effect<ReadonlyArray<RefusedWrite>, StorageFailed>
    readonly status: Effect.Effect<OutboxStatus, StorageFailed>
  }
>()("allium/services/storage/OutboxStore") {}
