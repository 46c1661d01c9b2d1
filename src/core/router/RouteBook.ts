/**
 * Relays, guards and the paths made of them, as one structure that asks nobody: it is told what was met and what became
 * of a path, and says which path to take, what it wants to know more of, and what it lacks.
 *
 * Mutable, synchronous, owned by one layer. Times are arguments, in unix milliseconds.
 */
import { Result } from "effect"
import type { TableNode } from "#core/dht/TableEntry"
import { FirstHops, isFreshIn } from "./FirstHops.ts"
import { type Guard, Guards, type GuardTerms } from "./Guards.ts"
import { type Chance, inLots, pickRelays } from "./pickRelays.ts"
import { type Relay, RelayTable } from "./RelayTable.ts"
import { RouteCache } from "./RouteCache.ts"
import { weightOf } from "./relayWeight.ts"

/** Relays of a path (DESIGN §8). */
export const HOPS = 3

/** Fresh relays that a busy node wants to choose from. */
export const RELAYS_WANTED = 48

/** Of the time for which a record is fresh, the part after which it is to be confirmed again. */
const CONFIRM_AFTER = 2 / 3

/** Milliseconds after which one that was not heard of is forgotten: its record has expired. */
const FORGOTTEN_AFTER = 24 * 3_600_000

export interface RouteBookOptions {
  /** `contact.key` of this node. */
  readonly own: string
  /** Whether relays must be of different networks; on a local network they need not. */
  readonly isDiverse: boolean
  readonly chance: Chance
  /** Milliseconds, all of them. */
  readonly freshFor: number
  readonly routeFor: number
  readonly suspectFor: { readonly path: number; readonly culprit: number }
  readonly guards: GuardTerms
  /** Relays that are kept now. */
  readonly limit: () => number
}

export interface Path<C> {
  readonly relays: ReadonlyArray<C>
  /** Unix milliseconds from which on it is not used for anything new. */
  readonly until: number
}

/** What a path lacks: relays, relays of different networks, or a guard that can be reached. */
export interface Shortage {
  readonly lack: "relays" | "networks" | "guards"
  /** Usable relays, without those to be avoided. */
  readonly known: number
}

export class RouteBook<C extends TableNode> {
  readonly relays: RelayTable<C>
  readonly guards: Guards<C>
  readonly routes = new RouteCache<Path<C>>()
  /** Whether somebody has looked around, so that what is known is what there is. */
  isSearched = false
  readonly #options: RouteBookOptions
  readonly #firsts: FirstHops<C>

  constructor(options: RouteBookOptions) {
    this.#options = options
    this.guards = new Guards(options.guards, options.chance)
    this.relays = new RelayTable({
      isDiverse: options.isDiverse,
      freshFor: options.freshFor,
      limit: options.limit,
      isKept: (key) => this.guards.find(key) !== undefined
    })
    this.#firsts = new FirstHops(this.relays, this.guards)
  }

  /** What an earlier run left, before anything else. */
  restoreGuards(guards: ReadonlyArray<Pick<Guard<C>, "contact" | "chosen" | "until" | "lostAt">>): void {
    this.guards.restore(
      guards.map((guard) => ({
        ...guard,
        key: guard.contact.key,
        networks: this.relays.networksOf(guard.contact)
      }))
    )
  }

  admit(contact: C, isReached: boolean, at: number, now: number): void {
    if (contact.key === this.#options.own) return
    this.relays.admit(contact, isReached, at, now)
    const relay = this.relays.find(contact.key)
    if (relay?.isReached === true) this.guards.reached(relay)
  }

  /** It was not found at its address. */
  missed(key: string, now: number): void {
    this.relays.missed(key, now)
    this.guards.missed(key, now)
  }

  /** It relays no more. A guard may do so again. */
  withdrew(key: string, now: number): void {
    if (this.guards.find(key) === undefined) this.relays.drop(key)
    else this.missed(key, now)
  }

  pick(count: number, avoid: ReadonlyArray<string>, now: number): Result.Result<Path<C>, Shortage> {
    const fresh = [...this.relays.values()].filter((relay) => this.relays.isFresh(relay, now))
    const candidates = fresh.filter(({ key }) => !avoid.includes(key))
    const known = candidates.length
    if (known < count) return Result.fail({ lack: "relays", known })
    this.#firsts.tend(fresh, this.isSearched, avoid, now)
    const firsts = this.#firsts.usable(avoid, now)
    if (firsts.length === 0) return Result.fail({ lack: "guards", known })
    const relays = pickRelays({
      firsts,
      others: candidates,
      count,
      weight: (relay) => weightOf(relay, now),
      isSuspect: ({ suspectUntil }) => suspectUntil > now,
      // Who sees this node's address at times should not see at others whom it writes to.
      isSpared: ({ key }) => this.guards.find(key) !== undefined,
      chance: this.#options.chance
    })
    if (relays === undefined) return Result.fail({ lack: "networks", known })
    return Result.succeed({ relays: relays.map(({ contact }) => contact), until: now + this.#options.routeFor })
  }

  routeTo(recipient: string, now: number): Result.Result<Path<C>, Shortage> {
    const [first] = this.#firsts.usable([recipient], now)
    const known = this.routes.find(
      recipient,
      (route) => route.relays[0]?.key === first?.key && this.#isGood(route, now)
    )
    if (known !== undefined) return Result.succeed(known)
    const fresh = this.pick(HOPS, [recipient], now)
    if (Result.isSuccess(fresh)) this.routes.set(recipient, fresh.success)
    return fresh
  }

  /** The guard comes last there, as the answer reaches it last. */
  routeBack(avoid: ReadonlyArray<string>, now: number): Result.Result<Path<C>, Shortage> {
    return Result.map(this.pick(HOPS, avoid, now), ({ relays, until }) => ({ relays: relays.toReversed(), until }))
  }

  succeeded({ relays }: Path<C>, milliseconds: number, now: number): void {
    const share = milliseconds / (relays.length + 1)
    for (const { key } of relays) this.relays.succeeded(key, share, now)
  }

  /**
   * Where nobody knows whose fault it was, a guard is not suspected: whoever can make paths fail could choose this node's
   * guards with that. The next one of the three has its turn.
   */
  failed(route: Path<C>, culprit: string | undefined, now: number): void {
    this.routes.drop(route)
    this.#firsts.passOn(route.relays)
    const { culprit: long, path: short } = this.#options.suspectFor
    if (culprit !== undefined) this.relays.failed(culprit, 1, long, now)
    else {
      const part = 1 / route.relays.length
      for (const { key } of route.relays) {
        this.relays.failed(key, part, this.guards.find(key) === undefined ? short : 0, now)
      }
    }
  }

  /** How many more fresh relays it wants to know. */
  wanted(now: number): number {
    return Math.max(0, RELAYS_WANTED - this.#confirmed(now))
  }

  /** Whether a relay of this path had a part in so many failures that it should be met again. */
  isDoubted({ relays }: Path<C>): boolean {
    return relays.some(({ key }) => (this.relays.find(key)?.doubt ?? 0) >= 1)
  }

  /**
   * Whose records are to be confirmed, at most `limit`: guards, then any, as far as fresh ones are wanted. With those under
   * doubt come as many others, since whoever sees who is met might else know a path that has failed.
   */
  stale(limit: number, now: number): ReadonlyArray<C> {
    this.guards.tend(now)
    this.relays.forget(now - FORGOTTEN_AFTER)
    const guards = this.guards.missing((key) => isFreshIn(this.relays, key, now), now)
    const others = [...this.relays.values()].filter(({ key }) => this.guards.find(key) === undefined)
    const isMissed = ({ missedAt }: Relay<C>): boolean => missedAt > now - this.#options.freshFor
    const wanted = this.#drawn(
      others.filter((relay) => !this.#isConfirmed(relay, now) && !isMissed(relay)),
      Math.min(limit - guards.length, this.wanted(now)),
      now
    )
    const beside = this.#drawn(
      others.filter((relay) => this.#isConfirmed(relay, now)),
      Math.min(limit - guards.length - wanted.length, wanted.filter(({ doubt }) => doubt >= 1).length),
      now
    )
    const rest = inLots([...wanted, ...beside], { chance: this.#options.chance, weight: () => 1 })
    return [...guards, ...rest].slice(0, limit).map(({ contact }) => contact)
  }

  #drawn(relays: ReadonlyArray<Relay<C>>, count: number, now: number): ReadonlyArray<Relay<C>> {
    if (count <= 0) return []
    return inLots(relays, { chance: this.#options.chance, weight: (relay) => weightOf(relay, now) }).slice(0, count)
  }

  /** Fresh, and for a while yet; and not to blame for more than a failure's worth. */
  #isConfirmed({ confirmedAt, doubt, isReached }: Relay<C>, now: number): boolean {
    return isReached && doubt < 1 && confirmedAt > now - this.#options.freshFor * CONFIRM_AFTER
  }

  #confirmed(now: number): number {
    let confirmed = 0
    for (const relay of this.relays.values()) if (this.#isConfirmed(relay, now)) confirmed++
    return confirmed
  }

  #isGood({ relays, until }: Path<C>, now: number): boolean {
    return until > now && relays.every(({ key }) => isFreshIn(this.relays, key, now))
  }
}
