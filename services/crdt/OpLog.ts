/**
 * Logs of operations: one a channel, signed by their authors, durable, in causal order (DESIGN.md §11).
 *
 * A log hands every operation to its replica once, after all that it builds upon, and keeps what the replica has taken.
 * What a replica can never carry out is refused for good, here as everywhere, and its author stands still.
 */
import { Context, type Effect, type Result, Schema, type Scope } from "effect"
import type { SigningKey } from "#core/identity/Suite"
import type { AuthorExtent, OpRange, Progress } from "#core/oplog/vectors"
import type { Genesis } from "#schemas/dht/Genesis"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { StoredProof } from "../storage/OpStore.ts"
import type { StorageFailed } from "../storage/RecordStore.ts"

/** The channel is open already, by this node. */
export class LogInUse extends Schema.TaggedError<LogInUse>()("LogInUse", { channel: Schema.String }) {}

/** This node has as many documents open as it may; close another first. */
export class TooManyDocuments extends Schema.TaggedError<TooManyDocuments>()("TooManyDocuments", {
  limit: Schema.Int
}) {}

/** What is stored here cannot be read: `reason` says why. */
export class LogDamaged extends Schema.TaggedError<LogDamaged>()("LogDamaged", { reason: Schema.String }) {}

/** The genesis is another channel's, or of a channel that has a group. */
export class NotPlain extends Schema.TaggedError<NotPlain>()("NotPlain", { reason: Schema.String }) {}

/** A snapshot that is not to be had: forged, of another place, or not to be joined with what is here. */
export class SnapshotRefused extends Schema.TaggedError<SnapshotRefused>()("SnapshotRefused", {
  reason: Schema.String
}) {}

/** Why an operation of a peer was refused. */
export const OpRefusal = Schema.Literals([
  "malformed",
  "another channel",
  "not granted",
  "forged",
  "wrong place",
  "equivocation",
  "cannot be carried out",
  "author stands still",
  "too many authors",
  "no room",
  "waited too long"
])
export type OpRefusal = typeof OpRefusal.Type

export interface RefusedOp {
  readonly refusal: OpRefusal
  readonly word: string
}

/** What came of the records that were offered. */
export interface Admitted {
  /** Carried out, those included that had waited for them. */
  readonly taken: number
  /** Here already. */
  readonly known: number
  /** Came before what they build upon. */
  readonly waiting: number
  readonly refused: ReadonlyArray<RefusedOp>
}

/** An operation that is carried out and durable. */
export interface Delivered {
  readonly id: Uint8Array
  readonly author: PublicKey
  readonly seq: number
  readonly lamport: number
  readonly operations: Uint8Array
  readonly record: Uint8Array
  readonly isLocal: boolean
}

export type Batch = Pick<Delivered, "author" | "seq" | "lamport" | "operations">

/** As the core says it: `missing` may be offered again. */
export interface ReplicaRefusal {
  readonly reason: "malformed" | "missing"
  readonly word: string
}

/** What carries operations out. All of it is synchronous; a refused step has changed nothing. */
export interface Replica {
  readonly apply: (batch: Batch) => Result.Result<unknown, ReplicaRefusal>
  /** Begins anew from a snapshot, and these after it. */
  readonly restart: (document: Uint8Array, batches: ReadonlyArray<Batch>) => Result.Result<void, string>
  readonly snapshot: () => Uint8Array
}

export interface SnapshotRecord {
  readonly record: Uint8Array
  readonly bytes: Uint8Array
}

export interface Log {
  readonly channel: Uint8Array
  /** `keyOf(channel)`. */
  readonly key: string
  /** The key that signs here. */
  readonly author: PublicKey
  /** Undefined until somebody has told it; nothing can be written before. */
  readonly genesis: () => Genesis | undefined
  /** Answers whether it was new. */
  readonly learn: (genesis: Genesis) => Effect.Effect<boolean, NotPlain | StorageFailed>
  /**
   * Signs an operation of one's own that the replica has carried out, in the same step. Synchronous, and durable only
   * after the next `save`. `seq` and `lamport` must be the next. A defect where there is no genesis.
   */
  readonly append: (batch: Omit<Batch, "author">) => void
  /** What the own next operation has to say of itself. */
  readonly next: () => { readonly seq: number; readonly lamport: number }
  /** Heads; an operation names 16 of them at most. */
  readonly heads: () => ReadonlyArray<{ readonly id: Uint8Array; readonly lamport: number }>
  /** Everything carried out until now is durable when it returns. Concurrent calls are grouped into one commit. */
  readonly save: Effect.Effect<void, StorageFailed>
  /** Records from anywhere, in any order. What is taken is durable when it returns. */
  readonly admit: (records: ReadonlyArray<Uint8Array>) => Effect.Effect<Admitted, StorageFailed>
  /** Nothing more is to come that waiting operations name: what they miss is taken to be in the snapshot. */
  readonly settle: Effect.Effect<number, StorageFailed>
  /** By ascending author. */
  readonly extents: () => ReadonlyArray<AuthorExtent>
  readonly progress: Progress
  /** Operations that wait for others. */
  readonly waiting: () => number
  /** Ids of what waiting operations build upon and that neither is here nor waits; as many as `limit`. */
  readonly missing: (limit: number) => ReadonlyArray<Uint8Array>
  /** Records of these ranges, parents first, as many as one answer holds. */
  readonly read: (ranges: ReadonlyArray<OpRange>) => Effect.Effect<ReadonlyArray<Uint8Array>, StorageFailed>
  /** Snapshot of everything until now, in the place of all operations in it. */
  readonly compact: Effect.Effect<SnapshotRecord, StorageFailed>
  readonly snapshot: Effect.Effect<SnapshotRecord | undefined, StorageFailed>
  /** Begins anew from somebody's snapshot; what is only here is carried out on top of it. */
  readonly adopt: (snapshot: SnapshotRecord) => Effect.Effect<void, SnapshotRefused | StorageFailed>
  readonly proofs: Effect.Effect<ReadonlyArray<StoredProof>, StorageFailed>
  /** Hears of what has become durable, in order. Synchronous; answers how to stop. */
  readonly onDelivered: (listener: (delivered: ReadonlyArray<Delivered>) => void) => () => void
}

export interface LogOptions {
  readonly channel: Uint8Array
  /** Where it is known. */
  readonly genesis?: Genesis | undefined
  /** Signs; the node's own key by default. */
  readonly signing?: SigningKey | undefined
  /** From the creator down to this author, where the channel asks for them. */
  readonly grants?: ReadonlyArray<Uint8Array> | undefined
  readonly replica: Replica
}

export type OpenLogError = LogInUse | TooManyDocuments | LogDamaged | NotPlain | StorageFailed

export class OpLog extends Context.Service<
  OpLog,
  {
    /** Until the scope closes; what is stored has been handed to the replica when it returns. */
    readonly open: (options: LogOptions) => Effect.Effect<Log, OpenLogError, Scope.Scope>
    readonly find: (channelKey: string) => Log | undefined
    readonly list: () => ReadonlyArray<Log>
  }
>()("allium/services/crdt/OpLog") {}
