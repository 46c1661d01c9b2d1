/** A router for tests of the direct way: with the real one of sessions, and nothing behind gossip. */
import { Effect, Layer } from "effect"
import * as OverlayRouter from "#layers/router/OverlayRouter"
import * as StoredDeliveries from "#layers/router/StoredDeliveries"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { Gossip } from "#services/gossip/Gossip"
import { OnionRouter } from "#services/onion/OnionRouter"
import { Recipients } from "#services/router/Recipients"
import { NoRoute } from "#services/router/RouteTable"

export const directOnly = OverlayRouter.layer.pipe(
  Layer.provide([
    Layer.mock(Gossip, notAsked()),
    Layer.mock(OnionRouter, { onArrival: () => Effect.void, onHand: () => Effect.void }),
    Layer.mock(Recipients, {
      find: (nodeId) => new NoRoute({ peer: nodeIdShort(nodeId), reason: "nobody relays here" }),
      doubt: () => {}
    }),
    Layer.provide(StoredDeliveries.layer, MemoryDeliveredStore.layer)
  ])
)

/** What a test of the direct way must not reach: plain functions, which a mock cannot stand in for by itself. */
function notAsked() {
  const never = (): never => {
    throw new Error("not a part of this test")
  }
  return { peers: never, scoreOf: never, stats: never }
}
