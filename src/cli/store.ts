/** `allium store …`: content under readable addresses, for whoever holds the right role and nobody else. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { addressArgument, EXAMPLE, root } from "./root.ts"
import { storeKeeping } from "./storeKeeping.ts"
import { storeLooking } from "./storeLooking.ts"

const put = Command.make(
  "put",
  {
    address: addressArgument,
    file: Argument.String("FILE").pipe(Argument.withDescription("What to store; - reads the standard input")),
    role: Flag.String("role").pipe(
      Flag.withDescription("In whose name: it and every role with authority over it read")
    ),
    type: Flag.String("type").pipe(
      Flag.withMetavar("TYPE"),
      Flag.withDescription("Its content type, such as text/markdown; by the file's name if not given"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ address, file, role, type }) {
    const { putContent } = yield* Effect.promise(() => import("./storeContent.ts"))
    yield* putContent(yield* root, address, file, role, Option.getOrUndefined(type))
  })
).pipe(
  Command.withDescription("Encrypt a file to the roles that may read it, and store it under an address"),
  Command.withExamples([
    { command: `allium store put ${EXAMPLE} decision.md --role developer`, description: "Store a decision" },
    { command: `date | allium store put ${EXAMPLE} - --role developer`, description: "What another program writes" }
  ])
)

const get = Command.make(
  "get",
  {
    address: addressArgument,
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("FILE"),
      Flag.withDescription("Write to this file, which appears once all of it is there"),
      Flag.optional
    ),
    version: Flag.String("version").pipe(
      Flag.withMetavar("CID"),
      Flag.withDescription("An older one, as history names it; the newest if not given"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ address, output, version }) {
    const { getContent } = yield* Effect.promise(() => import("./storeContent.ts"))
    yield* getContent(yield* root, address, Option.getOrUndefined(output), Option.getOrUndefined(version))
  })
).pipe(
  Command.withDescription("Fetch, verify and decrypt what stands under an address"),
  Command.withExamples([
    { command: `allium store get ${EXAMPLE}`, description: "Read it" },
    { command: `allium store get ${EXAMPLE} -o decision.md`, description: "Write it to a file" }
  ])
)

const rm = Command.make(
  "rm",
  { address: addressArgument },
  Effect.fnUntraced(function* ({ address }) {
    const { removeContent } = yield* Effect.promise(() => import("./storeContent.ts"))
    yield* removeContent(yield* root, address)
  })
).pipe(
  Command.withDescription("Delete this node's entry under an address; entries of others show again"),
  Command.withExamples([{ command: `allium store rm ${EXAMPLE}`, description: "Delete it" }])
)

const share = Command.make(
  "share",
  {
    address: addressArgument,
    role: Flag.String("with").pipe(Flag.withMetavar("ROLE"), Flag.withDescription("Who is to read it as well"))
  },
  Effect.fnUntraced(function* ({ address, role }) {
    const { shareContent } = yield* Effect.promise(() => import("./storeContent.ts"))
    yield* shareContent(yield* root, address, role)
  })
).pipe(
  Command.withDescription("Encrypt this node's newest version anew, for one role more"),
  Command.withExamples([{ command: `allium store share ${EXAMPLE} --with tester`, description: "Let testers read it" }])
)

const announce = Command.make(
  "announce",
  { address: addressArgument },
  Effect.fnUntraced(function* ({ address }) {
    const { announceContent } = yield* Effect.promise(() => import("./storeContent.ts"))
    yield* announceContent(yield* root, address)
  })
).pipe(
  Command.withDescription("Say that this node serves it, and that it is new to those who may read it"),
  Command.withExamples([{ command: `allium store announce ${EXAMPLE}`, description: "Announce it" }])
)

export const store = Command.make("store").pipe(
  Command.withDescription("Content under readable addresses, encrypted to roles: storage nodes see ciphertext only"),
  Command.withExamples([
    { command: `allium store put ${EXAMPLE} decision.md --role developer`, description: "Store a decision" },
    { command: "allium store search --project allium --after 3d", description: "See what is new" }
  ]),
  Command.withSubcommands([put, get, rm, share, announce, ...storeLooking, ...storeKeeping])
)
