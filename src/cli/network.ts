/** `allium network`, which is also `npm start`. */
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { root } from "./root.ts"

const NodeCount = Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 50 }))

export const network = Command.make(
  "network",
  {
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("How many nodes, 3 to 50"),
      Flag.withSchema(NodeCount),
      Flag.withDefault(5)
    ),
    once: Flag.Boolean("once").pipe(
      Flag.withDescription("End after the story instead of staying up"),
      Flag.withDefault(false)
    ),
    file: Flag.String("file").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("Store this file; otherwise one is made up"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ nodes, once, file }) {
    const { runNetwork } = yield* Effect.promise(() => import("./runNetwork.ts"))
    yield* runNetwork({ nodes, once, file: Option.getOrUndefined(file), json: (yield* root).json })
  })
).pipe(
  Command.withDescription("Run a real network on this machine and watch it store, find and survive"),
  Command.withExamples([
    { command: "allium network", description: "Five nodes, until Ctrl-C" },
    { command: "allium network --nodes 9 --file holiday.jpg --once", description: "Nine nodes and a file of yours" }
  ])
)
