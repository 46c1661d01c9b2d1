/**
 * For tests of apps that need no network: what an app calls, with nobody behind it. Whole networks in virtual time are
 * in "allium/testing".
 */
import { Effect, Layer } from "effect"
import * as DhtBlobs from "#layers/content/DhtBlobs"
import * as MockDht from "#layers/dht/MockDht"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as AgeEncryptedStore from "#layers/ucxl/AgeEncryptedStore"
import * as MemoryAuditLog from "#layers/ucxl/MemoryAuditLog"
import * as MemoryContentIndex from "#layers/ucxl/MemoryContentIndex"
import * as MemoryRoleKeys from "#layers/ucxl/MemoryRoleKeys"
import * as MemorySavedRoles from "#layers/ucxl/MemorySavedRoles"
import * as SignedRoleDirectory from "#layers/ucxl/SignedRoleDirectory"
import { Identity } from "#services/identity/Identity"
import * as tempo from "./tempo.ts"

/** `Dht` and `Blobs`: what is put is held in memory and found again. */
export const mocked = DhtBlobs.layer.pipe(
  Layer.provideMerge(MockDht.layer),
  Layer.provide(MemoryPinStore.layer),
  Layer.provideMerge(NodeCrypto.layer),
  Layer.provide(tempo.local)
)

const ownAuthority = Layer.unwrap(
  Effect.map(Identity, ({ publicKey }) => SignedRoleDirectory.layer({ authority: publicKey }))
)

/**
 * The same, and `EncryptedStore` with its `RoleDirectory`, `RoleKeys`, `ContentIndex` and `AuditLog`: one node, which is the
 * authority of its own. The roles are those that the test publishes, the keys those that it adds.
 */
export const encrypted = AgeEncryptedStore.layer().pipe(
  Layer.provideMerge(
    Layer.mergeAll(ownAuthority, MemoryRoleKeys.layer, MemoryContentIndex.layer(), MemoryAuditLog.layer())
  ),
  Layer.provide(MemorySavedRoles.layer()),
  Layer.provideMerge(DhtBlobs.layer),
  Layer.provideMerge(MockDht.layer),
  Layer.provide(MemoryPinStore.layer),
  Layer.provideMerge(KeyStoreIdentity.layer({ network: "test", local: true })),
  Layer.provide(MemoryKeyStore.layer),
  Layer.provide(NodeRandom.layer),
  Layer.provideMerge(NodeCrypto.layer),
  Layer.provide(tempo.local)
)
