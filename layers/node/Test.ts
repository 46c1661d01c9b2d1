/**
 * For tests of apps that need no network: what an app calls, with nobody behind it. Whole networks in virtual time are
 * in "allium/testing".
 */
import { Layer } from "effect"
import * as DhtBlobs from "#layers/content/DhtBlobs"
import * as MockDht from "#layers/dht/MockDht"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as tempo from "./tempo.ts"

/** `Dht` and `Blobs`: what is put is held in memory and found again. */
export const mocked = DhtBlobs.layer.pipe(
  Layer.provideMerge(MockDht.layer),
  Layer.provide(MemoryPinStore.layer),
  Layer.provideMerge(NodeCrypto.layer),
  Layer.provide(tempo.local)
)
