/** Nodes of one process on loopback TCP with production layers, which know each other through the first of them. */
import { Context, Effect, Layer, type Scope } from "effect"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as parts from "#layers/node/parts"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import * as MemoryOpStore from "#layers/storage/MemoryOpStore"
import * as MemoryOutboxStore from "#layers/storage/MemoryOutboxStore"
import * as MemoryPeerStore from "#layers/storage/MemoryPeerStore"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import * as TcpTransport from "#layers/transport/TcpTransport"
import { Bootstrap } from "#services/dht/Bootstrap"
import type { Crypto } from "#services/identity/Crypto"
import { SessionManager } from "#services/session/SessionManager"
import type { DatabaseUnusable, DataFolderInUse } from "#services/storage/DataFolder"
import type { RecordStore, StorageFailed } from "#services/storage/RecordStore"

export interface SwarmOptions {
  /** Holders of a record. */
  readonly replicationFactor: number
  /** A node's records; in memory, as peers keep theirs, unless given. */
  readonly records?: () => Layer.Layer<RecordStore, DataFolderInUse | DatabaseUnusable | StorageFailed, Crypto>
}

export const makeSwarm = (
  scope: Scope.Scope,
  { records = MemoryRecordStore.layer, replicationFactor }: SwarmOptions
) => {
  const makeNode = Effect.fnUntraced(function* (bootstrap: ReadonlyArray<string>, serves: boolean) {
    const layer = parts
      .layer({
        network: "bench",
        local: true,
        listen: serves ? ["/ip4/127.0.0.1/tcp/0"] : [],
        bootstrap,
        mode: serves ? "server" : "client",
        replicationFactor,
        sessionsMax: 256,
        autoBootstrap: true,
        // Who joins compares what it holds with its neighbours soon after: fifty at once would be what is measured.
        enableAutoReplication: false,
        fallback: false,
        enableReprovide: true,
        relay: true
      })
      .pipe(
        Layer.provide([
          records(),
          MemoryPeerStore.layer(),
          MemoryPinStore.layer,
          MemoryDeliveredStore.layer,
          MemoryGuardStore.layer,
          MemoryOpStore.layer,
          MemoryOutboxStore.layer,
          MemoryKeyStore.layer,
          TcpTransport.layer
        ]),
        Layer.provide(NodeRandom.layer),
        Layer.provide(NodeCrypto.layer)
      )
    const services = yield* Layer.buildWithScope(layer, scope)
    yield* Context.get(services, Bootstrap).joined
    return services
  })

  const grow = Effect.fnUntraced(function* (count: number) {
    const first = yield* makeNode([], true)
    const nodes = [first]
    while (nodes.length < count) nodes.push(yield* makeNode(addressOf(first), true))
    return nodes
  })

  return { makeNode, grow }
}

export const addressOf = (services: Context.Context<SessionManager>): ReadonlyArray<string> =>
  Context.get(services, SessionManager).listening().map(String)
