/**
 * The record of whoever is to be written to anonymously: its onion key is needed, and looking it up in the open would
 * tell who is written to. What is known here is used; else the lookup that `OverlayDiscovery` registers, by an onion route.
 */
import { Context, type Effect, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { NodeId } from "#schemas/identity/NodeId"
import type { NoRoute } from "./RouteTable.ts"

export class Recipients extends Context.Service<
  Recipients,
  {
    /**
     * A record that was current lately (`RecordFreshFor` of relays, `RecipientKnownFor` of others), else what the registered
     * lookup brings. Whoever is looked up while another one is, for its sake, has to be known: no lookup waits for another.
     */
    readonly find: (nodeId: NodeId) => Effect.Effect<Contact, NoRoute>
    /**
     * Nothing came back from it by any route: it may have begun anew, with another onion key. The next `find` looks it up,
     * unless it has shown itself since.
     */
    readonly doubt: (contact: Contact) => void
    /** Registers the lookup until the scope closes; it stands above the router and may use it. */
    readonly findBy: (
      lookup: (nodeId: NodeId) => Effect.Effect<Contact | undefined>
    ) => Effect.Effect<void, never, Scope.Scope>
  }
>()("allium/services/router/Recipients") {}
