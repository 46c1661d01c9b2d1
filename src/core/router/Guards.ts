/**
 * The nodes with which this node's paths begin. Only they see its address, so they are few and stay for weeks: with a
 * new first relay each time everybody would meet an adversary's sooner or later, with three kept for a month most never
 * do (the reasoning of Tor's guards, proposal 271).
 *
 * The first three in the list are the guards. One that is out of reach is passed over until it is met again. Only when
 * all three are, one more is chosen and put behind them, and it steps back when they return; else an outage, or somebody
 * who makes one, would move this node on and on. Mutable, synchronous; times are arguments, in unix milliseconds.
 */
import type { TableNode } from "#core/dht/TableEntry"
import { type Chance, clash, inLots, type Placed } from "./pickRelays.ts"

export const GUARDS = 3
/** With those that stand in for them. */
export const GUARDS_KEPT = 8

/** Milliseconds. */
export interface GuardTerms {
  /** How long one is kept at most; up to a quarter less, so that not all are exchanged at one time. */
  readonly keptFor: number
  /** Out of reach for so long, it is replaced; one that only stands in, after the second. */
  readonly goneAfter: number
  readonly standInGoneAfter: number
  /** Out of reach, it is looked for again after so long. */
  readonly triedAfter: number
}

export interface Guard<C> extends Placed {
  contact: C
  networks: ReadonlyArray<string>
  readonly chosen: number
  readonly until: number
  /** Since when it is out of reach; undefined while it is not. */
  lostAt: number | undefined
  /** When it was last looked for in vain. */
  triedAt: number
}

/** What a guard is chosen from. */
export interface GuardCandidate<C> extends Placed {
  readonly contact: C
  /** Above 0. */
  readonly weight: number
  /** For long enough to be no sudden guest. */
  readonly isLongKnown: boolean
}

const NEVER = Number.NEGATIVE_INFINITY

export class Guards<C extends TableNode> {
  readonly #terms: GuardTerms
  readonly #chance: Chance
  /** In order of preference. */
  #guards: ReadonlyArray<Guard<C>> = []
  #version = 0

  constructor(terms: GuardTerms, chance: Chance) {
    this.#terms = terms
    this.#chance = chance
  }

  get size(): number {
    return this.#guards.length
  }

  /** Grows with each change that should outlive this run. */
  get version(): number {
    return this.#version
  }

  all(): ReadonlyArray<Guard<C>> {
    return this.#guards
  }

  find(key: string): Guard<C> | undefined {
    for (const guard of this.#guards) if (guard.key === key) return guard
    return undefined
  }

  /** What an earlier run left, before anything is chosen. */
  restore(guards: ReadonlyArray<Omit<Guard<C>, "triedAt">>): void {
    this.#guards = guards.slice(0, GUARDS_KEPT).map((guard) => ({ ...guard, triedAt: NEVER }))
  }

  /** Lets go of those whose time is over, and of those that are gone for good. */
  tend(now: number): void {
    const { goneAfter, standInGoneAfter } = this.#terms
    const staying = this.#guards.filter(({ lostAt, until }, place) => {
      const patience = place < GUARDS ? goneAfter : standInGoneAfter
      return until > now && (lostAt === undefined || now - lostAt < patience)
    })
    if (staying.length < this.#guards.length) this.#become(staying)
  }

  /**
   * Those that a path may begin with. Nobody stands in for a guard that `isConfirmed` knows nothing of: it is to be
   * looked for first.
   */
  usable(avoid: ReadonlyArray<string>, isConfirmed: (key: string) => boolean): ReadonlyArray<Guard<C>> {
    const isThere = ({ key, lostAt }: Guard<C>): boolean => lostAt === undefined && !avoid.includes(key)
    const three = this.#guards.slice(0, GUARDS).filter(isThere)
    const standIns = this.#guards.slice(GUARDS).filter(isThere).slice(0, 1)
    return (three.length > 0 ? three : standIns).filter(({ key }) => isConfirmed(key))
  }

  /** How many more are to be chosen. */
  wanted(avoid: ReadonlyArray<string>): number {
    if (this.size < GUARDS) return GUARDS - this.size
    const isOut = this.#guards.every(({ key, lostAt }) => lostAt !== undefined || avoid.includes(key))
    return isOut && this.size < GUARDS_KEPT ? 1 : 0
  }

  /** Those that nobody has met since they were lost, or since the start, and that may be looked for now. */
  missing(isConfirmed: (key: string) => boolean, now: number): ReadonlyArray<Guard<C>> {
    return this.#guards.filter(
      ({ key, lostAt, triedAt }) =>
        (lostAt !== undefined || !isConfirmed(key)) && now - triedAt >= this.#terms.triedAfter
    )
  }

  /**
   * One more, by lot. Sooner one of a network where there is no guard yet, and of those one that has been known for a
   * while. False when there is nobody.
   */
  choose(candidates: ReadonlyArray<GuardCandidate<C>>, now: number): boolean {
    const others = candidates.filter(({ key }) => this.find(key) === undefined)
    const apart = others.filter((it) => !this.#guards.some((guard) => clash(it, guard)))
    const pool = apart.length > 0 ? apart : others
    const known = pool.filter(({ isLongKnown }) => isLongKnown)
    const [chosen] = inLots(known.length > 0 ? known : pool, { chance: this.#chance, weight: ({ weight }) => weight })
    if (chosen === undefined) return false
    const { contact, key, networks } = chosen
    const until = now + this.#terms.keptFor * (1 - this.#chance() / 4)
    this.#become([...this.#guards, { key, contact, networks, chosen: now, until, lostAt: undefined, triedAt: NEVER }])
    return true
  }

  /** It was met at its address. */
  reached({ contact, key, networks }: Pick<Guard<C>, "contact" | "key" | "networks">): void {
    const guard = this.find(key)
    if (guard === undefined) return
    guard.triedAt = NEVER
    if (guard.contact === contact && guard.lostAt === undefined) return
    guard.contact = contact
    guard.networks = networks
    guard.lostAt = undefined
    this.#version++
  }

  /** It was not found there. */
  missed(key: string, now: number): void {
    const guard = this.find(key)
    if (guard === undefined) return
    guard.triedAt = now
    if (guard.lostAt !== undefined) return
    guard.lostAt = now
    this.#version++
  }

  #become(guards: ReadonlyArray<Guard<C>>): void {
    this.#guards = guards
    this.#version++
  }
}
