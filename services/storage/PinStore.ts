/**
 * What this node wants to be kept, so that it refreshes it before it dies: what it put, and what its operator pinned.
 * A row each, and nothing in memory. Every layer keeps `test/laws/pinStore.ts`.
 */
import { Context, type Effect } from "effect"
import type { StorageFailed } from "./RecordStore.ts"

/** `(kind, key)` names it: writing it again replaces it. */
export interface Pin {
  /** 0 for content, by its digest; else the kind of the record. */
  readonly kind: number
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Whether the block is the root of a tree whose blocks are all wanted (a CID of codec dag-cbor). */
  readonly tree: boolean
  /** Replicas wanted, 1 to 20. */
  readonly factor: number
  /** Higher is refreshed first; 0 where nobody said. */
  readonly priority: number
  /** Unix seconds, as all times here. */
  readonly created: number
  /** When it was last stored on the network; 0 for never. */
  readonly refreshed: number
  /** When it is to be refreshed next. */
  readonly due: number
  /** Bytes, of the whole tree; 0 until it is known. */
  readonly size: number
  /** Copies on other nodes that were found, and that proved it, when somebody last looked; -1 for never. */
  readonly copies: number
  readonly proven: number
}

export class PinStore extends Context.Service<
  PinStore,
  {
    /** All of them or none; durable when it returns. */
    readonly put: (pins: ReadonlyArray<Pin>) => Effect.Effect<void, StorageFailed>
    readonly find: (kind: number, key: Uint8Array) => Effect.Effect<Pin | undefined, StorageFailed>
    readonly remove: (kind: number, key: Uint8Array) => Effect.Effect<void, StorageFailed>
    /** Those due at `now`, highest priority first, then longest due; at most `limit`. */
    readonly due: (now: number, limit: number) => Effect.Effect<ReadonlyArray<Pin>, StorageFailed>
    /** By ascending (kind, key), from above `after`; at most `limit`. */
    readonly list: (
      after: Pick<Pin, "kind" | "key"> | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Pin>, StorageFailed>
    readonly count: Effect.Effect<number, StorageFailed>
  }
>()("allium/services/storage/PinStore") {}
