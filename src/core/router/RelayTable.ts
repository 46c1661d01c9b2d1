/**
 * The relays that this node knows, up to a number and few of each network, with what is known of each. A large mutable
 * structure with synchronous methods, owned by one layer; times are arguments, in unix milliseconds.
 */
import { sameAddresses, type TableNode } from "#core/dht/TableEntry"
import type { Placed } from "./pickRelays.ts"
import { fade, measured, type Standing, weightOf } from "./relayWeight.ts"

/** Some 500 bytes each, and more than a path needs to be chosen from. */
export const RELAYS = 512
/** While nobody needs a path: enough to know some for long when somebody does. */
export const RELAYS_AT_REST = 64
/** Of one /16 or /32 (IPv6): one owner's, as likely as not. 2 % of all. */
export const RELAYS_OF_NETWORK = 10

export interface Relay<C> extends Placed, Standing {
  readonly key: string
  contact: C
  networks: ReadonlyArray<string>
  /** Whether this node met it at an address of this record, and has not lost it since. */
  isReached: boolean
  /** When it was lost: nothing older speaks for it. And when it was last looked for in vain. */
  lostAt: number
  missedAt: number
  /** Failures in which it had a part since it last did something well. */
  doubt: number
  /** It comes last until then. */
  suspectUntil: number
}

export interface RelayTableOptions {
  /** Whether networks matter; on a local one they do not. */
  readonly isDiverse: boolean
  /** Milliseconds for which a record counts as current after it was shown. */
  readonly freshFor: number
  /** Whoever never makes room. */
  readonly isKept: (key: string) => boolean
  /** Now; at most `RELAYS`. What is above it goes one by one as others come. */
  readonly limit: () => number
}

const NEVER = Number.NEGATIVE_INFINITY
const NOWHERE: ReadonlyArray<string> = []

export class RelayTable<C extends TableNode> {
  readonly #options: RelayTableOptions
  readonly #relays = new Map<string, Relay<C>>()
  readonly #ofNetwork = new Map<string, number>()

  constructor(options: RelayTableOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#relays.size
  }

  /** Relays of the network that has most. */
  get mostOfNetwork(): number {
    return Math.max(0, ...this.#ofNetwork.values())
  }

  find(key: string): Relay<C> | undefined {
    return this.#relays.get(key)
  }

  values(): Iterable<Relay<C>> {
    return this.#relays.values()
  }

  /** It showed this record at `at`. Newcomers have to be reached; a place that nobody reached has to be, again. */
  admit(contact: C, isReached: boolean, at: number, now: number): void {
    const known = this.#relays.get(contact.key)
    if (known === undefined) {
      if (isReached) this.#enter(contact, at, now)
      return
    }
    if (known.contact !== contact && !this.#move(known, contact)) return
    if (at < known.lostAt) return
    known.isReached ||= isReached
    if (at <= known.confirmedAt) return
    known.confirmedAt = at
    known.doubt = 0
  }

  /** It has to be met again. */
  lost(key: string, now: number): void {
    const relay = this.#relays.get(key)
    if (relay === undefined) return
    relay.isReached = false
    relay.lostAt = now
  }

  /** It was looked for and not found. */
  missed(key: string, now: number): void {
    const relay = this.#relays.get(key)
    if (relay === undefined) return
    this.lost(key, now)
    relay.missedAt = now
  }

  /** Drops those that were not heard of since `before`. */
  forget(before: number): void {
    for (const { confirmedAt, key } of this.#relays.values()) {
      if (confirmedAt < before && !this.#options.isKept(key)) this.drop(key)
    }
  }

  drop(key: string): void {
    const relay = this.#relays.get(key)
    if (relay === undefined) return
    this.#relays.delete(key)
    this.#count(relay.networks, -1)
  }

  networksOf({ addresses }: C): ReadonlyArray<string> {
    return this.#options.isDiverse ? [...new Set(addresses.map(({ wideNetwork }) => wideNetwork))] : NOWHERE
  }

  isFresh({ confirmedAt, isReached }: Relay<C>, now: number): boolean {
    return isReached && confirmedAt > now - this.#options.freshFor
  }

  succeeded(key: string, milliseconds: number, now: number): void {
    const relay = this.#relays.get(key)
    if (relay === undefined) return
    fade(relay, now)
    relay.successes++
    relay.suspectUntil = 0
    relay.doubt = 0
    measured(relay, milliseconds)
  }

  /** `part` of a failure is its own; suspected for so long. */
  failed(key: string, part: number, suspectFor: number, now: number): void {
    const relay = this.#relays.get(key)
    if (relay === undefined) return
    fade(relay, now)
    relay.failures += part
    relay.doubt += part
    relay.suspectUntil = Math.max(relay.suspectUntil, now + suspectFor)
  }

  #enter(contact: C, at: number, now: number): void {
    const networks = this.networksOf(contact)
    if (!this.#hasRoom(networks)) return
    const relay: Relay<C> = {
      key: contact.key,
      contact,
      networks,
      isReached: true,
      lostAt: NEVER,
      missedAt: NEVER,
      doubt: 0,
      since: at,
      confirmedAt: at,
      latency: undefined,
      successes: 0,
      failures: 0,
      countedAt: at,
      suspectUntil: 0
    }
    if (this.#relays.size >= this.#options.limit() && !this.#makeRoom(this.#useOf(relay, now), now)) return
    this.#relays.set(contact.key, relay)
    this.#count(networks, 1)
  }

  /** False when it moved to a network that is full here. */
  #move(known: Relay<C>, contact: C): boolean {
    if (!sameAddresses(known.contact, contact)) {
      const networks = this.networksOf(contact)
      this.#count(known.networks, -1)
      if (!this.#hasRoom(networks) && !this.#options.isKept(known.key)) {
        this.#relays.delete(known.key)
        return false
      }
      this.#count(networks, 1)
      known.networks = networks
      known.isReached = false
    }
    known.contact = contact
    return true
  }

  /** Drops the relay of least use if it is below `use`. */
  #makeRoom(use: number, now: number): boolean {
    let least: Relay<C> | undefined
    let lowest = use
    for (const relay of this.#relays.values()) {
      if (this.#options.isKept(relay.key)) continue
      const its = this.#useOf(relay, now)
      if (its >= lowest) continue
      least = relay
      lowest = its
    }
    if (least === undefined) return false
    this.drop(least.key)
    return true
  }

  /** Any fresh one is above all others; of those the one heard of last. */
  #useOf(relay: Relay<C>, now: number): number {
    return this.isFresh(relay, now) ? weightOf(relay, now) : relay.confirmedAt - now
  }

  #hasRoom(networks: ReadonlyArray<string>): boolean {
    for (const network of networks) if ((this.#ofNetwork.get(network) ?? 0) >= RELAYS_OF_NETWORK) return false
    return true
  }

  #count(networks: ReadonlyArray<string>, by: number): void {
    for (const network of networks) {
      const count = (this.#ofNetwork.get(network) ?? 0) + by
      if (count <= 0) this.#ofNetwork.delete(network)
      else this.#ofNetwork.set(network, count)
    }
  }
}
