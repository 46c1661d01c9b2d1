/** `allium peers`. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { root } from "./root.ts"

export const peers = Command.make(
  "peers",
  {},
  Effect.fnUntraced(function* () {
    const { showPeers } = yield* Effect.promise(() => import("./show.ts"))
    yield* showPeers(yield* root)
  })
).pipe(
  Command.withDescription("List the nodes that the running node knows, by bucket, and which it is connected to"),
  Command.withExamples([{ command: "allium peers", description: "See who is known, nearest first" }])
)
