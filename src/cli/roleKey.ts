/** `allium role key NAME`, `allium role seal` and `allium role unlock`: this node's own keys. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { roleName } from "./roleEdit.ts"
import { root } from "./root.ts"

export const key = Command.make(
  "key",
  {
    name: roleName,
    export: Flag.String("export").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("Write the secret keys for the age command; - prints them"),
      Flag.optional
    ),
    import: Flag.String("import").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("Take secret keys in, as age-keygen writes them; - reads the standard input"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ export: to, import: from, name }) {
    const { roleKey } = yield* Effect.promise(() => import("./roleKeys.ts"))
    yield* roleKey(yield* root, name, Option.getOrUndefined(to), Option.getOrUndefined(from))
  })
).pipe(
  Command.withDescription("Print the recipient of this node's key of a role; makes the key where there is none"),
  Command.withExamples([
    { command: "allium role key developer", description: "What the authority adds with --recipient" },
    { command: "allium role key developer --export developer.key", description: "A copy, which age -d -i reads" }
  ])
)

export const seal = Command.make(
  "seal",
  {
    open: Flag.Boolean("open").pipe(Flag.withDescription("Take the passphrase away instead"), Flag.withDefault(false))
  },
  Effect.fnUntraced(function* ({ open }) {
    const { sealRoleKeys } = yield* Effect.promise(() => import("./roleKeys.ts"))
    yield* sealRoleKeys(yield* root, open)
  })
).pipe(
  Command.withDescription("Seal this node's keys of roles by a passphrase (asked for, or ALLIUM_ROLE_PASSPHRASE)"),
  Command.withExamples([{ command: "allium role seal", description: "Whoever takes the disk reads nothing" }])
)

export const unlock = Command.make(
  "unlock",
  {},
  Effect.fnUntraced(function* () {
    const { unlockRoleKeys } = yield* Effect.promise(() => import("./roleKeys.ts"))
    yield* unlockRoleKeys(yield* root)
  })
).pipe(
  Command.withDescription("Give a running node the passphrase of its sealed keys"),
  Command.withExamples([{ command: "allium role unlock", description: "After each start" }])
)
