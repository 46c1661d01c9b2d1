/** The node as a whole: what its operator and its command line see of it. Everything here is text and numbers. */
import { Context, type Effect, Schema } from "effect"
import { BackendsStatus } from "../dht/Backends.ts"
import { SessionStatus } from "../dht/Diagnostics.ts"
import { ServingMode } from "../dht/Membership.ts"
import type { StorageFailed } from "../storage/RecordStore.ts"

/** How what this node wants kept is doing on the network. Times in unix seconds, null for never. */
export const ReplicationStatus = Schema.Struct({
  /** Things that it refreshes before they die: what was put here, and what was pinned. */
  kept: Schema.Int,
  healthy: Schema.Int,
  degraded: Schema.Int,
  critical: Schema.Int,
  /** Nobody has looked yet. */
  unknown: Schema.Int,
  /** Copies, over what was looked at. */
  averageReplication: Schema.Number,
  /** When it last compared what it holds with its neighbours, and last read its own disk through. */
  lastSync: Schema.NullOr(Schema.Int),
  lastScrub: Schema.NullOr(Schema.Int)
})
export type ReplicationStatus = typeof ReplicationStatus.Type

export const NodeStatus = Schema.Struct({
  did: Schema.String,
  /** Hex. */
  nodeId: Schema.String,
  version: Schema.String,
  network: Schema.String,
  local: Schema.Boolean,
  listening: Schema.Array(Schema.String),
  /** Whether the node has found others, or needs none. */
  joined: Schema.Boolean,
  mode: ServingMode,
  /** Whether its record offers to carry cells of others on. */
  relays: Schema.Boolean,
  sessions: Schema.Int,
  /** Contacts in the routing table. */
  contacts: Schema.Int,
  records: Schema.Int,
  storedBytes: Schema.Int,
  replication: ReplicationStatus,
  /** Which backend answers, and what waits; null where this node does not fall back. */
  fallback: Schema.NullOr(BackendsStatus),
  uptimeSeconds: Schema.Int,
  memoryBytes: Schema.Int
})
export type NodeStatus = typeof NodeStatus.Type

/** A node that this one knows: it stands in the routing table, or a session is open, or both. */
export const PeerStatus = Schema.Struct({
  nodeId: Schema.String,
  /** Of the session, else the first that it told of itself; with `/p2p/…`. */
  address: Schema.String,
  /** Leading bits shared with this node's id: the number of its bucket. */
  bucket: Schema.Int,
  /** Whether it has a place there. Clients have none, nor whoever is too many in a bucket or a network. */
  inTable: Schema.Boolean,
  /** Whether it offers to carry cells of others on. */
  relays: Schema.Boolean,
  /** Unix seconds at which this node last found it at its address; null for never. */
  verifiedAt: Schema.NullOr(Schema.Int),
  /** Requests in a row that it left unanswered; the third ends its place. */
  failures: Schema.Int,
  session: Schema.NullOr(SessionStatus)
})
export type PeerStatus = typeof PeerStatus.Type

/** A setting that should be a multiaddr is none. */
export class InvalidAddress extends Schema.TaggedError<InvalidAddress>()("InvalidAddress", {
  address: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `"${this.address}" is not an address: ${this.reason}`
  }
}

export class Node extends Context.Service<
  Node,
  {
    readonly status: Effect.Effect<NodeStatus, StorageFailed>
    /** By bucket, the nearest nodes first; in a bucket those with a session first, longest open before the others. */
    readonly peers: Effect.Effect<ReadonlyArray<PeerStatus>>
  }
>()("allium/services/node/Node") {}
