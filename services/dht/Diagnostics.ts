/** Answers why: who should hold a thing and who does, and what this node thinks of a peer (`allium explain`). */
import { Context, type Effect, Schema } from "effect"
import type { Cid } from "#schemas/content/Cid"
import type { NodeId } from "#schemas/identity/NodeId"
import type { Address } from "#schemas/transport/Address"
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
  /** `holds`: it proved it, by a challenge or by sending it. `wrong proof`: it says so, and it is not true. */
  answer: Schema.Literals(["holds", "does not", "wrong proof", "silent", "refused"]),
  /** In words: how it proved it, or the layer and the reason. */
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
  /** Closest first; this node among them where it serves. */
  answers: Schema.Array(HolderAnswer),
  /** Hex NodeIds of those who announced it. */
  providers: Schema.Array(Schema.String),
  lookup: Schema.Struct({
    /** False where it was given up: then the closest are those that this node knew before. */
    finished: Schema.Boolean,
    requests: Schema.Int,
    failures: Schema.Int,
    hops: Schema.Int,
    milliseconds: Schema.Int,
    /** Hex, from the first that was asked to the closest. */
    path: Schema.Array(Schema.String)
  })
})
export type ContentExplanation = typeof ContentExplanation.Type

/** An open session, as both `explain` and `peers` show it. */
export const SessionStatus = Schema.Struct({
  address: Schema.String,
  dialled: Schema.Boolean,
  sinceSeconds: Schema.Int,
  /** Smoothed; null until one was measured. */
  roundTripMillis: Schema.NullOr(Schema.Number),
  /** What the peer called itself in Hello; null until it has. */
  agent: Schema.NullOr(Schema.String)
})
export type SessionStatus = typeof SessionStatus.Type

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
  session: Schema.NullOr(SessionStatus),
  /** What came of dialling it now: null where a session is open, else the layer and the reason. */
  dial: Schema.NullOr(Schema.Struct({ reached: Schema.Boolean, layer: Schema.String, reason: Schema.String }))
})
export type PeerExplanation = typeof PeerExplanation.Type

export class Diagnostics extends Context.Service<
  Diagnostics,
  {
    /**
     * Asks all of the closest, and whoever announced it and is known; takes as long as the slowest of them, at most
     * `ExplainDeadline` for the lookup and as long for the answers.
     */
    readonly content: (cid: Cid) => Effect.Effect<ContentExplanation, StorageFailed>
    /**
     * Dials the peer where there is no session, at `address` where one is given, and else where it said that it is;
     * a node that this one does not know is looked up first.
     */
    readonly peer: (nodeId: NodeId, address?: Address) => Effect.Effect<PeerExplanation>
  }
>()("allium/services/dht/Diagnostics") {}
