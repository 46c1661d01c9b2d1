/**
 * Nodes of one local network in this process, each as `allium node --local` would run it: its own keys, database,
 * TCP port and control API, in a folder of its own.
 */
import { join } from "node:path"
import { Context, Effect, Exit, Latch, Layer, Scope } from "effect"
import * as ControlServer from "#layers/node/ControlServer"
import * as Production from "#layers/node/Production"
import { defaultSettings } from "#schemas/node/defaultSettings"
import type { Settings } from "#schemas/node/Settings"
import { Blobs } from "#services/content/Blobs"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht } from "#services/dht/Dht"
import { Diagnostics } from "#services/dht/Diagnostics"
import { Replicator } from "#services/dht/Replicator"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Control } from "#services/node/Control"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"
import type { CellLog } from "./cellLog.ts"

export interface LocalNode {
  readonly name: string
  /** Its NodeId, as contacts have it. */
  readonly key: string
  readonly folder: string
  readonly address: string
  readonly control: string
  readonly blobs: Blobs["Service"]
  readonly dht: Dht["Service"]
  readonly diagnostics: Diagnostics["Service"]
  readonly replicator: Replicator["Service"]
  readonly store: RecordStore["Service"]
  /** Waits until it has found the network. */
  readonly joined: Bootstrap["Service"]["joined"]
  /** Waits until so many others are in its table: only then can it store anything with them. */
  readonly knows: (others: number) => Effect.Effect<void>
  /** Ends it in order, before its time. */
  readonly stop: Effect.Effect<void>
}

/** Starts a node that lives until the scope closes, or until it is stopped. */
export const startNode = Effect.fnUntraced(function* (
  folder: string,
  name: string,
  settings: Pick<Settings, "bootstrap" | "replicationFactor">,
  log: CellLog
) {
  const dataFolder = join(folder, name)
  const scope = yield* Scope.fork(yield* Scope.Scope)
  const local = { ...defaultSettings, ...settings, dataFolder, local: true, listen: ["/ip4/127.0.0.1/tcp/0"] }
  const node = Production.layer(local, { cells: log.watch(name) })
  const control = ControlServer.layer({ folder: dataFolder, port: 0, stop: Effect.void })
  const services = yield* Layer.buildWithScope(Layer.provideMerge(control, node), scope)
  const [address] = Context.get(services, SessionManager).listening()
  return {
    name,
    key: Context.get(services, SessionManager).self().key,
    folder: dataFolder,
    address: String(address),
    control: Context.get(services, Control).url,
    blobs: Context.get(services, Blobs),
    dht: Context.get(services, Dht),
    diagnostics: Context.get(services, Diagnostics),
    replicator: Context.get(services, Replicator),
    store: Context.get(services, RecordStore),
    joined: Context.get(services, Bootstrap).joined,
    knows: knowing(Context.get(services, RoutingTable)),
    stop: Scope.close(scope, Exit.void)
  } satisfies LocalNode
})

const knowing =
  (table: RoutingTable["Service"]) =>
  (others: number): Effect.Effect<void> =>
    Effect.scoped(
      Effect.gen(function* () {
        const enough = yield* Latch.make(false)
        yield* table.onChange(() => {
          if (table.size() >= others) enough.openUnsafe()
        })
        if (table.size() < others) yield* enough.await
      })
    )
