/**
 * Shared documents: opened by their channel, edited at once by everybody who may, durable here and equal everywhere in the
 * end (DESIGN.md §11).
 *
 *     const { channel } = yield* documents.create()
 *     const notes = yield* documents.open(channel)
 *     yield* notes.edit((document) => document.text("notes").insert(0, "Hello"))
 */
import { Context, type Effect, Schema, type Scope, type Stream } from "effect"
import type { Document } from "#core/crdt/Document"
import type { Observed, Observer } from "#core/crdt/Observers"
import type { Contact } from "#core/identity/Contact"
import type { SigningKey } from "#core/identity/Suite"
import type { PlainPolicy } from "#core/oplog/channel"
import type { Genesis } from "#schemas/dht/Genesis"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { PutError, PutReceipt } from "../dht/Dht.ts"
import type { TooManyTopics } from "../gossip/Gossip.ts"
import type { StorageFailed } from "../storage/RecordStore.ts"
import type { OpenLogError } from "./OpLog.ts"

export type { Anchor } from "#core/crdt/anchors"
export type { Change as SequenceChange } from "#core/crdt/Container"
export type {
  Input as DocumentInput,
  SharedList,
  SharedMap,
  SharedRegister,
  SharedText,
  Value as DocumentValue
} from "#core/crdt/Handles"
export type { Observed } from "#core/crdt/Observers"
export type { KeyChange } from "#core/crdt/OrMap"
export type { Undo } from "#core/crdt/Undo"
export type { Document }

/**
 * Of this document is only the channel known, and no peer has yet told how it began: it can be read and not written. Ask
 * again when a peer has been met.
 */
export class GenesisUnknown extends Schema.TaggedError<GenesisUnknown>()("GenesisUnknown", {
  channel: Schema.String
}) {}

/** One transaction, one's own or somebody else's, that has been carried out and is durable. */
export interface DocumentChange {
  readonly author: PublicKey
  readonly seq: number
  readonly isLocal: boolean
}

export interface OpenDocument {
  readonly channel: Uint8Array
  /** Undefined until it is known; whoever has it need not wait for a peer to write. */
  readonly genesis: () => Genesis | undefined
  /** What is read from and observed; edited with `edit` alone. Another object after a snapshot was taken over. */
  readonly document: () => Document
  /**
   * Carries out `change` as one transaction, and returns when it is durable; peers hear of it then. Should `change` throw,
   * what it did until then stays done, as in the document itself. After `StorageFailed` the edit stands in the document
   * and is saved with the next.
   */
  readonly edit: <A>(change: (document: Document) => A) => Effect.Effect<A, GenesisUnknown | StorageFailed>
  /** Every transaction from now on. A reader who is `CHANGES` behind misses the oldest. */
  readonly changes: Stream.Stream<DocumentChange>
  /** What is observed of one part of the document, from now on; the newest are missed by whoever is far behind. */
  readonly observe: <Change>(
    part: (document: Document) => { readonly observe: (observer: Observer<Change>) => () => void }
  ) => Stream.Stream<Observed<Change>>
  /** As long as the document is open. */
  readonly toJSON: () => Record<string, Record<string, unknown>>
  /** Ids of operations that nobody has built upon. Documents of equal heads are equal. */
  readonly heads: () => ReadonlyArray<Uint8Array>
  /** Keeps the state in the place of all operations until now. Who was away for longer takes the state over. */
  readonly compact: Effect.Effect<void, StorageFailed>
  /**
   * Compacts, and puts that state on the network, where whoever knows the channel finds it although nobody has the document
   * open. It is kept alive from here until `Replicator.removeContent`.
   */
  readonly publish: Effect.Effect<PutReceipt, PutError>
  /** Neighbours that have it open. */
  readonly peers: () => ReadonlyArray<Contact>
}

export interface OpenOptions {
  /** Signs; the node's own key by default. One key may write on one node alone. */
  readonly signing?: SigningKey | undefined
  /** In a granted channel: from its creator down to this author. */
  readonly grants?: ReadonlyArray<Uint8Array> | undefined
  /** Whether the network is told that it is open here, and asked for others; true by default. */
  readonly discover?: boolean | undefined
  /**
   * Seconds, at most 7 d, for which each own transaction is stored on the network as well, so that whoever has a later one
   * finds those it builds upon although nobody is there to ask. Each costs a lookup and its replicas, one after the other,
   * and those beyond the 512 that wait are left out; so none is by default.
   */
  readonly storeFor?: number | undefined
}

export interface CreatedDocument {
  readonly channel: Uint8Array
  readonly genesis: Genesis
}

export class Documents extends Context.Service<
  Documents,
  {
    /** A new channel of this node's, `open` by default: whoever knows it may write. */
    readonly create: (policy?: PlainPolicy) => Effect.Effect<CreatedDocument, StorageFailed>
    /** Until the scope closes. A document that is open already is shared, under the options of who opened it first. */
    readonly open: (
      document: Uint8Array | Genesis,
      options?: OpenOptions
    ) => Effect.Effect<OpenDocument, OpenLogError | TooManyTopics, Scope.Scope>
    /** All that this node holds of a document that is not open. */
    readonly forget: (channel: Uint8Array) => Effect.Effect<void, StorageFailed>
  }
>()("allium/services/crdt/Documents") {}
