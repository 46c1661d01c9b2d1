/**
 * Whether a peer is really found at the addresses of its own record: a handshake that this node dials, a session open
 * or not. An inbound session proves the key, not the address (DESIGN.md §2).
 */
import { Context, type Effect } from "effect"
import type { ConnectFailed, DialTarget } from "./SessionManager.ts"

export class AddressProbe extends Context.Service<
  AddressProbe,
  {
    /** Succeeds once the peer has authenticated itself at one of the addresses. Opens no session. */
    readonly verify: (target: DialTarget) => Effect.Effect<void, ConnectFailed>
  }
>()("allium/services/session/AddressProbe") {}
