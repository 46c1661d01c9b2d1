/** `allium backend [auto|real|mock]`. */
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { root } from "./root.ts"

export const backend = Command.make(
  "backend",
  {
    mode: Argument.Literals("MODE", ["auto", "real", "mock"]).pipe(
      Argument.withDescription("auto falls back by itself; real and mock stay where they are"),
      Argument.optional
    )
  },
  Effect.fnUntraced(function* ({ mode }) {
    const { showBackends } = yield* Effect.promise(() => import("./backends.ts"))
    yield* showBackends(yield* root, Option.getOrUndefined(mode))
  })
).pipe(
  Command.withDescription("Show or choose what answers: the network (real), or this node by itself (mock)"),
  Command.withExamples([
    { command: "allium backend", description: "See how both are doing, and what waits for the network" },
    { command: "allium backend mock", description: "Leave the network alone: what is written waits" },
    { command: "allium backend auto", description: "Use it again while it is in reach" }
  ])
)
