/**
 * The first relays of this node's anonymous paths. They are few and kept for weeks, over restarts too: whoever chose
 * anew at every start would soon have begun a path at an adversary's (docs/onion.md). Every layer keeps
 * `test/laws/guardStore.ts`.
 */
import { Context, type Effect } from "effect"
import type { StorageFailed } from "./RecordStore.ts"

export interface StoredGuard {
  readonly nodeId: Uint8Array
  /** The signed PeerRecord as received: where it was last found. */
  readonly record: Uint8Array
  /** Unix seconds, as all times here. */
  readonly chosen: number
  /** Until when it is kept. */
  readonly until: number
  /** Since when it could not be reached; 0 while it can. */
  readonly lost: number
}

export class GuardStore extends Context.Service<
  GuardStore,
  {
    /** Replaces all that is held by these, at most 32; durable when it returns. */
    readonly save: (guards: ReadonlyArray<StoredGuard>) => Effect.Effect<void, StorageFailed>
    /** In the order in which they were saved: that of preference. */
    readonly load: Effect.Effect<ReadonlyArray<StoredGuard>, StorageFailed>
  }
>()("allium/services/storage/GuardStore") {}
