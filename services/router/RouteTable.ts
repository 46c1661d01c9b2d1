/**
 * Which nodes relay for others, how they have done so far, and the paths made of them (DESIGN §8). State only: it asks
 * nobody. `OverlayDiscovery`, which stands above the DHT, fills it, and whoever sends tells it what became of a path.
 */

import type { Effect, Result } from "effect"
import { Context, Schema } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { Path } from "#core/router/RouteBook"

/** No path of the wanted kind: too few relays are known, or the recipient is not. `reason` says which and what to do. */
export class NoRoute extends Schema.TaggedError<NoRoute>()("NoRoute", {
  peer: Schema.String,
  reason: Schema.String
}) {}

/** Relays in the order in which a cell meets them; the guard is the first. The recipient is not among them. */
export type Route = Path<Contact>

/** What speaks for a relay's record. */
export interface Heard {
  /** This node met it at an address of that record, as dialler: an unmet node could name the address of a victim. */
  readonly reached: boolean
  /** Unix milliseconds at which the relay itself showed that record; now unless given. */
  readonly at?: number
}

export interface RelayState {
  readonly contact: Contact
  readonly isGuard: boolean
  /** Unix milliseconds: first heard of, and when it last showed its record itself. */
  readonly since: number
  readonly confirmedAt: number
  /** Smoothed milliseconds of what went over it and was acknowledged, its share of the path; undefined before. */
  readonly latency: number | undefined
  readonly successes: number
  readonly failures: number
  /** Unix milliseconds until which it comes last, after a failure. */
  readonly suspectUntil: number
}

export class RouteTable extends Context.Service<
  RouteTable,
  {
    /**
     * A node that spoke for itself, with its verified record. Kept once it was reached, if it offers to relay; a newer
     * record replaces the older one, one that offers no more is dropped. Full, the relay of least use makes room, never
     * a guard. Onion keys live for a day, so a record not confirmed for `RecordFreshFor` makes no path.
     */
    readonly admit: (contact: Contact, heard: Heard) => void
    /** It was not found where its record says: it makes no path until it is met again. Of guards the next one is taken. */
    readonly missed: (key: string) => void
    /** Its session broke off. It may be gone, or begin anew with other keys: it has to be met again. */
    readonly lost: (key: string) => void
    /**
     * Relays of different /16 networks (any, on a local network), weighted by uptime, latency and failures, recently
     * failed ones last; the first is a guard. Never this node, nor one of `avoid` (keys of contacts). This and the two
     * below say at the same time that routes are needed, so that relays are looked for in the next hour.
     */
    readonly pickDiverseRelays: (count: number, avoid: ReadonlyArray<string>) => Result.Result<Route, NoRoute>
    /** The path to a recipient: the one in use while it is good, else a fresh one of three relays. */
    readonly routeTo: (to: Contact) => Result.Result<Route, NoRoute>
    /**
     * A path on which answers come back: three relays, a guard the last. `avoid` is whoever answers; relays of the way
     * there may be on the way back. A fresh one each time.
     */
    readonly routeBack: (avoid: ReadonlyArray<string>) => Result.Result<Route, NoRoute>
    /**
     * For whoever met NoRoute, or has not sent for long: ends at once where three relays but `avoid` can be chosen; else it
     * has more looked for and waits, for `PrepareWithin` at most.
     */
    readonly prepared: (avoid: ReadonlyArray<string>) => Effect.Effect<void, NoRoute>
    /** All of it carried something there and back in so many milliseconds. */
    readonly succeeded: (route: Route, milliseconds: number) => void
    /** Nothing came of it. Nobody knows which relay it was: all are suspected a little, a known one for a while. */
    readonly failed: (route: Route, culprit?: string) => void
    /** This node could not reach its guard; another one takes its place while that lasts. */
    readonly guardFailed: (key: string) => void
    readonly relays: () => ReadonlyArray<RelayState>
    readonly find: (key: string) => RelayState | undefined
    /** How many more relays it wants to know to have a choice; 0 when it has enough fresh ones. */
    readonly wanted: () => number
    /** Whose record is to be confirmed: guards first, then others, as many as are wanted, at most `limit`. */
    readonly stale: (limit: number) => ReadonlyArray<Contact>
    /** Ends while routes are needed: somebody asked for one in the last hour (`NeededFor`). Waits without a timer. */
    readonly needed: Effect.Effect<void>
    readonly isNeeded: () => boolean
    /** Ends while somebody waits in `prepared`. */
    readonly awaited: Effect.Effect<void>
    /** Ends when relays had a part in several failures since `stale` was last asked, so that they are to be met again. */
    readonly doubted: Effect.Effect<void>
    /**
     * Whoever waits in `prepared` looks again. `thorough`: somebody has looked around, so that what is known now is what
     * there is, and guards may be chosen among few, too; before that only among many.
     */
    readonly searched: (thorough: boolean) => Effect.Effect<void>
  }
>()("allium/services/router/RouteTable") {}
