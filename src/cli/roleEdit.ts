/** `allium role init`, `add`, `remove` and `publish`: for the node whose roles these are. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { LEVELS } from "#schemas/ucxl/Role"
import { root } from "./root.ts"

export const roleName = Argument.String("NAME").pipe(
  Argument.withDescription("Such as developer: a-z, 0-9, and . _ - inside")
)

const parts = {
  recipient: Flag.String("recipient").pipe(
    Flag.withMetavar("age1…"),
    Flag.withDescription('A key that reads it, as "allium role key" printed it; may be repeated'),
    Flag.atLeast(0)
  ),
  member: Flag.String("member").pipe(
    Flag.withMetavar("did:key:…"),
    Flag.withDescription("A node that stores in its name; may be repeated"),
    Flag.atLeast(0)
  ),
  canDecrypt: Flag.String("can-decrypt").pipe(
    Flag.withMetavar("ROLE"),
    Flag.withDescription("A role whose content it reads besides its own, '*' for everybody's; may be repeated"),
    Flag.atLeast(0)
  )
}

export const init = Command.make(
  "init",
  {},
  Effect.fnUntraced(function* () {
    const { initRoles } = yield* Effect.promise(() => import("./initRoles.ts"))
    yield* initRoles(yield* root)
  })
).pipe(
  Command.withDescription("Make this node the authority over a network's roles, and print the did that others name"),
  Command.withExamples([{ command: "allium role init", description: "Keep roles in roles.toml of the data folder" }])
)

export const add = Command.make(
  "add",
  {
    name: roleName,
    level: Flag.Literals("level", LEVELS).pipe(
      Flag.withDescription("What it may do; a new role needs one"),
      Flag.optional
    ),
    ...parts,
    me: Flag.Boolean("me").pipe(
      Flag.withDescription("This node is a member, and its own key of the role a recipient"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ canDecrypt, level, me, member, name, recipient }) {
    const { addRole } = yield* Effect.promise(() => import("./editRoles.ts"))
    const addition = { level: Option.getOrUndefined(level), recipients: recipient, members: member, canDecrypt, me }
    yield* addRole(yield* root, name, addition)
  })
).pipe(
  Command.withDescription("Add a role, or something to one, and publish it"),
  Command.withExamples([
    { command: "allium role add developer --level execution --me", description: "A role that this node has" },
    { command: "allium role add architect --level coordination --can-decrypt '*'", description: "One that reads all" },
    {
      command: "allium role add developer --member did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH",
      description: "One member more"
    }
  ])
)

export const remove = Command.make(
  "remove",
  { name: roleName, ...parts },
  Effect.fnUntraced(function* ({ canDecrypt, member, name, recipient }) {
    const { removeRole } = yield* Effect.promise(() => import("./editRoles.ts"))
    yield* removeRole(yield* root, name, { recipients: recipient, members: member, canDecrypt })
  })
).pipe(
  Command.withDescription("Remove a role, or what is named of one, and publish it"),
  Command.withExamples([
    { command: "allium role remove developer", description: "The whole role" },
    {
      command: "allium role remove developer --member did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH",
      description: "One of its members"
    }
  ])
)

export const publish = Command.make(
  "publish",
  {},
  Effect.fnUntraced(function* () {
    const { publishRoles } = yield* Effect.promise(() => import("./editRoles.ts"))
    yield* publishRoles(yield* root)
  })
).pipe(
  Command.withDescription("Publish roles.toml as it stands, after it was changed by hand"),
  Command.withExamples([{ command: "allium role publish", description: "Tell the network" }])
)
