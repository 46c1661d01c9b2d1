/**
 * Content under readable addresses, for whoever holds the right role and nobody else (DESIGN.md §10): encrypted with age
 * to the creator's role and every role with authority over it, kept as a blob, found by its address alone. Storage nodes
 * see ciphertext.
 *
 * Every call, refused ones included, leaves a line in the AuditLog.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { NodeId } from "#schemas/identity/NodeId"
import { UcxlAddress } from "#schemas/ucxl/Address"
import type { Metadata } from "#schemas/ucxl/Metadata"
import type { BlobIncomplete, BlobUnreadable } from "../content/Blobs.ts"
import type { NotFound, ProviderInfo, PutError, PutStatus } from "../dht/Dht.ts"
import type { StorageFailed } from "../storage/RecordStore.ts"
import type { Criteria, IndexItem } from "./ContentIndex.ts"
import type { DirectoryError } from "./RoleDirectory.ts"
import type { KeyFileUnusable, KeysLocked } from "./RoleKeys.ts"

/** The text is no address; `part` names which of its five parts is wrong, or is empty for the whole. */
export class InvalidAddress extends Schema.TaggedError<InvalidAddress>()("InvalidUcxlAddress", {
  address: Schema.String,
  part: Schema.String,
  reason: Schema.String
}) {}

/** The authority's list has no such role. */
export class UnknownRole extends Schema.TaggedError<UnknownRole>()("UnknownRole", {
  role: Schema.String,
  known: Schema.Array(Schema.String)
}) {}

/**
 * Policy says no. `ReadOnly`: the role may not store. `NotMember`: this node is no member of it. `NoRecipients`: nobody
 * could read it. `NotAuthor`: somebody else's entry. `GrantExpired`: the authority has not renewed this node's grant.
 */
export class Denied extends Schema.TaggedError<Denied>()("Denied", {
  address: UcxlAddress,
  role: Schema.String,
  reason: Schema.Literals(["ReadOnly", "NotMember", "NoRecipients", "NotAuthor", "GrantExpired"])
}) {}

/** This node holds no key of any role that it was encrypted for. */
export class NotForUs extends Schema.TaggedError<NotForUs>()("NotForUs", {
  address: UcxlAddress,
  /** Roles of which this node has keys. */
  held: Schema.Array(Schema.String)
}) {}

/**
 * What was found under the address is not what an honest author stores there: nothing of it was given out.
 * `Ciphertext`: not the hash that the metadata names. `Truncated`, `Undecipherable`: age refuses it. `Metadata`: it cannot
 * be read, or contradicts the entry or the content. `Author`: the entry is not by a member of the role that it claims.
 * `Replayed`: older than what this node has seen of the same author.
 */
export class Tampered extends Schema.TaggedError<Tampered>()("Tampered", {
  address: UcxlAddress,
  what: Schema.Literals(["Ciphertext", "Truncated", "Undecipherable", "Metadata", "Author", "Replayed"]),
  detail: Schema.String
}) {}

/** Above `CONTENT_LIMIT`: store it in parts. */
export class ContentTooLarge extends Schema.TaggedError<ContentTooLarge>()("ContentTooLarge", {
  bytes: Schema.Int,
  limit: Schema.Int
}) {}

/** Of what was to be encrypted anew some could not; the rest is done. Run it again once the first of the reasons is gone. */
export class RotationIncomplete extends Schema.TaggedError<RotationIncomplete>()("RotationIncomplete", {
  role: Schema.String,
  done: Schema.Int,
  failed: Schema.Int,
  /** The first that failed, and why. */
  address: UcxlAddress,
  reason: Schema.String
}) {}

export type StoreError =
  | InvalidAddress
  | UnknownRole
  | Denied
  | ContentTooLarge
  | DirectoryError
  | PutError
  | StorageFailed
export type RetrieveError =
  | InvalidAddress
  | NotForUs
  | Tampered
  | ContentTooLarge
  | KeysLocked
  | KeyFileUnusable
  | DirectoryError
  | NotFound
  | BlobIncomplete
  | BlobUnreadable
  | StorageFailed

export interface Stored {
  readonly address: UcxlAddress
  /** `/ALLIUM/ucxl/<base64url SHA-256 of the address>`. */
  readonly path: string
  readonly cid: string
  readonly metadata: Metadata
  readonly seq: number
  /** `queued` where any part of it waits in this node's outbox (see `PutReceipt`). */
  readonly status: PutStatus
  /** The fewest copies that any part of it reached. */
  readonly replicas: number
  readonly factor: number
  /** Unix seconds. */
  readonly expires: number
}

export interface Retrieved {
  readonly address: UcxlAddress
  readonly metadata: Metadata
  /** The whole plaintext, verified; the caller's to keep. */
  readonly content: Uint8Array
  /** The author's did. */
  readonly author: string
  readonly seq: number
  readonly cached: boolean
}

/** A version of what stands under an address, newest first. */
export interface Version {
  readonly cid: string
  readonly metadataCid: string
  readonly metadata: Metadata
}

export interface RotationProgress {
  /** Looked at so far, those that failed included. */
  readonly done: number
  readonly total: number
  readonly failed: number
  readonly address: UcxlAddress
  /** Why it could not be encrypted anew; empty where it was, or needed not be. */
  readonly reason: string
}

export interface StoreStats {
  readonly stored: number
  readonly retrieved: number
  readonly denied: number
  readonly failed: number
  readonly cacheHits: number
  readonly cacheMisses: number
  readonly encryptions: number
  readonly decryptions: number
  readonly cachedItems: number
  readonly cachedBytes: number
  readonly cacheLimit: number
  /** Milliseconds, of those since the node started; 0 before the first. */
  readonly meanStore: number
  readonly meanRetrieve: number
  readonly indexed: number
}

export class EncryptedStore extends Context.Service<
  EncryptedStore,
  {
    /** Content above 1 MiB is encrypted as it comes. The version before is linked, not removed. */
    readonly store: <E = never>(
      address: string,
      content: Uint8Array | Stream.Stream<Uint8Array, E>,
      creatorRole: string,
      contentType: string
    ) => Effect.Effect<Stored, E | StoreError>
    /** All or nothing: not a byte is given out before the last was verified. */
    readonly retrieve: (address: string) => Effect.Effect<Retrieved, RetrieveError>
    /**
     * An older version, by the CID of its metadata, as `history` names it; `NotFound` where the history of the newest does
     * not lead to it. `author` and `seq` are the newest's, who vouches for it by his links.
     */
    readonly retrieveVersion: (address: string, metadataCid: string) => Effect.Effect<Retrieved, RetrieveError>
    /** Newest first, by the links; ends with the first, at one that cannot be had (a failure), or after `HISTORY_LIMIT`. */
    readonly history: (address: string) => Stream.Stream<Version, RetrieveError>
    /** A signed tombstone of this node's own entry; entries of others under the address show again. */
    readonly remove: (address: string) => Effect.Effect<void, StoreError | NotFound>
    /** Says that this node serves it, and to those who may read it that there is a new version. */
    readonly announce: (address: string) => Effect.Effect<void, RetrieveError | PutError>
    readonly discover: (
      address: string
    ) => Effect.Effect<ReadonlyArray<ProviderInfo & { readonly nodeId: NodeId }>, RetrieveError>
    /** Encrypts this node's newest version anew, for one role more. */
    readonly share: (address: string, role: string) => Effect.Effect<Stored, StoreError | RetrieveError>
    readonly listByRole: (role: string, limit: number) => Effect.Effect<ReadonlyArray<IndexItem>, StorageFailed>
    /** In pages behind the scenes, for as long as somebody reads. */
    readonly search: (criteria: Criteria) => Stream.Stream<IndexItem, StorageFailed>
    /**
     * Encrypts what this node stored in the name of a role to its recipients of now. What is done is done: called again
     * after a crash, it goes on with the rest. One that fails does not keep the others: `RotationIncomplete` at the end.
     * Old versions stay readable to the old recipients where copies are left.
     */
    readonly rotate: (role: string) => Stream.Stream<RotationProgress, StoreError | RetrieveError | RotationIncomplete>
    readonly stats: Effect.Effect<StoreStats, StorageFailed>
  }
>()("allium/services/ucxl/EncryptedStore") {}
