/** Iterative lookups (DESIGN.md §6): one global α = 3 widening to 10 when stalled, until the k closest are settled. */
import { Context, type Effect } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { LookupReport } from "./Dht.ts"

export interface NodesFound {
  /** Closest first, at most k = 20. */
  readonly closest: ReadonlyArray<Contact>
  readonly report: LookupReport
}

/** One request of a lookup, told when its answer came or was given up. */
export interface LookupStep {
  readonly contact: Contact
  /** Answers on the way to it, from 1. */
  readonly hop: number
  /** Which of the disjoint paths asked it, from 0. */
  readonly path: number
  readonly outcome: "answered" | "refused" | "silent"
  readonly milliseconds: number
  /** Contacts in its answer that were new to the lookup. */
  readonly fresh: number
}

export interface LookupOptions {
  /** Disjoint paths, 1 to 8: no node is asked by two of them (S/Kademlia, section 4.4). 1 by default. */
  readonly paths?: number
  readonly onStep?: (step: LookupStep) => void
}

export interface ValueQuery extends LookupOptions {
  readonly kind: number
  readonly key: Uint8Array
  readonly minSeq?: number
  /** Called for each answer that held records, valid or not; true ends the lookup. */
  readonly accept: (records: ReadonlyArray<Uint8Array>, from: Contact) => boolean
  /** Asked first, in parallel with the table's closest. */
  readonly hints?: ReadonlyArray<Contact>
}

export class QueryExecutor extends Context.Service<
  QueryExecutor,
  {
    /** The k closest live nodes to a target. Always ends; an empty network gives an empty list. */
    readonly lookupNode: (target: Uint8Array, options?: LookupOptions) => Effect.Effect<NodesFound>
    /**
     * The k closest nodes as the closest few of them know it: ends when α of them have answered, so `closest` holds
     * nodes that were only heard of. For whoever asks each of them anyway, at half the requests.
     */
    readonly locate: (target: Uint8Array) => Effect.Effect<NodesFound>
    /**
     * The way to a target, one request at a time, until the closest that is heard of has answered: two or three requests
     * where a lookup takes twenty. For who wants to know somebody over there, and not who is closest.
     */
    readonly approach: (target: Uint8Array) => Effect.Effect<NodesFound>
    /** FindValue along the way; ends when `accept` says so or the k closest are settled. */
    readonly lookupValue: (query: ValueQuery) => Effect.Effect<NodesFound>
    /** GetProviders along the way, every answer to `accept`. */
    readonly lookupProviders: (
      key: Uint8Array,
      accept: (records: ReadonlyArray<Uint8Array>, from: Contact) => boolean,
      options?: LookupOptions
    ) => Effect.Effect<NodesFound>
  }
>()("allium/services/dht/QueryExecutor") {}
