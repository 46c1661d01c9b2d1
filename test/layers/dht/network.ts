/** Whole nodes in one process for the tests of the DHT: everything but disk and sockets is the real thing. */
import { Context, Effect, Exit, Layer, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import * as DhtServer from "#layers/dht/DhtServer"
import * as IterativeQueries from "#layers/dht/IterativeQueries"
import * as KademliaDht from "#layers/dht/KademliaDht"
import * as KindValidators from "#layers/dht/KindValidators"
import * as LiveRoutingTable from "#layers/dht/LiveRoutingTable"
import * as RoundsBootstrap from "#layers/dht/RoundsBootstrap"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as DirectRouter from "#layers/router/DirectRouter"
import * as SessionRpc from "#layers/rpc/SessionRpc"
import * as NoiseAddressProbe from "#layers/session/NoiseAddressProbe"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as MemoryPeerStore from "#layers/storage/MemoryPeerStore"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { type Address, parseAddress } from "#schemas/transport/Address"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht } from "#services/dht/Dht"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Identity } from "#services/identity/Identity"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import type { PeerStore } from "#services/storage/PeerStore"
import { RecordStore } from "#services/storage/RecordStore"

export const at = (text: string): Address => Result.getOrThrow(parseAddress(text))

export interface NodeOptions {
  readonly seed: string
  readonly listen: string
  readonly bootstrap?: ReadonlyArray<Address>
  readonly client?: boolean
  readonly peers?: Layer.Layer<PeerStore>
  readonly factor?: number
}

const layerOf = ({ bootstrap = [], client = false, factor = 5, listen, peers, seed }: NodeOptions) =>
  KademliaDht.layer({ replicationFactor: factor }).pipe(
    Layer.provideMerge(RoundsBootstrap.layer({ addresses: bootstrap })),
    Layer.provideMerge(client ? Layer.empty : DhtServer.layer),
    Layer.provideMerge(CheckedStorePipeline.layer),
    Layer.provideMerge(IterativeQueries.layer),
    Layer.provideMerge(LiveRoutingTable.layer),
    Layer.provideMerge(KindValidators.layer),
    Layer.provideMerge(SessionRpc.layer({ agent: "test", mode: client ? "client" : "server" })),
    Layer.provideMerge(DirectRouter.layer),
    Layer.provideMerge(NoiseAddressProbe.layer),
    Layer.provideMerge(NoiseSessions.layer({ listen: [at(listen)], capabilities: client ? 0 : DHT_SERVER })),
    Layer.provideMerge(VerifiedPeers.layer),
    Layer.provideMerge(RacingTransportManager.layer.pipe(Layer.provide(MemoryTransport.layer))),
    Layer.provideMerge(KeyStoreIdentity.layer({ network: "test", local: true })),
    Layer.provideMerge(MemoryKeyStore.layer),
    Layer.provideMerge(SeededRandom.layer(seed)),
    Layer.provideMerge(Layer.merge(MemoryRecordStore.layer(), peers ?? MemoryPeerStore.layer())),
    Layer.provideMerge(NodeCrypto.layer)
  )

export const startNode = Effect.fnUntraced(function* (options: NodeOptions) {
  const scope = yield* Scope.fork(yield* Scope.Scope)
  const services = yield* Layer.buildWithScope(layerOf(options), scope)
  const sessions = Context.get(services, SessionManager)
  return {
    dht: Context.get(services, Dht),
    bootstrap: Context.get(services, Bootstrap),
    table: Context.get(services, RoutingTable),
    queries: Context.get(services, QueryExecutor),
    identity: Context.get(services, Identity),
    records: Context.get(services, RecordStore),
    rpc: Context.get(services, Rpc),
    sessions,
    address: sessions.listening()[0]!,
    stop: Scope.close(scope, Exit.void)
  }
})

export type NetworkNode = Effect.Success<ReturnType<typeof startNode>>

/** Lets everything happen that needs no time: fibers and deliveries take turns. */
export const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 40; turn++) yield* Effect.yieldNow
})

/** Runs an effect to its end while virtual time goes on a little at a time. */
export const live = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    for (let turn = 0; turn < 2_000 && fiber.pollUnsafe() === undefined; turn++) {
      yield* settle
      if (turn > 20) yield* TestClock.adjust("5 millis")
    }
    return yield* fiber.pollUnsafe() ?? Exit.die("it does not end")
  })

/** Nodes that joined by the first one, in the caller's scope. */
export const startNetwork = Effect.fnUntraced(function* (count: number, factor = 5) {
  const first = yield* startNode({ seed: "node 0", listen: "/memory/100", factor })
  const nodes = [first]
  for (let n = 1; n < count; n++) {
    const node = yield* startNode({
      seed: `node ${n}`,
      listen: `/memory/${100 + n}`,
      bootstrap: [first.address],
      factor
    })
    nodes.push(node)
    yield* live(node.bootstrap.joined)
  }
  yield* settle
  return nodes
})
