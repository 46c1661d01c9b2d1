/**
 * The operations of shared documents that this node has opened, each channel a log of its own; and what is durable is
 * acknowledged, never before. Every layer keeps `test/laws/opStore.ts`.
 *
 * It stores what it is given, in the order of a graph: of each author the next, after all its parents. Whether an
 * operation may stand there is decided above (`OpLog`).
 */
import { Context, type Effect } from "effect"
import type { StorageFailed } from "./RecordStore.ts"

export interface StoredOp {
  /** 32 bytes, as ids are. */
  readonly author: Uint8Array
  readonly seq: number
  readonly lamport: number
  /** SHA-256 of the record. */
  readonly id: Uint8Array
  readonly parents: ReadonlyArray<Uint8Array>
  readonly bytes: Uint8Array
}

/** How far a log has come with one author. */
export interface StoredExtent {
  readonly author: Uint8Array
  /** The lowest that is held as a record; one above `seq` where there is none. */
  readonly first: number
  readonly seq: number
  /** Of the last; its id is empty where only the snapshot has it. */
  readonly lamport: number
  readonly last: Uint8Array
}

export interface StoredHead {
  readonly id: Uint8Array
  readonly lamport: number
}

/** Author, and the last of his that a snapshot holds. */
export type Frontier = ReadonlyArray<Pick<StoredExtent, "author" | "seq" | "lamport">>

export interface StoredSnapshot {
  /** The signed record of kind 7 that vouches for it. */
  readonly record: Uint8Array
  readonly bytes: Uint8Array
}

/** Two records of one author and seq. */
export interface StoredProof {
  readonly author: Uint8Array
  readonly seq: number
  readonly one: Uint8Array
  readonly other: Uint8Array
}

export class OpStore extends Context.Service<
  OpStore,
  {
    /** What the channel's id is the hash of. */
    readonly keepGenesis: (channel: Uint8Array, genesis: Uint8Array) => Effect.Effect<void, StorageFailed>
    readonly genesis: (channel: Uint8Array) => Effect.Effect<Uint8Array | undefined, StorageFailed>
    /** All of them or none; durable when it returns. What is there already changes nothing. */
    readonly append: (channel: Uint8Array, ops: ReadonlyArray<StoredOp>) => Effect.Effect<void, StorageFailed>
    /** By ascending author. */
    readonly extents: (channel: Uint8Array) => Effect.Effect<ReadonlyArray<StoredExtent>, StorageFailed>
    /** Those that no other names as a parent, by ascending id. */
    readonly heads: (channel: Uint8Array) => Effect.Effect<ReadonlyArray<StoredHead>, StorageFailed>
    /** Those of these that are there, in any order; at most 1,024 are asked for. */
    readonly find: (
      channel: Uint8Array,
      ids: ReadonlyArray<Uint8Array>
    ) => Effect.Effect<ReadonlyArray<StoredHead>, StorageFailed>
    /** One author's by ascending seq, both ends included; at most `limit`. */
    readonly range: (
      channel: Uint8Array,
      author: Uint8Array,
      range: { readonly from: number; readonly to: number },
      limit: number
    ) => Effect.Effect<ReadonlyArray<Omit<StoredOp, "parents">>, StorageFailed>
    /**
     * Keeps a snapshot in the place of the last and of all operations that it holds, in one step. `heads` are those of
     * the whole log from now on.
     */
    readonly compact: (
      channel: Uint8Array,
      snapshot: StoredSnapshot,
      frontier: Frontier,
      heads: ReadonlyArray<StoredHead>
    ) => Effect.Effect<void, StorageFailed>
    readonly snapshot: (channel: Uint8Array) => Effect.Effect<StoredSnapshot | undefined, StorageFailed>
    /** The first for a place counts; of a channel at most `limit` are kept. */
    readonly prove: (channel: Uint8Array, proof: StoredProof, limit: number) => Effect.Effect<void, StorageFailed>
    readonly proofs: (channel: Uint8Array) => Effect.Effect<ReadonlyArray<StoredProof>, StorageFailed>
    /** All that is held of a channel. */
    readonly forget: (channel: Uint8Array) => Effect.Effect<void, StorageFailed>
  }
>()("allium/services/storage/OpStore") {}
