/** `allium put FILE|-`. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { anonymousFlag, root } from "./root.ts"

export const put = Command.make(
  "put",
  {
    file: Argument.String("FILE").pipe(Argument.withDescription("What to store; - reads the standard input")),
    anonymous: anonymousFlag
  },
  Effect.fnUntraced(function* ({ file, anonymous }) {
    const { upload } = yield* Effect.promise(() => import("./upload.ts"))
    yield* upload(yield* root, file, anonymous)
  })
).pipe(
  Command.withDescription("Store a file on the network and print its CID"),
  Command.withExamples([
    { command: "allium put holiday.jpg", description: "Store a file" },
    { command: "tar c notes | allium put -", description: "Store what another program writes" },
    { command: "allium put leak.pdf --anonymous", description: "Without anybody learning whose it is, for two days" }
  ])
)
