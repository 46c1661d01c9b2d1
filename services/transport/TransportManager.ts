/** All transports as one: chooses by address, races several addresses of one peer. */
import { Context, type Effect, type Scope } from "effect"
import type { Address } from "#schemas/transport/Address"
import type { Connection, Dialled, GiveUp, Listener, ListenFailed } from "./Transport.ts"

export interface DialOptions {
  /**
   * False where a stranger named the addresses: private, loopback and link-local ones are then refused, unless the
   * network is local. True for the user's own word (bootstrap list, command line).
   */
  readonly trusted: boolean
}

export class TransportManager extends Context.Service<
  TransportManager,
  {
    /**
     * Races at most 3 of the addresses, each started `RaceStagger` after the one before or as soon as that failed;
     * the first connection wins and the others are closed. Fails with the last failure. `DialDeadline` bounds it all.
     */
    readonly dial: (addresses: ReadonlyArray<Address>, options: DialOptions, done: Dialled) => GiveUp
    /** Listens at each address; fails if one of them cannot be had. */
    readonly listen: (
      addresses: ReadonlyArray<Address>,
      accept: (connection: Connection) => void
    ) => Effect.Effect<ReadonlyArray<Listener>, ListenFailed, Scope.Scope>
  }
>()("allium/services/transport/TransportManager") {}
