/** `allium get CID`. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { anonymousFlag, cidArgument, root } from "./root.ts"

export const get = Command.make(
  "get",
  {
    cid: cidArgument,
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("FILE"),
      Flag.withDescription("Write to this file, which appears once all of it is there"),
      Flag.optional
    ),
    anonymous: anonymousFlag
  },
  Effect.fnUntraced(function* ({ cid, output, anonymous }) {
    const { download } = yield* Effect.promise(() => import("./download.ts"))
    yield* download(yield* root, cid, Option.getOrUndefined(output), anonymous)
  })
).pipe(
  Command.withDescription("Fetch content by its CID, to the standard output or a file"),
  Command.withExamples([
    {
      command: "allium get bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku -o holiday.jpg",
      description: "Fetch a file"
    }
  ])
)
