/**
 * Allium for apps: the services to call, the layers that keep them, and the types in between.
 *
 *     import { Blobs, defaultSettings, Production } from "allium"
 *
 * Single modules are reached by path as well: "allium/services/dht/Dht".
 */
export * as Production from "#layers/node/Production"
export * as Test from "#layers/node/Test"
export { Cid, CidFromText, cidOfText, cidText } from "#schemas/content/Cid"
export { Topic } from "#schemas/gossip/GossipMessage"
export { NodeId, NodeIdFromText, nodeIdText } from "#schemas/identity/NodeId"
export { PublicKey, PublicKeyFromDid } from "#schemas/identity/PublicKey"
export { defaultSettings } from "#schemas/node/defaultSettings"
export { Settings } from "#schemas/node/Settings"
export { EnvelopeType, InnerEnvelope, type InnerEnvelopeFields } from "#schemas/router/InnerEnvelope"
export * as Question from "#schemas/router/Question"
export { RpcFailure } from "#schemas/rpc/RpcFailure"
export { Address, AddressFromText, parseAddress } from "#schemas/transport/Address"
export { addressOf, UcxlAddress } from "#schemas/ucxl/Address"
export { Metadata } from "#schemas/ucxl/Metadata"
export { Level, Role } from "#schemas/ucxl/Role"
export * from "#services/content/Blobs"
export * from "#services/crdt/Documents"
export {
  type Log,
  LogDamaged,
  LogInUse,
  NotPlain,
  OpLog,
  OpRefusal,
  SnapshotRefused,
  TooManyDocuments
} from "#services/crdt/OpLog"
export { Sync } from "#services/crdt/Sync"
export { Bootstrap, BootstrapFailed } from "#services/dht/Bootstrap"
export * from "#services/dht/Dht"
export * from "#services/dht/Diagnostics"
export * from "#services/dht/Membership"
export { type Behaviour, MockControl } from "#services/dht/MockControl"
export { RecordValidators } from "#services/dht/RecordValidators"
export * from "#services/dht/Replicator"
export * from "#services/gossip/Gossip"
export { Identity } from "#services/identity/Identity"
export { Node, type NodeStatus, type PeerStatus, type ReplicationStatus } from "#services/node/Node"
export { type Mixing, MixPolicy } from "#services/onion/MixPolicy"
export { EnvelopeTooLarge, NotAnswerable, type OnionError, OnionUnanswered } from "#services/onion/OnionRouter"
export * from "#services/router/RouterHandle"
export { NoRoute } from "#services/router/RouteTable"
export * from "#services/rpc/Rpc"
export * from "#services/session/SessionManager"
export { DatabaseUnusable, DataFolderInUse } from "#services/storage/DataFolder"
export { StorageFailed, StoreFull } from "#services/storage/RecordStore"
export * from "#services/ucxl/AuditLog"
export * from "#services/ucxl/ContentIndex"
export * from "#services/ucxl/EncryptedStore"
export * from "#services/ucxl/RoleDirectory"
export * from "#services/ucxl/RoleKeys"
