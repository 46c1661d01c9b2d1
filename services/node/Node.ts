/** The node as a whole: what its operator and its command line see of it. Everything here is text and numbers. */
import { Context, type Effect, Schema } from "effect"
import type { StorageFailed } from "../storage/RecordStore.ts"

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
  sessions: Schema.Int,
  /** Contacts in the routing table. */
  contacts: Schema.Int,
  records: Schema.Int,
  storedBytes: Schema.Int,
  uptimeSeconds: Schema.Int,
  memoryBytes: Schema.Int
})
export type NodeStatus = typeof NodeStatus.Type

/** An open session. */
export const PeerStatus = Schema.Struct({
  nodeId: Schema.String,
  address: Schema.String,
  dialled: Schema.Boolean,
  sinceSeconds: Schema.Int,
  /** Smoothed round trip; null until one was measured. */
  roundTripMillis: Schema.NullOr(Schema.Number),
  agent: Schema.NullOr(Schema.String)
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
    /** Longest open first. */
    readonly peers: Effect.Effect<ReadonlyArray<PeerStatus>>
  }
>()("allium/services/node/Node") {}
