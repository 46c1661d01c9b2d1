/** `allium status`. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { root } from "./root.ts"

export const status = Command.make(
  "status",
  {},
  Effect.fnUntraced(function* () {
    const { showStatus } = yield* Effect.promise(() => import("./show.ts"))
    yield* showStatus(yield* root)
  })
).pipe(
  Command.withDescription("Show what the running node is and holds"),
  Command.withExamples([{ command: "allium status", description: "See how the node is doing" }])
)
