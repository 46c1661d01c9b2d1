/** The control API as it runs: where it is reached. */
import { Context, Schema } from "effect"

/** The control API cannot listen: another program has the port, usually. */
export class ControlUnavailable extends Schema.TaggedError<ControlUnavailable>()("ControlUnavailable", {
  port: Schema.Int,
  reason: Schema.String
}) {}

export class Control extends Context.Service<
  Control,
  {
    /** "http://127.0.0.1:PORT", without a slash at the end. */
    readonly url: string
  }
>()("allium/services/node/Control") {}
