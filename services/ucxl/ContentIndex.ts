/**
 * What encrypted content this node knows of and may read: one row an address, of the newest version seen, in the node's
 * database; and the words of what it has decrypted, which stand in memory only.
 *
 * Every layer keeps `test/laws/contentIndex.ts`.
 */
import { Context, type Effect, Schema } from "effect"
import { UcxlAddress } from "#schemas/ucxl/Address"
import type { StorageFailed } from "../storage/RecordStore.ts"

/** What a search asks for; each that is given must hold. Parts and types are compared whole. */
export const Criteria = Schema.Struct({
  agent: Schema.optional(Schema.String),
  role: Schema.optional(Schema.String),
  project: Schema.optional(Schema.String),
  task: Schema.optional(Schema.String),
  type: Schema.optional(Schema.String),
  creatorRole: Schema.optional(Schema.String),
  contentType: Schema.optional(Schema.String),
  /** Unix milliseconds; after, and before: neither end included. */
  createdAfter: Schema.optional(Schema.Int),
  createdBefore: Schema.optional(Schema.Int),
  /** Words that all occur in the content, beginnings of words with `*` behind; no other syntax. */
  text: Schema.optional(Schema.String.check(Schema.isMaxLength(256)))
})
export type Criteria = typeof Criteria.Type

/** The newest version of an address that was seen. CIDs and keys as text: it is what commands show. */
export const IndexItem = Schema.Struct({
  address: UcxlAddress,
  creatorRole: Schema.String,
  encryptedFor: Schema.Array(Schema.String),
  contentType: Schema.String,
  /** Unix milliseconds, as its author says. */
  timestamp: Schema.Int,
  /** Bytes of the plaintext. */
  size: Schema.Int,
  /** SHA-256 of the age file, in hex. */
  sha256: Schema.String,
  cid: Schema.String,
  metadataCid: Schema.String,
  /** The author's did, and the seq of his entry. */
  author: Schema.String,
  seq: Schema.Int,
  /** Whether this node is the author. */
  own: Schema.Boolean,
  /** NodeIds in hex of those who took the first block of the age file, and how many were wanted. */
  holders: Schema.Array(Schema.String),
  replicationFactor: Schema.Int,
  /** SHA-256 in hex over the recipients that it was encrypted to; empty where this node did not encrypt it. */
  recipients: Schema.String,
  deleted: Schema.Boolean
})
export type IndexItem = typeof IndexItem.Type

/** Where a page ended: pass it on for the next. */
export const Cursor = Schema.Struct({ timestamp: Schema.Int, address: Schema.String })
export type Cursor = typeof Cursor.Type

export class ContentIndex extends Context.Service<
  ContentIndex,
  {
    /** `text`: what of it can be searched, if it is text. An item of lower seq by the same author changes nothing. */
    readonly put: (item: IndexItem, text?: string) => Effect.Effect<void, StorageFailed>
    readonly find: (address: UcxlAddress) => Effect.Effect<IndexItem | undefined, StorageFailed>
    /**
     * Newest first, then by address; at most `limit`, beginning behind `after`. Deleted ones are left out. What is
     * written meanwhile shifts no page: no item is shown twice and none that was there is missed, unless it changed.
     */
    readonly search: (
      criteria: Criteria,
      after: Cursor | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<IndexItem>, StorageFailed>
    /** This node's own, live ones of a role that were encrypted to other recipients than these, by address, from above. */
    readonly stale: (
      role: string,
      recipients: string,
      after: string,
      limit: number
    ) => Effect.Effect<ReadonlyArray<IndexItem>, StorageFailed>
    /** How many live items there are, and of how many the words are known. */
    readonly count: Effect.Effect<{ readonly items: number; readonly texts: number }, StorageFailed>
  }
>()("allium/services/ucxl/ContentIndex") {}
