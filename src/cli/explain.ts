/** `allium explain CID|PEER`. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { root } from "./root.ts"

export const explain = Command.make(
  "explain",
  {
    subject: Argument.String("CID|PEER").pipe(
      Argument.withDescription("A CID, or a node: its id in hex, its did:key, or an address that ends in /p2p/…")
    )
  },
  Effect.fnUntraced(function* ({ subject }) {
    const { explainSubject } = yield* Effect.promise(() => import("./explaining.ts"))
    yield* explainSubject(yield* root, subject)
  })
).pipe(
  Command.withDescription("Say who should hold content and who does, or why a node cannot be reached"),
  Command.withExamples([
    {
      command: "allium explain bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
      description: "Who should hold it, who does, and how long"
    },
    {
      command: "allium explain /ip4/192.0.2.7/tcp/4150/p2p/QmPZ9gcCEpqKTo6aq61g2nXGUhM4iCL3ewB6LDXZCtioEB",
      description: "What is known of a node, and what comes of dialling it"
    }
  ])
)
