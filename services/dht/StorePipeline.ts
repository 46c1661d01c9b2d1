/**
 * The only way into this node's record store (DESIGN.md §6), whoever asks: a peer, or this node for itself. Fails
 * closed, cheapest check first, and says to the storing side which check it was.
 */
import { Context, type Effect, Schema } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { StorageFailed } from "../storage/RecordStore.ts"
import { Refusal } from "./RecordValidators.ts"

/**
 * The record is not held. `closer`: with `NotClosest`, signed PeerRecords of nodes nearer to the key. `bits`: with
 * `WorkRequired`, the leading zero bits that would make up for the rate that is used up.
 */
export class RecordRefused extends Schema.TaggedError<RecordRefused>()("RecordRefused", {
  refusal: Refusal,
  closer: Schema.Array(Schema.Uint8Array),
  bits: Schema.Int
}) {}

/**
 * Whoever stores by way of an onion: all of them are one, and what they may have here is counted under an id that is
 * nobody's.
 */
export const ANONYMOUS = "anonymous"
export const ANONYMOUS_ID = new Uint8Array(32)

/** Who is charged: a peer, all who are anonymous, or with undefined this node itself. */
export type Storer = Contact | typeof ANONYMOUS | undefined

export interface Held {
  readonly key: Uint8Array
  readonly seq: number
  /** Unix seconds until which it is kept. */
  readonly expires: number
}

/** Two records that one author signed under one number, the one that counts first: proof that he tells two stories. */
export interface Equivocation {
  readonly kind: number
  readonly key: Uint8Array
  readonly member: Uint8Array
  readonly seq: number
  readonly records: readonly [kept: Uint8Array, other: Uint8Array]
}

export class StorePipeline extends Context.Service<
  StorePipeline,
  {
    /**
     * Durable when it returns. `ttl` in seconds, cut to what the kind and the record allow; undefined: all of it.
     * `from` is charged for it; undefined is this node itself, which is not asked whether it is close or within rates.
     * Those that are anonymous have shown their work and are within their rate: whoever takes their requests sees to it.
     * `work` is a nonce of WIRE.md §6: with it a peer may store one more when its rate is used up.
     */
    readonly store: (
      kind: number,
      record: Uint8Array,
      ttl: number | undefined,
      from: Storer,
      work?: Uint8Array
    ) => Effect.Effect<Held, RecordRefused | StorageFailed>
    /** What was found since the start, the latest last; at most `PROOFS`. */
    readonly proofs: () => ReadonlyArray<Equivocation>
  }
>()("allium/services/dht/StorePipeline") {}
