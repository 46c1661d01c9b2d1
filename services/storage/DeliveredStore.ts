/**
 * Message ids of the envelopes that were delivered, so that none is delivered twice although this node was restarted
 * (WIRE §4). A row each, for a quarter of an hour. Every layer keeps `test/laws/deliveredStore.ts`.
 */
import { Context, type Effect } from "effect"
import type { StorageFailed } from "./RecordStore.ts"

export interface DeliveredId {
  readonly id: Uint8Array
  /** Unix seconds until which it is remembered. */
  readonly until: number
}

export class DeliveredStore extends Context.Service<
  DeliveredStore,
  {
    /** All of them or none, durable when it returns; forgets what is remembered no longer than until `before`. */
    readonly add: (ids: ReadonlyArray<DeliveredId>, before: number) => Effect.Effect<void, StorageFailed>
    /** Those that are remembered for longer than until `after`, the last `limit` of them, in the order of their end. */
    readonly load: (after: number, limit: number) => Effect.Effect<ReadonlyArray<DeliveredId>, StorageFailed>
  }
>()("allium/services/storage/DeliveredStore") {}
