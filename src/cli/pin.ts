/** `allium pin CID`, `allium unpin CID` and `allium pins`: what the node keeps alive. */
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { cidArgument, root } from "./root.ts"

const EXAMPLE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

export const pin = Command.make(
  "pin",
  {
    cid: cidArgument,
    factor: Flag.Int("factor").pipe(
      Flag.withDescription("Copies wanted, 1 to 20; as the node's settings say by default"),
      Flag.withSchema(whole(1, 20)),
      Flag.optional
    ),
    priority: Flag.Int("priority").pipe(
      Flag.withDescription("Higher is refreshed first, -1000 to 1000; 0 by default"),
      Flag.withSchema(whole(-1_000, 1_000)),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ cid, factor, priority }) {
    const { pinContent } = yield* Effect.promise(() => import("./pinning.ts"))
    yield* pinContent(yield* root, cid, {
      ...(Option.isSome(factor) ? { factor: factor.value } : {}),
      ...(Option.isSome(priority) ? { priority: priority.value } : {})
    })
  })
).pipe(
  Command.withDescription("Fetch content, and keep it alive on the network from now on"),
  Command.withExamples([
    { command: `allium pin ${EXAMPLE}`, description: "Keep it, as many copies as the node's settings say" },
    { command: `allium pin ${EXAMPLE} --factor 8`, description: "Keep eight copies" }
  ])
)

export const unpin = Command.make(
  "unpin",
  { cid: cidArgument },
  Effect.fnUntraced(function* ({ cid }) {
    const { unpinContent } = yield* Effect.promise(() => import("./pinning.ts"))
    yield* unpinContent(yield* root, cid)
  })
).pipe(
  Command.withDescription("Keep content alive no longer; copies elsewhere live as long as they were promised"),
  Command.withExamples([{ command: `allium unpin ${EXAMPLE}`, description: "Let it go" }])
)

export const pins = Command.make(
  "pins",
  {},
  Effect.fnUntraced(function* () {
    const { showPins } = yield* Effect.promise(() => import("./pinning.ts"))
    yield* showPins(yield* root)
  })
).pipe(
  Command.withDescription("List what the node keeps alive, and how many copies there are"),
  Command.withExamples([{ command: "allium pins", description: "See how it is doing" }])
)
