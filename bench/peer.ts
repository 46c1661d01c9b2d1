/** One end of a benchmark: the production layers from transport to Rpc, on loopback TCP, nothing above. */
import { Effect, Layer, Result, type Scope } from "effect"
import * as MeshGossip from "#layers/gossip/MeshGossip"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as RelayedCells from "#layers/onion/RelayedCells"
import * as ReliableOnion from "#layers/onion/ReliableOnion"
import * as KnownRecipients from "#layers/router/KnownRecipients"
import * as KnownRoutes from "#layers/router/KnownRoutes"
import * as OverlayRouter from "#layers/router/OverlayRouter"
import * as StoredDeliveries from "#layers/router/StoredDeliveries"
import * as SessionRpc from "#layers/rpc/SessionRpc"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import * as TcpTransport from "#layers/transport/TcpTransport"
import { parseAddress } from "#schemas/transport/Address"
import type { Rpc } from "#services/rpc/Rpc"
import type { SessionManager } from "#services/session/SessionManager"

const loopback = Result.getOrThrow(parseAddress("/ip4/127.0.0.1/tcp/0"))

/** Answers a function that runs an effect inside the peer. */
export const makePeer = Effect.fnUntraced(function* (options: { readonly listen: boolean }) {
  const layer = SessionRpc.layer.pipe(
    Layer.provide(OverlayRouter.layer),
    Layer.provide(Layer.merge(MeshGossip.layer, ReliableOnion.layer)),
    Layer.provide(KnownRecipients.layer),
    Layer.provide([RelayedCells.layer, KnownRoutes.layer, StoredDeliveries.layer]),
    Layer.provide([MemoryDeliveredStore.layer, MemoryGuardStore.layer]),
    Layer.provideMerge(NoiseSessions.layer({ listen: options.listen ? [loopback] : [] })),
    Layer.provide(RacingTransportManager.layer),
    Layer.provide(TcpTransport.layer),
    Layer.provide(VerifiedPeers.layer),
    Layer.provide(KeyStoreIdentity.layer({ network: "bench", local: true })),
    Layer.provide(MemoryKeyStore.layer),
    Layer.provide(NodeRandom.layer),
    Layer.provide(NodeCrypto.layer)
  )
  const context = yield* Layer.build(layer)
  return <A, E>(effect: Effect.Effect<A, E, Rpc | SessionManager | Scope.Scope>) => Effect.provide(effect, context)
})
