/** The routing table's memory: who was verified live, so that a restarted node finds its way without a bootstrap. */
import { Context, type Effect } from "effect"
import type { StorageFailed } from "./RecordStore.ts"

export interface StoredPeer {
  readonly nodeId: Uint8Array
  /** The signed PeerRecord as received. */
  readonly record: Uint8Array
  /** Unix seconds of the last handshake that this node dialled. */
  readonly lastSeen: number
}

export class PeerStore extends Context.Service<
  PeerStore,
  {
    /** Replaces all that is held by these (at most 1,024). */
    readonly save: (peers: ReadonlyArray<StoredPeer>) => Effect.Effect<void, StorageFailed>
    /** Latest seen first. */
    readonly load: Effect.Effect<ReadonlyArray<StoredPeer>, StorageFailed>
  }
>()("allium/services/storage/PeerStore") {}
