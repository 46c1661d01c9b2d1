/** `allium node`. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { localFlag, root } from "./root.ts"

export const node = Command.make(
  "node",
  {
    listen: Flag.String("listen").pipe(
      Flag.withMetavar("ADDR"),
      Flag.withDescription("Multiaddr to listen on, such as /ip4/0.0.0.0/tcp/4150; may be repeated"),
      Flag.atLeast(0)
    ),
    bootstrap: Flag.String("bootstrap").pipe(
      Flag.withMetavar("ADDR"),
      Flag.withDescription("Address of a node to begin with, as another node printed it; may be repeated"),
      Flag.atLeast(0)
    ),
    local: Flag.optional(localFlag),
    relay: Flag.optional(
      Flag.Boolean("relay").pipe(Flag.withDescription("Carry sealed cells of others on while it serves; the default"))
    )
  },
  Effect.fnUntraced(function* ({ listen, bootstrap, local, relay }) {
    const { runNode } = yield* Effect.promise(() => import("./runNode.ts"))
    yield* runNode(yield* root, {
      ...(listen.length > 0 ? { listen } : {}),
      ...(bootstrap.length > 0 ? { bootstrap } : {}),
      ...(Option.isSome(local) ? { local: local.value } : {}),
      ...(Option.isSome(relay) ? { relay: relay.value } : {})
    })
  })
).pipe(
  Command.withDescription("Run a node until it is stopped"),
  Command.withExamples([
    { command: "allium node --local", description: "A node for this machine, in ./.allium" },
    {
      command: "allium node --local --data ./bob --bootstrap /ip4/127.0.0.1/tcp/4150/p2p/QmAlice",
      description: "A second node that joins the first"
    }
  ])
)
