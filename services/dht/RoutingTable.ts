/** The node's view of the network: live contacts by XOR distance. A large mutable structure with synchronous methods. */
import { Context, type Effect, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"

export interface TableContact {
  readonly contact: Contact
  /** Unix seconds of the last handshake that this node dialled, minus infinity for never: only then is it passed on. */
  readonly verifiedAt: number
  /** Unix seconds: the last session or answer. */
  readonly lastSeen: number
  /** Requests in a row without an answer. */
  readonly failures: number
}

/** What this node has of a peer, and where: in its table, waiting for a place there, or retired and looked for. */
export interface Whereabouts extends Omit<TableContact, "lastSeen"> {
  readonly standing: "table" | "waiting" | "retired"
  /** Not known of the retired. */
  readonly lastSeen: number | undefined
}

/** A contact has entered the table, or left it. */
export interface TableChange {
  readonly contact: Contact
  readonly joined: boolean
}

export class RoutingTable extends Context.Service<
  RoutingTable,
  {
    /**
     * The contact just completed a handshake as the dialled side, or answered a request. Of several records of one peer
     * the newest that this node knows counts; a peer that says there that it is only a client leaves the table.
     */
    readonly seen: (contact: Contact, verified: boolean) => void
    /**
     * It was in the table of an earlier run, and verified then (unix seconds): it is asked, and passed on for the rest of
     * the hour. Never moves what this run knows.
     */
    readonly restore: (contact: Contact, verifiedAt: number) => void
    /** It did not answer; retired after 3 in a row. */
    readonly failed: (key: string) => void
    /** The `count` (20 by default) closest to a 32-byte target, closest first. */
    readonly closest: (target: Uint8Array, count?: number) => ReadonlyArray<Contact>
    /** As `closest`, but only contacts that this node itself verified live within the hour: what may be passed on. */
    readonly shareable: (target: Uint8Array, count?: number) => ReadonlyArray<Contact>
    readonly find: (key: string) => TableContact | undefined
    readonly list: () => ReadonlyArray<TableContact>
    readonly size: () => number
    /** Whether this node is among the k closest to the key, of those it knows. */
    readonly isClose: (target: Uint8Array) => boolean
    /** Calls at every change of the table, synchronously and after it; a renewed record is none. */
    readonly onChange: (handle: (change: TableChange) => void) => Effect.Effect<void, never, Scope.Scope>
    /** By `contact.key`; undefined where this node has it nowhere. */
    readonly whereabouts: (key: string) => Whereabouts | undefined
    /** Whether this node would name it to others. */
    readonly isShareable: (key: string) => boolean
    /** Leading bits shared with this node's id: 0 to 255, 256 for itself. */
    readonly bucketOf: (nodeId: Uint8Array) => number
    /** A lookup of this target has come to its end, so its bucket is not idle. */
    readonly lookedUp: (target: Uint8Array) => void
    /** The buckets in use, and the next deeper one, of whose ids none was looked up for so many seconds. */
    readonly idle: (seconds: number) => ReadonlyArray<number>
    /** Drops newcomers that wait for a place and were not heard of for so many seconds; says how many. */
    readonly tidy: (seconds: number) => number
  }
>()("allium/services/dht/RoutingTable") {}
