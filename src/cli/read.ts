/** `allium read NAME`. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { nameArgument, root } from "./root.ts"

export const read = Command.make(
  "read",
  {
    name: nameArgument,
    all: Flag.Boolean("all").pipe(
      Flag.withDescription("Show everybody's entry, and not only one's own or else the latest"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ name, all }) {
    const { readName } = yield* Effect.promise(() => import("./names.ts"))
    yield* readName(yield* root, name, all)
  })
).pipe(
  Command.withDescription("Read what a plain name stands for, and who says so"),
  Command.withExamples([
    { command: "allium read greeting", description: "This node's own entry, else the latest" },
    { command: "allium read greeting --all", description: "Everybody's" }
  ])
)
