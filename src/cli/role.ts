/**
 * `allium role`: the roles of the network's authority, this node's keys of them, and what nodes say they are in the open
 * namespace (announce, withdraw, find).
 */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { add, init, publish, remove } from "./roleEdit.ts"
import { key, seal, unlock } from "./roleKey.ts"
import { list, show } from "./roleList.ts"
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
  Command.withDescription("The roles of the network, this node's keys of them, and what nodes say they are"),
  Command.withExamples([
    { command: "allium role list", description: "See the roles that the authority has published" },
    { command: "allium role add developer --level execution --me", description: "Add one, as the authority" },
    { command: "allium role find printer", description: "See who says to be a printer, in the open namespace" }
  ]),
  Command.withSubcommands([init, add, remove, publish, list, show, key, seal, unlock, announce, withdraw, find])
)
