/** What `allium node` does: builds the node, says where it is, and keeps it up until a signal or a `stop` request. */
import { Deferred, Effect, Layer, Logger } from "effect"
import * as ControlServer from "#layers/node/ControlServer"
import * as Production from "#layers/node/Production"
import type { Settings } from "#schemas/node/Settings"
import { Control } from "#services/node/Control"
import { Node, type NodeStatus } from "#services/node/Node"
import { note, paintOut, say, sayJson } from "./output.ts"
import { endsOnSignal } from "./runMain.ts"
import { toFailure } from "./sentences.ts"
import { loadSettings } from "./settings.ts"
import { boundYoungSpace } from "./youngSpace.ts"

export type NodeFlags = Partial<Pick<Settings, "listen" | "bootstrap" | "local">>

interface Shared {
  readonly data: string
  readonly json: boolean
}

const logs = (json: boolean) =>
  Logger.layer([json ? Logger.withConsoleError(Logger.formatJson) : Logger.withConsoleError(Logger.formatLogFmt)])

export const runNode = Effect.fnUntraced(function* (shared: Shared, flags: NodeFlags) {
  boundYoungSpace()
  const settings = yield* loadSettings(shared.data, flags)
  const stopAsked = yield* Deferred.make<void>()
  const control = ControlServer.layer({
    folder: shared.data,
    port: settings.controlPort,
    stop: Effect.asVoid(Deferred.succeed(stopAsked, undefined))
  })
  yield* Effect.gen(function* () {
    const { url } = yield* Control
    const status = yield* (yield* Node).status
    yield* endsOnSignal
    yield* announce(shared, status, url)
    yield* Deferred.await(stopAsked)
  }).pipe(
    Effect.onInterrupt(() => note("closing…")),
    Effect.provide(Layer.provideMerge(control, Production.layer(settings))),
    Effect.mapError(toFailure),
    Effect.provide(logs(shared.json))
  )
})

const announce = ({ data, json }: Shared, status: NodeStatus, control: string): Effect.Effect<void> => {
  const { did, nodeId, listening, network, local } = status
  if (json) return sayJson({ did, nodeId, listening, control })
  const line = (name: string, value: string) => `${paintOut.dim(name.padEnd(11))}${value}`
  const [address] = listening
  const flags = local ? "--local " : ""
  return say(
    [
      line("did", did),
      line("network", network),
      ...listening.map((address) => line("listening", paintOut.cyan(address))),
      line("control", control),
      ...(address === undefined ? [] : [line("join it", `allium node ${flags}--data DIR --bootstrap ${address}`)]),
      line("use it", `allium put FILE --data ${data}`)
    ].join("\n")
  )
}
