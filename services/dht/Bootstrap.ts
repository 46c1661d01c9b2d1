/** Joining the network and staying in it (DESIGN.md §6 Bootstrap). */
import { Context, type Effect, Schema } from "effect"

/** Not one address of the bootstrap list answered within the deadline; the node goes on trying. */
export class BootstrapFailed extends Schema.TaggedError<BootstrapFailed>()("BootstrapFailed", {
  tried: Schema.Array(Schema.Struct({ address: Schema.String, reason: Schema.String }))
}) {}

export class Bootstrap extends Context.Service<
  Bootstrap,
  {
    readonly isBootstrapped: () => boolean
    /** Waits for the first round: done at once where the list and the saved table are empty. */
    readonly joined: Effect.Effect<void, BootstrapFailed>
  }
>()("allium/services/dht/Bootstrap") {}
