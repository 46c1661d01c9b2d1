/** `allium init`: makes the identity and the settings file of a data folder. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { root } from "./root.ts"

export const init = Command.make(
  "init",
  {},
  Effect.fnUntraced(function* () {
    const { initialise } = yield* Effect.promise(() => import("./initialise.ts"))
    yield* initialise(yield* root)
  })
).pipe(
  Command.withDescription("Make a node's identity and settings, and print its did"),
  Command.withExamples([{ command: "allium init --data ./alice", description: "Prepare a node in ./alice" }])
)
