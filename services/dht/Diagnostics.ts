/** Answers why: who should hold a thing and who does, and what this node thinks of a peer (`allium explain`). */
import { Context, type Effect, Schema } from "effect"
import type { Cid } from "#schemas/content/Cid"
import type { NodeId } from "#schemas/identity/NodeId"
import type { StorageFailed } from "../storage/RecordStore.ts"
import { ReplicaHealth } from "./Replicator.ts"

/** What one node said when it was asked for the content. Everything here is text and numbers. */
export const HolderAnswer = Schema.Struct({
  /** Hex. */
  nodeId: Schema.String,
  address: Schema.String,
  /** Leading bits shared with the key. */
  closeness: Schema.Int,
  /** Whether it is among the closest, as many as there should be replicas. */
  expected: Schema.Boolean,
  /** `holds`: it proved it by a challenge; `says so`: it answered, and this node cannot check it. */
  answer: Schema.Literals(["holds", "says so", "does not", "wrong proof", "silent", "refused"]),
  detail: Schema.String,
  milliseconds: Schema.Int
})
export type HolderAnswer = typeof HolderAnswer.Type

export const ContentExplanation = Schema.Struct({
  cid: Schema.String,
  /** Hex. */
  key: Schema.String,
  local: Schema.Boolean,
  /** Unix seconds: when this node's own copy dies; null where it has none. */
  localExpires: Schema.NullOr(Schema.Int),
  /** Null where this node does not keep it alive. */
  pinned: Schema.NullOr(Schema.Struct({ factor: Schema.Int, nextRefresh: Schema.Int })),
  target: Schema.Int,
  holders: Schema.Int,
  health: ReplicaHealth,
  /** Closest first. */
  answers: Schema.Array(HolderAnswer),
  /** Hex NodeIds of those who announced it. */
  providers: Schema.Array(Schema.String),
  lookup: Schema.Struct({
    requests: Schema.Int,
    failures: Schema.Int,
    hops: Schema.Int,
    milliseconds: Schema.Int,
    /** Hex, from the first that was asked to the closest. */
    path: Schema.Array(Schema.String)
  })
})
export type ContentExplanation = typeof ContentExplanation.Type

export const PeerExplanation = Schema.Struct({
  nodeId: Schema.String,
  /** Leading bits shared with this node's id: the number of its bucket. */
  bucket: Schema.Int,
  /** Where this node has it: in its table, waiting for a place, retired and looked for, or nowhere. */
  standing: Schema.Literals(["table", "waiting", "retired", "unknown"]),
  addresses: Schema.Array(Schema.String),
  /** Unix seconds, null for never. */
  verifiedAt: Schema.NullOr(Schema.Int),
  lastSeen: Schema.NullOr(Schema.Int),
  failures: Schema.Int,
  /** Whether this node would name it to others. */
  shareable: Schema.Boolean,
  session: Schema.NullOr(
    Schema.Struct({
      address: Schema.String,
      dialled: Schema.Boolean,
      sinceSeconds: Schema.Int,
      roundTripMillis: Schema.NullOr(Schema.Number),
      agent: Schema.NullOr(Schema.String)
    })
  ),
  /** What came of dialling it now: null where a session is open, else the layer and the reason. */
  dial: Schema.NullOr(Schema.Struct({ reached: Schema.Boolean, layer: Schema.String, reason: Schema.String }))
})
export type PeerExplanation = typeof PeerExplanation.Type

export class Diagnostics extends Context.Service<
  Diagnostics,
  {
    /** Asks all of the closest; takes as long as the slowest of them. */
    readonly content: (cid: Cid) => Effect.Effect<ContentExplanation, StorageFailed>
    /** Dials the peer where there is no session; a node nobody knows of is looked up first. */
    readonly peer: (nodeId: NodeId) => Effect.Effect<PeerExplanation>
  }
>()("allium/services/dht/Diagnostics") {}
