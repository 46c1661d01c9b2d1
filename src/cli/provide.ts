/** `allium provide CID`. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { cidArgument, root } from "./root.ts"

export const provide = Command.make(
  "provide",
  { cid: cidArgument },
  Effect.fnUntraced(function* ({ cid }) {
    const { showProvide } = yield* Effect.promise(() => import("./show.ts"))
    yield* showProvide(yield* root, cid)
  })
).pipe(
  Command.withDescription("Announce that the running node serves this content"),
  Command.withExamples([
    {
      command: "allium provide bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
      description: "Tell the network to come here for it"
    }
  ])
)
