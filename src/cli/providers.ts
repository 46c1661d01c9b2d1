/** `allium providers CID`. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { cidArgument, root } from "./root.ts"

export const providers = Command.make(
  "providers",
  { cid: cidArgument },
  Effect.fnUntraced(function* ({ cid }) {
    const { showProviders } = yield* Effect.promise(() => import("./show.ts"))
    yield* showProviders(yield* root, cid)
  })
).pipe(
  Command.withDescription("List the nodes that announced this content"),
  Command.withExamples([
    {
      command: "allium providers bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
      description: "See who serves it"
    }
  ])
)
