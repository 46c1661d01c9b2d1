/** `allium role announce NAME`, `allium role withdraw NAME` and `allium role find NAME`. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { root } from "./root.ts"

const roleArgument = Argument.String("NAME").pipe(Argument.withDescription("At most 59 bytes, such as printer"))

const announce = Command.make(
  "announce",
  { role: roleArgument },
  Effect.fnUntraced(function* ({ role }) {
    const { announceRole } = yield* Effect.promise(() => import("./roles.ts"))
    yield* announceRole(yield* root, role)
  })
).pipe(
  Command.withDescription("Say that this node has a role; said again every twelve hours while it runs"),
  Command.withExamples([{ command: "allium role announce printer", description: "Be found as a printer" }])
)

const withdraw = Command.make(
  "withdraw",
  { role: roleArgument },
  Effect.fnUntraced(function* ({ role }) {
    const { withdrawRole } = yield* Effect.promise(() => import("./roles.ts"))
    yield* withdrawRole(yield* root, role)
  })
).pipe(
  Command.withDescription("Say it no more"),
  Command.withExamples([{ command: "allium role withdraw printer", description: "Be a printer no longer" }])
)

const find = Command.make(
  "find",
  { role: roleArgument },
  Effect.fnUntraced(function* ({ role }) {
    const { findRole } = yield* Effect.promise(() => import("./roles.ts"))
    yield* findRole(yield* root, role)
  })
).pipe(
  Command.withDescription("List the nodes that say they have a role, latest first"),
  Command.withExamples([{ command: "allium role find printer", description: "See who prints" }])
)

export const role = Command.make("role").pipe(
  Command.withDescription("What nodes say they are, in the open namespace: anybody may say anything of himself"),
  Command.withExamples([{ command: "allium role find printer", description: "See who says to be a printer" }]),
  Command.withSubcommands([announce, withdraw, find])
)
