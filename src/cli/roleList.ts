/** `allium role list` and `allium role show NAME`. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { roleName } from "./roleEdit.ts"
import { root } from "./root.ts"

export const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const { listRoles } = yield* Effect.promise(() => import("./showRoles.ts"))
    yield* listRoles(yield* root)
  })
).pipe(
  Command.withDescription("List the roles that the authority has published"),
  Command.withExamples([{ command: "allium role list", description: "See who may do what" }])
)

export const show = Command.make(
  "show",
  { name: roleName },
  Effect.fnUntraced(function* ({ name }) {
    const { showRole } = yield* Effect.promise(() => import("./showRoles.ts"))
    yield* showRole(yield* root, name)
  })
).pipe(
  Command.withDescription("Show a role: who reads it, who stores in its name, and which nodes say they have it"),
  Command.withExamples([{ command: "allium role show developer", description: "Its keys and members" }])
)
