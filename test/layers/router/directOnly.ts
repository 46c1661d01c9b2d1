/** A router for tests of the direct way: with the real one of sessions, and nothing behind gossip. */
import { Layer } from "effect"
import * as OverlayRouter from "#layers/router/OverlayRouter"
import * as StoredDeliveries from "#layers/router/StoredDeliveries"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import { Gossip } from "#services/gossip/Gossip"

export const directOnly = OverlayRouter.layer.pipe(
  Layer.provide([Layer.mock(Gossip, notAsked()), Layer.provide(StoredDeliveries.layer, MemoryDeliveredStore.layer)])
)

/** What a test of the direct way must not reach: plain functions, which a mock cannot stand in for by itself. */
function notAsked() {
  const never = (): never => {
    throw new Error("not a part of this test")
  }
  return { peers: never, scoreOf: never, stats: never }
}
