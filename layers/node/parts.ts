/**
 * What is the same in every node: all that stands above storage, transports, keys and chance. Those are left open,
 * and chosen by Production and the simulator. The lowest comes first: the staircase of docs/architecture.md, climbed.
 */
import { Effect, Layer, Result } from "effect"
import * as DhtBlobs from "#layers/content/DhtBlobs"
import * as ChannelValidators from "#layers/crdt/ChannelValidators"
import * as HeadsSync from "#layers/crdt/HeadsSync"
import * as LiveDocuments from "#layers/crdt/LiveDocuments"
import * as StoredOpLog from "#layers/crdt/StoredOpLog"
import * as AnnouncedMembership from "#layers/dht/AnnouncedMembership"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import * as DelegatedRequests from "#layers/dht/DelegatedRequests"
import * as DhtServer from "#layers/dht/DhtServer"
import * as DialBacks from "#layers/dht/DialBacks"
import * as HealingReplicator from "#layers/dht/HealingReplicator"
import * as HybridDht from "#layers/dht/HybridDht"
import * as IterativeQueries from "#layers/dht/IterativeQueries"
import * as KademliaDht from "#layers/dht/KademliaDht"
import * as KindValidators from "#layers/dht/KindValidators"
import * as LiveRoutingTable from "#layers/dht/LiveRoutingTable"
import * as NetworkDiagnostics from "#layers/dht/NetworkDiagnostics"
import * as OnionDelegates from "#layers/dht/OnionDelegates"
import * as RememberedReceipts from "#layers/dht/RememberedReceipts"
import * as RoundsBootstrap from "#layers/dht/RoundsBootstrap"
import * as ServingMode from "#layers/dht/ServingMode"
import * as MeshGossip from "#layers/gossip/MeshGossip"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as RelayedCells from "#layers/onion/RelayedCells"
import * as ReliableOnion from "#layers/onion/ReliableOnion"
import * as KnownRecipients from "#layers/router/KnownRecipients"
import * as KnownRoutes from "#layers/router/KnownRoutes"
import * as OverlayDiscovery from "#layers/router/OverlayDiscovery"
import * as OverlayRouter from "#layers/router/OverlayRouter"
import * as StoredDeliveries from "#layers/router/StoredDeliveries"
import * as SessionRpc from "#layers/rpc/SessionRpc"
import * as NoiseAddressProbe from "#layers/session/NoiseAddressProbe"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as PlainAddressProbe from "#layers/session/PlainAddressProbe"
import * as PlainSessions from "#layers/session/PlainSessions"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import { DHT_SERVER, ONION_RELAY } from "#schemas/identity/PeerRecord"
import type { Settings } from "#schemas/node/Settings"
import { AGENT } from "#schemas/node/version"
import { type Address, parseAddress } from "#schemas/transport/Address"
import type { QueryExecutor } from "#services/dht/QueryExecutor"
import type { Identity } from "#services/identity/Identity"
import type { KnownPeers } from "#services/identity/KnownPeers"
import type { SecureRandom } from "#services/identity/SecureRandom"
import { InvalidAddress } from "#services/node/Node"
import type { SessionManager } from "#services/session/SessionManager"
import type { TransportManager } from "#services/transport/TransportManager"
import * as NodeBounds from "./NodeBounds.ts"
import * as RunningNode from "./RunningNode.ts"
import { stack } from "./stack.ts"

/** What of the settings matters here. */
export type PartSettings = Pick<
  Settings,
  | "network"
  | "local"
  | "listen"
  | "bootstrap"
  | "mode"
  | "relay"
  | "replicationFactor"
  | "sessionsMax"
  | "autoBootstrap"
  | "enableAutoReplication"
  | "enableReprovide"
  | "fallback"
>

/** What stands below the part that answers the DHT's requests, for those who put another in its place. */
export type ServerNeeds =
  | Layer.Services<typeof DhtServer.layer>
  | Identity
  | KnownPeers
  | QueryExecutor
  | SecureRandom
  | SessionManager
  | TransportManager

/** What a simulation may replace above the lowest layers. On a real network nothing of it is, but cells may be watched. */
export interface Variant {
  /** `plain` costs no cryptography and proves nothing; `noise` by default. */
  readonly sessions?: "noise" | "plain"
  /** Answers the DHT's requests in the place of DhtServer: a node that does not keep the protocol. */
  readonly server?: Layer.Layer<never, never, ServerNeeds>
  /** Carries the cells of onions in the place of RelayedCells: watched, or not as the protocol has it. */
  readonly cells?: typeof RelayedCells.layer
}

const handshakes = {
  noise: { sessions: NoiseSessions.layer, probe: NoiseAddressProbe.layer },
  plain: { sessions: PlainSessions.layer, probe: PlainAddressProbe.layer }
}

const parseAll = (texts: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Address>, InvalidAddress> =>
  Effect.forEach(texts, (text) =>
    Effect.fromResult(Result.mapError(parseAddress(text), (reason) => new InvalidAddress({ address: text, reason })))
  )

export const layer = (settings: PartSettings, variant: Variant = {}) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { autoBootstrap, enableAutoReplication, enableReprovide, replicationFactor, sessionsMax } = settings
      const [listen, bootstrap] = [yield* parseAll(settings.listen), yield* parseAll(settings.bootstrap)]
      const mayServe = settings.mode !== "client" && listen.length > 0
      // Others pass on only nodes that they reached themselves, so one that cannot be reached does no harm by offering.
      const serves = mayServe && (settings.mode === "server" || settings.local || bootstrap.length === 0)
      const serving = settings.relay ? DHT_SERVER | ONION_RELAY : DHT_SERVER
      const { probe, sessions } = handshakes[variant.sessions ?? "noise"]
      return stack(
        NodeBounds.layer,
        KeyStoreIdentity.layer(settings),
        RacingTransportManager.layer,
        VerifiedPeers.layer,
        sessions({ listen, sessionsMax, agent: AGENT, capabilities: serves ? serving : 0, serving }),
        probe,
        // What goes over sessions, onions included.
        variant.cells ?? RelayedCells.layer,
        KnownRoutes.layer,
        StoredDeliveries.layer,
        KnownRecipients.layer,
        ReliableOnion.layer,
        MeshGossip.layer,
        OverlayRouter.layer,
        SessionRpc.layer,
        // The DHT.
        KindValidators.layer,
        LiveRoutingTable.layer,
        ServingMode.layer({ serves }),
        IterativeQueries.layer,
        CheckedStorePipeline.layer,
        mayServe ? Layer.provide(variant.server ?? DhtServer.layer, ServingMode.gate) : Layer.empty,
        RememberedReceipts.layer,
        OnionDelegates.layer,
        KademliaDht.layer({ replicationFactor }),
        RoundsBootstrap.layer({ addresses: autoBootstrap ? bootstrap : [] }),
        // What a node does of itself, for its own network and for others.
        AnnouncedMembership.layer,
        NetworkDiagnostics.layer({ replicationFactor }),
        HealingReplicator.layer({
          replicationFactor,
          replicates: enableAutoReplication,
          reprovides: enableReprovide
        }),
        DialBacks.layer({ asks: mayServe && !serves }),
        OverlayDiscovery.layer,
        mayServe ? DelegatedRequests.layer({ replicationFactor }) : Layer.empty,
        // What keeps records alive, and what is done for others, has to do with the network or not at all.
        settings.fallback ? HybridDht.layer : Layer.empty,
        ChannelValidators.layer,
        DhtBlobs.layer,
        StoredOpLog.layer,
        HeadsSync.layer,
        LiveDocuments.layer,
        RunningNode.layer
      )
    })
  )
