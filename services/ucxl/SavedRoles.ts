/**
 * The newest list of roles that this node has taken in, over restarts: it is what a node without a network goes by, and
 * nobody can show it an older one afterwards.
 */
import { Context, type Effect } from "effect"
import type { StorageFailed } from "../storage/RecordStore.ts"

export class SavedRoles extends Context.Service<
  SavedRoles,
  {
    /** What was saved last, byte for byte; undefined where nothing was. */
    readonly load: Effect.Effect<Uint8Array | undefined, StorageFailed>
    /** In the place of what was saved before; whole and durable when it returns. */
    readonly save: (bytes: Uint8Array) => Effect.Effect<void, StorageFailed>
  }
>()("allium/services/ucxl/SavedRoles") {}
