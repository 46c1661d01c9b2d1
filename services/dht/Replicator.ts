/**
 * Keeps what is wanted alive (DESIGN.md §6, Redundancy and Lifetimes): neighbours compare what they hold and make up
 * what is missing, whoever wants a thing kept refreshes it, holders are challenged, and the own disk is read through.
 *
 * Its verbs are about content, by CID; the work goes on by itself for as long as the node runs.
 */
import { Context, type Effect, Schema } from "effect"
import type { Cid } from "#schemas/content/Cid"
import type { StorageFailed } from "../storage/RecordStore.ts"
import type { GetError, NotFound, PutError, PutReceipt } from "./Dht.ts"

/** `healthy`: as many holders as are wanted. `critical`: none but this node. `unknown`: nobody has looked yet. */
export const ReplicaHealth = Schema.Literals(["healthy", "degraded", "critical", "unknown"])
export type ReplicaHealth = typeof ReplicaHealth.Type

/** Of one pinned content. Times in unix seconds, null for never. */
export const ContentStatus = Schema.Struct({
  cid: Schema.String,
  target: Schema.Int,
  /** Copies found when somebody last looked, this node's included. */
  actual: Schema.Int,
  /** Of these, the holders that proved it by a challenge. */
  healthyProviders: Schema.Int,
  lastReprovided: Schema.NullOr(Schema.Int),
  created: Schema.Int,
  /** Bytes. */
  size: Schema.Int,
  priority: Schema.Int,
  health: ReplicaHealth,
  /** Whether this node holds all of it. */
  local: Schema.Boolean
})
export type ContentStatus = typeof ContentStatus.Type

export const ReplicationMetrics = Schema.Struct({
  /** Things that this node wants kept. */
  keys: Schema.Int,
  /** Announcements of this node that it renews. */
  providers: Schema.Int,
  reprovides: Schema.Int,
  successes: Schema.Int,
  failures: Schema.Int,
  /** Unix seconds, null for never. */
  lastReprovide: Schema.NullOr(Schema.Int),
  lastSync: Schema.NullOr(Schema.Int),
  lastScrub: Schema.NullOr(Schema.Int),
  /** Over what was looked at; 0 where nothing was. */
  averageReplication: Schema.Number,
  /** Since the start: records sent to and fetched from neighbours, blocks found damaged and mended, broken promises. */
  sent: Schema.Int,
  fetched: Schema.Int,
  damaged: Schema.Int,
  mended: Schema.Int,
  brokenPromises: Schema.Int
})
export type ReplicationMetrics = typeof ReplicationMetrics.Type

/** Somebody who says that they have a thing. Times in unix seconds. */
export interface ContentProvider {
  readonly peer: Uint8Array
  readonly addedAt: number
  /** When this node last heard of the peer itself, null for never. */
  readonly lastSeen: number | null
  /** 0 to 1: what its answers so far make of it. */
  readonly quality: number
  /** Leading bits that its NodeId shares with the content's key. */
  readonly distance: number
}

export interface KeepOptions {
  /** 1 to 20; the node's `replicationFactor` by default. */
  readonly factor?: number
  /** Higher is refreshed first; 0 by default. */
  readonly priority?: number
}

export class Replicator extends Context.Service<
  Replicator,
  {
    /** Pins it: fetched where it is not here, kept at its factor from now on. */
    readonly addContent: (cid: Cid, options?: KeepOptions) => Effect.Effect<void, GetError>
    /** This node refreshes it no more; copies elsewhere live as long as they were promised. */
    readonly removeContent: (cid: Cid) => Effect.Effect<void, StorageFailed>
    /** Announces this node as a provider, now and every 12 h. */
    readonly provideContent: (cid: Cid) => Effect.Effect<PutReceipt, PutError>
    /** Best first. */
    readonly findProviders: (cid: Cid) => Effect.Effect<ReadonlyArray<ContentProvider>, GetError>
    /** Of what is pinned, from what was last seen; `NotFound` where it is not. */
    readonly status: (cid: Cid) => Effect.Effect<ContentStatus, NotFound | StorageFailed>
    readonly list: (limit: number) => Effect.Effect<ReadonlyArray<ContentStatus>, StorageFailed>
    readonly metrics: Effect.Effect<ReplicationMetrics, StorageFailed>
    /** Compares with all neighbours now, instead of waiting for the hour. Ends when they are done. */
    readonly syncNow: Effect.Effect<void>
    /** Reads the whole store through now: damaged records are fetched anew. Answers how many were found and mended. */
    readonly scrubNow: Effect.Effect<{ readonly damaged: number; readonly mended: number }, StorageFailed>
  }
>()("allium/services/dht/Replicator") {}
