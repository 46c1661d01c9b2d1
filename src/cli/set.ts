/** `allium set NAME VALUE`. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { nameArgument, root } from "./root.ts"

export const set = Command.make(
  "set",
  {
    name: nameArgument,
    value: Argument.String("VALUE").pipe(
      Argument.withDescription("At most 1 KiB; - reads the standard input"),
      Argument.optional
    ),
    remove: Flag.Boolean("delete").pipe(
      Flag.withDescription("Delete this node's entry instead"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ name, value, remove }) {
    const { setName } = yield* Effect.promise(() => import("./names.ts"))
    yield* setName(yield* root, name, Option.getOrUndefined(value), remove)
  })
).pipe(
  Command.withDescription("Set what a plain name stands for: everybody has an entry of his own under it"),
  Command.withExamples([
    { command: "allium set greeting hello", description: "Set a name" },
    { command: "date | allium set last-backup -", description: "Set it to what another program writes" },
    { command: "allium set greeting --delete", description: "Delete it" }
  ])
)
