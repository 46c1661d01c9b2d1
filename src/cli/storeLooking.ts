/** `allium store ls`, `search`, `history` and `discover`: what there is. */
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { addressArgument, EXAMPLE, root } from "./root.ts"

const MOST = 10_000

export const limitFlag = (many: string, usual: number) =>
  Flag.Int("limit").pipe(
    Flag.withDescription(`How many ${many} at most, 1 to ${MOST}; ${usual} if not given`),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MOST }))),
    Flag.withDefault(usual)
  )

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const ls = Command.make(
  "ls",
  { role: text("role", "Only what was stored in the name of this role"), limit: limitFlag("items", 100) },
  Effect.fnUntraced(function* ({ limit, role }) {
    const { listContent } = yield* Effect.promise(() => import("./storeListing.ts"))
    yield* listContent(yield* root, Option.getOrUndefined(role), limit)
  })
).pipe(
  Command.withDescription("List what this node knows of and may read, newest first"),
  Command.withExamples([
    { command: "allium store ls", description: "See everything" },
    { command: "allium store ls --role developer --limit 10", description: "The newest of developers" }
  ])
)

const search = Command.make(
  "search",
  {
    agent: text("agent", "The first part of the address"),
    role: text("role", "The second part of the address"),
    project: text("project", "The third part of the address"),
    task: text("task", "The fourth part of the address"),
    type: text("type", "The last part of the address"),
    creatorRole: text("creator-role", "In whose name it was stored"),
    contentType: text("content-type", "Such as text/markdown"),
    after: text("after", "Stored after then: a date (2026-03-01, 2026-03-01T12:30), or so long ago (2h, 3d)"),
    before: text("before", "Stored before then"),
    text: text("text", "Words that all occur in it, of what this node has read since it started; deci* for beginnings"),
    limit: limitFlag("items", 100)
  },
  Effect.fnUntraced(function* ({ limit, ...asked }) {
    const { searchContent } = yield* Effect.promise(() => import("./storeListing.ts"))
    const given = Object.entries(asked).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))
    yield* searchContent(yield* root, Object.fromEntries(given), limit)
  })
).pipe(
  Command.withDescription("Find what this node knows of and may read, by all that is given, newest first"),
  Command.withExamples([
    { command: "allium store search --project allium --type decision --after 3d", description: "New decisions" },
    { command: 'allium store search --agent ada --text "storage quota*"', description: "By the words in it" }
  ])
)

const history = Command.make(
  "history",
  { address: addressArgument },
  Effect.fnUntraced(function* ({ address }) {
    const { showHistory } = yield* Effect.promise(() => import("./storeListing.ts"))
    yield* showHistory(yield* root, address)
  })
).pipe(
  Command.withDescription("List the versions of what stands under an address, newest first"),
  Command.withExamples([{ command: `allium store history ${EXAMPLE}`, description: "See what came before" }])
)

const discover = Command.make(
  "discover",
  { address: addressArgument },
  Effect.fnUntraced(function* ({ address }) {
    const { discoverContent } = yield* Effect.promise(() => import("./storeListing.ts"))
    yield* discoverContent(yield* root, address)
  })
).pipe(
  Command.withDescription("List the nodes that announced that they serve it"),
  Command.withExamples([{ command: `allium store discover ${EXAMPLE}`, description: "See who has it" }])
)

export const storeLooking = [ls, search, history, discover] as const
