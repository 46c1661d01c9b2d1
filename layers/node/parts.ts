/**
 * What is the same in every node: all that stands above storage, transports, keys and chance. Those are left open,
 * and chosen by Production and Test. Read from below, this is the staircase of docs/architecture.md.
 */
import { Effect, Layer, Result } from "effect"
import * as DhtBlobs from "#layers/content/DhtBlobs"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import * as DhtServer from "#layers/dht/DhtServer"
import * as IterativeQueries from "#layers/dht/IterativeQueries"
import * as KademliaDht from "#layers/dht/KademliaDht"
import * as KindValidators from "#layers/dht/KindValidators"
import * as LiveRoutingTable from "#layers/dht/LiveRoutingTable"
import * as RoundsBootstrap from "#layers/dht/RoundsBootstrap"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as DirectRouter from "#layers/router/DirectRouter"
import * as SessionRpc from "#layers/rpc/SessionRpc"
import * as NoiseAddressProbe from "#layers/session/NoiseAddressProbe"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import type { Settings } from "#schemas/node/Settings"
import { AGENT } from "#schemas/node/version"
import { type Address, parseAddress } from "#schemas/transport/Address"
import { InvalidAddress } from "#services/node/Node"
import * as RunningNode from "./RunningNode.ts"

/** What of the settings matters here. */
export type PartSettings = Pick<
  Settings,
  | "network"
  | "local"
  | "listen"
  | "bootstrap"
  | "mode"
  | "replicationFactor"
  | "sessionsMax"
  | "autoBootstrap"
  | "enableReprovide"
>

const parseAll = (texts: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Address>, InvalidAddress> =>
  Effect.forEach(texts, (text) =>
    Effect.fromResult(Result.mapError(parseAddress(text), (reason) => new InvalidAddress({ address: text, reason })))
  )

export const layer = (settings: PartSettings) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { autoBootstrap, enableReprovide, replicationFactor, sessionsMax } = settings
      const [listen, bootstrap] = [yield* parseAll(settings.listen), yield* parseAll(settings.bootstrap)]
      // Others pass on only nodes that they reached themselves, so one that cannot be reached does no harm by offering.
      const serves = settings.mode !== "client" && listen.length > 0
      const dht = KademliaDht.layer({ replicationFactor, reprovides: enableReprovide }).pipe(
        Layer.provideMerge(serves ? DhtServer.layer : Layer.empty),
        Layer.provideMerge(CheckedStorePipeline.layer),
        Layer.provideMerge(IterativeQueries.layer),
        Layer.provideMerge(LiveRoutingTable.layer),
        Layer.provide(NoiseAddressProbe.layer),
        Layer.provideMerge(KindValidators.layer)
      )
      const sessions = SessionRpc.layer({ agent: AGENT, mode: serves ? "server" : "client" }).pipe(
        Layer.provideMerge(DirectRouter.layer),
        Layer.provideMerge(NoiseSessions.layer({ listen, sessionsMax, capabilities: serves ? DHT_SERVER : 0 })),
        Layer.provideMerge(VerifiedPeers.layer),
        Layer.provideMerge(RacingTransportManager.layer),
        Layer.provideMerge(KeyStoreIdentity.layer(settings))
      )
      return Layer.mergeAll(RunningNode.layer, DhtBlobs.layer).pipe(
        Layer.provideMerge(RoundsBootstrap.layer({ addresses: autoBootstrap ? bootstrap : [] })),
        Layer.provideMerge(dht),
        Layer.provideMerge(sessions)
      )
    })
  )
