/** Whether this node keeps and answers for others at present (DESIGN.md §6, modes client, server and auto). */
import { Context, Duration, type Effect, Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"
import { PEER_RECORD_LIMIT } from "#schemas/dht/Record"
import type { RpcMethod } from "../rpc/Rpc.ts"
import type { ServingMode } from "./Membership.ts"

/** "This is my record now": whoever has a session knows only that of its handshake. */
export const INTRODUCE: RpcMethod<Uint8Array, null> = {
  name: "Introduce",
  request: bytesUpTo(PEER_RECORD_LIMIT),
  response: Schema.Null
}

/** "Can you reach me?": at an address of the asker's own record whose IP is the one that it asks from, or no. */
export const DIAL_BACK: RpcMethod<null, boolean> = {
  name: "DialBack",
  request: Schema.Null,
  response: Schema.Boolean,
  takes: Duration.seconds(6)
}

export class Serving extends Context.Service<
  Serving,
  {
    /** With `auto` it may change while the node runs. */
    readonly mode: () => ServingMode
    /** Says so in this node's record, and shows that to every peer with a session. */
    readonly become: (mode: ServingMode) => Effect.Effect<void>
  }
>()("allium/services/dht/Serving") {}
