/** The node's view of the network: live contacts by XOR distance. A large mutable structure with synchronous methods. */
import { Context } from "effect"
import type { Contact } from "#core/identity/Contact"

export interface TableContact {
  readonly contact: Contact
  /** Unix seconds of the last handshake that this node dialled, minus infinity for never: only then is it passed on. */
  readonly verifiedAt: number
  readonly failures: number
}

export class RoutingTable extends Context.Service<
  RoutingTable,
  {
    /** The contact just completed a handshake as the dialled side, or answered a request. */
    readonly seen: (contact: Contact, verified: boolean) => void
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
  }
>()("allium/services/dht/RoutingTable") {}
