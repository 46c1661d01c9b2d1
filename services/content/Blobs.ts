/** Content of any size under one CID: chunks of 32 KiB and, above one chunk, a Merkle DAG (WIRE.md §6). */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { Cid } from "#schemas/content/Cid"
import type { NodeId } from "#schemas/identity/NodeId"
import type { OperationOptions, PutError, PutOptions, PutStatus } from "../dht/Dht.ts"

/** A block of the content cannot be had from anyone. `blockCid` names it, `at` is its offset in bytes. */
export class BlobIncomplete extends Schema.TaggedError<BlobIncomplete>()("BlobIncomplete", {
  cid: Schema.String,
  blockCid: Schema.String,
  at: Schema.Int,
  asked: Schema.Int
}) {}

/** The CID does not name content that this node can read. */
export class BlobUnreadable extends Schema.TaggedError<BlobUnreadable>()("BlobUnreadable", {
  cid: Schema.String,
  reason: Schema.String
}) {}

export interface Progress {
  readonly bytes: number
  /** Undefined until it is known. */
  readonly total: number | undefined
  readonly blocks: number
}

export interface BlobReceipt {
  readonly cid: Cid
  readonly bytes: number
  readonly blocks: number
  /** `queued` where any part of it waits in this node's outbox (see `PutReceipt`). */
  readonly status: PutStatus
  /** The fewest copies that any block reached. */
  readonly replicas: number
  readonly factor: number
  /** Who took the root block, as its receipt says: nobody where it was put anonymously. */
  readonly holders: ReadonlyArray<NodeId>
  /** Unix seconds until which all of it is held unless it is refreshed. */
  readonly expires: number
}

export class Blobs extends Context.Service<
  Blobs,
  {
    /**
     * Stores a stream of bytes with bounded memory; the CID depends on the bytes alone. Announces this node as a provider,
     * and keeps it alive, unless it is put anonymously: then it lives for 48 h and nothing of it stays here.
     */
    readonly put: <E>(
      content: Stream.Stream<Uint8Array, E>,
      options?: PutOptions & { readonly onProgress?: (progress: Progress) => void }
    ) => Effect.Effect<BlobReceipt, E | PutError>
    /** The bytes in order, fetched in parallel ahead of the reader with bounded memory, each block verified. */
    readonly get: (
      cid: Cid,
      options?: OperationOptions & { readonly onProgress?: (progress: Progress) => void }
    ) => Stream.Stream<Uint8Array, BlobIncomplete | BlobUnreadable>
  }
>()("allium/services/content/Blobs") {}
