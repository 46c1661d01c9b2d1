/**
 * The distributed hash table: content under its hash, mutable records under an author and a salt, and who provides
 * what. Kept by `KademliaDht` (the network), `MockDht` (an app's tests) and `HybridDht` (both, while the network is out of
 * reach), under the laws of `test/laws/dht.ts`.
 */
import { Context, type Effect, Schema } from "effect"
import type { Cid } from "#schemas/content/Cid"
import type { Mutable } from "#schemas/dht/Mutable"
import type { NodeId } from "#schemas/identity/NodeId"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { StorageFailed, StoreFull } from "../storage/RecordStore.ts"
import type { CheckedRecord } from "./RecordValidators.ts"

/**
 * How an operation travels. An `anonymous` one is carried out by another node, to which it comes by an onion route (see
 * `Delegates`); it is never carried out in the open instead.
 */
export const Privacy = Schema.Literals(["direct", "anonymous"])
export type Privacy = typeof Privacy.Type

/** Nobody among the closest nodes holds it, after `asked` of them answered. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  key: Schema.Uint8Array,
  asked: Schema.Int
}) {}

/** Not one node, this one included, would hold the record; `refusals` says why, most frequent reason first. */
export class PutRefused extends Schema.TaggedError<PutRefused>()("PutRefused", {
  key: Schema.Uint8Array,
  refusals: Schema.Array(Schema.Struct({ reason: Schema.String, nodes: Schema.Int }))
}) {}

/** The value is larger or older than the network takes. Nothing was sent. */
export class InvalidRecord extends Schema.TaggedError<InvalidRecord>()("InvalidRecord", { reason: Schema.String }) {}

/**
 * It cannot be done anonymously: not at all, or not now, since too few relays are known or no delegate answered. `reason`
 * says which, and what can be done about it. Nothing was done in the open.
 */
export class PrivacyUnavailable extends Schema.TaggedError<PrivacyUnavailable>()("PrivacyUnavailable", {
  reason: Schema.String
}) {}

/** How a lookup went: the path can be shown by `explain`. */
export interface LookupReport {
  readonly requests: number
  readonly failures: number
  /** Length of the chain of answers that led to the closest node. */
  readonly hops: number
  /** That chain, from the first that was asked to the closest that answered. */
  readonly path: ReadonlyArray<NodeId>
  readonly milliseconds: number
}

export const PutStatus = Schema.Literals(["stored", "queued"])
export type PutStatus = typeof PutStatus.Type

export interface PutReceipt {
  readonly key: Uint8Array
  /**
   * `queued`: the network was out of reach, so it waits in this node's outbox and is stored as soon as that is over
   * (`HybridDht`). Until then others may not find it, and it is gone if this node's disk is.
   */
  readonly status: PutStatus
  /**
   * How many nodes hold it durably, this one included where it does; at least one. Of an anonymous put by hearsay. Of what
   * is queued 1: this node, which has it written down.
   */
  readonly reached: number
  readonly factor: number
  /** None of an anonymous put: only the delegate knows them. */
  readonly holders: ReadonlyArray<NodeId>
  /** Unix seconds until which the holders keep it unless it is refreshed. */
  readonly expires: number
  readonly lookup: LookupReport
}

/** Of something that was said under a name or salt. */
export interface VersionReceipt extends PutReceipt {
  readonly seq: number
  /** Under whose key: this node's own, or that of a pseudonym. */
  readonly author: PublicKey
}

export interface OperationOptions {
  readonly privacy?: Privacy
  /** Disjoint paths of a lookup, 1 to 8 and 1 by default: with 3, a fifth of all nodes may lie (S/Kademlia). */
  readonly paths?: number
}

export interface PutOptions extends OperationOptions {
  /** Replicas wanted, 1 to 20; the node's `replicationFactor` by default. The delegate's own of an anonymous put. */
  readonly factor?: number
  /** Seconds; at most 7 d for blocks, 30 d for mutable records and names, and those by default. Anonymously 48 h. */
  readonly lifetime?: number
  /**
   * Whether this node refreshes it before it dies, until it is removed (`Replicator.removeContent`). By default it does
   * where no `lifetime` is given. What is put anonymously leaves nothing behind here, and is never kept.
   */
  readonly keep?: boolean
}

/** In whose name: the open namespace, where everybody has an entry of his own, unless given. */
export interface NameOptions {
  readonly authority?: PublicKey
  /** From the authority to this node, each as its CBOR; none in the open namespace. */
  readonly grants?: ReadonlyArray<Uint8Array>
}

/** An entry under a name. */
export interface NameEntry {
  readonly value: Uint8Array
  readonly author: PublicKey
  readonly seq: number
  /** Unix seconds. */
  readonly issued: number
  readonly expires: number
  /** The authority's own is 5; below it the role of its last grant; 0 in the open namespace. */
  readonly role: number
  /** The record as its author signed it, by which it can be shown to others. */
  readonly record?: Uint8Array
}

export interface ProviderInfo {
  readonly nodeId: NodeId
  readonly publicKey: PublicKey
  /** Unix seconds. */
  readonly issued: number
  readonly expires: number
}

export type PutError = PutRefused | InvalidRecord | StorageFailed | StoreFull | PrivacyUnavailable
export type GetError = NotFound | StorageFailed | PrivacyUnavailable

export class Dht extends Context.Service<
  Dht,
  {
    /** Stores at most 32 KiB under its hash. Returns once one copy is durable, and says how many there are. */
    readonly putBlock: (bytes: Uint8Array, options?: PutOptions) => Effect.Effect<PutReceipt, PutError>
    /** The bytes whose SHA-256 is `digest`: from this node's store, else the first valid answer. */
    readonly getBlock: (
      digest: Uint8Array,
      options?: OperationOptions & {
        /** Asked before any lookup: providers, or whoever held the block before. */
        readonly hints?: ReadonlyArray<NodeId>
      }
    ) => Effect.Effect<Uint8Array, GetError>
    /**
     * Signs and stores the next version under this node's key and `salt` (≤ 64 bytes). Anonymously under a pseudonym,
     * another for each salt, which nobody can join to this node; only the receipt tells it.
     */
    readonly putMutable: (
      salt: Uint8Array,
      value: Uint8Array,
      options?: PutOptions
    ) => Effect.Effect<VersionReceipt, PutError>
    /** The record of highest `seq` that a quorum of 3 (or all who answered) showed; a deleted one is `NotFound`. */
    readonly getMutable: (
      author: PublicKey,
      salt: Uint8Array,
      options?: OperationOptions
    ) => Effect.Effect<Mutable, GetError>
    /**
     * Tells the network that this node serves the content; repeated by the node while it runs (`Reprovide`). It cannot be
     * said anonymously.
     */
    readonly provide: (cid: Cid, options?: PutOptions) => Effect.Effect<PutReceipt, PutError>
    /** Who said so and has not expired, most recent first; empty when nobody did. */
    readonly findProviders: (
      cid: Cid,
      options?: OperationOptions
    ) => Effect.Effect<ReadonlyArray<ProviderInfo>, StorageFailed | PrivacyUnavailable>
    /**
     * Signs and stores this node's next entry under a plain name (kind 10); at most 1 KiB, an empty value deletes.
     * Anonymously under a pseudonym, another for each name, and in the open namespace only.
     */
    readonly putName: (
      name: string,
      value: Uint8Array,
      options?: PutOptions & NameOptions
    ) => Effect.Effect<VersionReceipt, PutError>
    /**
     * Every entry under a name, best first: with an authority by role, then the later; in the open namespace this
     * node's own, then the latest. Deleted ones are left out; `NotFound` where none is left.
     */
    readonly getName: (
      name: string,
      options?: OperationOptions & Pick<NameOptions, "authority">
    ) => Effect.Effect<ReadonlyArray<NameEntry>, GetError>
    /** Stores a finished record of any kind whose validators take it: what stands above the DHT makes its own. */
    readonly putRecord: (kind: number, record: Uint8Array, options?: PutOptions) => Effect.Effect<PutReceipt, PutError>
    /**
     * Stores again what this node holds under a key, on the nodes that are closest now: content and what else carries no
     * times for a fresh life, records of this node's own signed anew with the next `seq`, those of others for what is
     * left of theirs. It pins nothing unless `keep` says so. `NotFound` where nothing is held. Never anonymous, since what
     * is held here was put or taken in the open.
     */
    readonly refresh: (
      kind: number,
      key: Uint8Array,
      options?: PutOptions
    ) => Effect.Effect<PutReceipt, PutError | NotFound>
    /**
     * Every valid record under a key, of each member the newest, from all who answered, further pages included; at most
     * as many as the kind allows. Empty where nobody holds any.
     */
    readonly getRecords: (
      kind: number,
      key: Uint8Array,
      options?: OperationOptions
    ) => Effect.Effect<ReadonlyArray<CheckedRecord>, StorageFailed | PrivacyUnavailable>
  }
>()("allium/services/dht/Dht") {}
