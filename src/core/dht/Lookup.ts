/**
 * One iterative lookup as a state machine (Kademlia, section 2.3): it says whom to ask, is told what came of it, and
 * knows when the k closest nodes have answered. No I/O and no time: whoever drives it sends the requests.
 *
 * α requests are under way at once. When as many answers brought nobody closer, the region is found and only its
 * members are left to ask, so the width grows until somebody closer appears. Everything a peer's answer can fill is
 * bounded, so a lookup always ends.
 *
 * With several paths (S/Kademlia, section 4.4) the nodes to begin with are dealt out, each path follows only what its
 * own peers answered, and no node is asked by two of them: whoever lies misleads one path.
 */
import type { Target } from "./LookupPath.ts"
import { type LookupNode, LookupPaths } from "./LookupPaths.ts"

export const ALPHA = 3
/** Requests under way when stalled. */
export const WIDEST = 10
/** Requests of one lookup; an honest network of millions needs some 60. */
export const REQUESTS = 200
/** Peers that may be slow at one time; with more of them it is this node's line that is slow, and it waits. */
export const SLOW = 20
/** Disjoint paths: beyond it each has too few nodes to begin with. */
export const PATHS = 8

export interface LookupOptions {
  readonly target: Uint8Array
  /** Nodes that are asked at most among the closest, and found. */
  readonly k: number
  /** Of these, the closest that must have answered; all k by default. */
  readonly settle?: number
  /** Disjoint paths, 1 to 8; 1 by default. */
  readonly paths?: number
  /** Requests under way at one time, whatever happens; α by default, and more when stalled. */
  readonly width?: number
  /** Whether slow peers among the closest are waited for until they are late: they may have what nobody else has. */
  readonly patient?: boolean
  /** This node, which is never a candidate. */
  readonly ownKey: string
  /** Who can be asked without a handshake; such nodes come first among the equally close. */
  readonly isConnected?: (key: string) => boolean
}

/** A node that shall be asked, by one path. */
export interface Ask<C> {
  readonly contact: C
  readonly path: number
  /** Answers on the way to it, from 1. */
  readonly hop: number
}

export class Lookup<C extends LookupNode> {
  readonly #options: LookupOptions
  readonly #wanted: number
  readonly #paths: LookupPaths<C>
  readonly #isConnected: ((contact: C) => boolean) | undefined
  #inFlight = 0
  #slow = 0
  #sinceCloser = 0
  #requests = 0
  #failures = 0

  constructor(options: LookupOptions, seeds: ReadonlyArray<C>) {
    const { isConnected, k, paths = 1, settle = k, target } = options
    this.#options = options
    this.#wanted = settle
    this.#isConnected = isConnected === undefined ? undefined : ({ key }) => isConnected(key)
    const count = Math.min(Math.max(Math.trunc(paths), 1), PATHS)
    this.#paths = new LookupPaths(count, target, options.ownKey)
    this.#paths.deal(seeds)
  }

  get requests(): number {
    return this.#requests
  }

  /** Those that failed, and those that were slow and have not answered yet. */
  get failures(): number {
    return this.#failures + this.#slow
  }

  /** Requests under way, without the slow ones. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Whom to ask now; they count as asked. Empty while enough is under way, or when there is nobody left. */
  next(): Array<Ask<C>> {
    const chosen: Array<Ask<C>> = []
    const width = this.#options.width ?? (this.#sinceCloser >= ALPHA ? WIDEST : ALPHA)
    while (this.#inFlight < width && this.#requests < REQUESTS) {
      const candidate = this.#paths.best(this.#wanted, this.#isConnected)
      if (candidate === undefined) break
      const { depth, path, target } = candidate
      target.state = "asked"
      target.asked = candidate
      path.inFlight++
      this.#inFlight++
      this.#requests++
      chosen.push({ contact: target.contact, path: path.number, hop: depth })
    }
    return chosen
  }

  /** Contacts from elsewhere than an answer of this lookup; says how many of them are new to it. */
  heard(contacts: ReadonlyArray<C>): number {
    return this.#paths.deal(contacts)
  }

  /** The contacts belong to the path that asked; says how many of them are new to the lookup. */
  answered(key: string, contacts: ReadonlyArray<C>): number {
    const target = this.#asked(key)
    if (target?.asked === undefined) return 0
    this.#settle(target, "answered")
    const before = this.#paths.first
    const fresh = this.#paths.named(contacts, target.asked)
    this.#sinceCloser = this.#paths.first === before ? this.#sinceCloser + 1 : 0
    return fresh
  }

  failed(key: string): void {
    const target = this.#asked(key)
    if (target === undefined) return
    this.#settle(target, "failed")
    this.#failures++
    this.#sinceCloser++
  }

  /** It takes longer than it should: from now on others are asked in its place. Not so when too many are slow. */
  slow(key: string): boolean {
    const target = this.#paths.find(key)
    if (target?.state !== "asked" || this.#slow >= SLOW) return false
    this.#settle(target, "slow")
    this.#slow++
    this.#sinceCloser++
    return true
  }

  /** Nobody waits for it any more. */
  late(key: string): void {
    const target = this.#paths.find(key)
    if (target?.state === "slow") target.state = "late"
  }

  /** Settled: on each path the closest that did not fail have answered, or there is nobody left to ask. */
  isDone(): boolean {
    if (this.#requests >= REQUESTS) return this.#inFlight === 0
    const patient = this.#options.patient === true
    return this.#paths.areSettled(this.#wanted, patient)
  }

  /** The closest that answered, closest first. */
  closest(): Array<C> {
    const found: Array<C> = []
    for (const { contact, state } of this.#paths.targets()) {
      if (state === "answered" && found.push(contact) >= this.#options.k) break
    }
    return found
  }

  /** The closest that did not fail, asked or not, closest first; but the slow behind all others. */
  candidates(count: number): Array<C> {
    const found: Array<C> = []
    const slow: Array<C> = []
    for (const { contact, state } of this.#paths.targets()) {
      if (state === "slow" || state === "late") slow.push(contact)
      else if (state !== "failed" && found.push(contact) >= count) return found
    }
    return [...found, ...slow].slice(0, count)
  }

  /** The chain of answers that led to the closest that answered, which is its last; empty where nobody did. */
  path(): Array<C> {
    const chain: Array<C> = []
    let link = this.#paths.targets().find(({ state }) => state === "answered")?.asked
    for (; link !== undefined; link = link.from) chain.push(link.target.contact)
    return chain.reverse()
  }

  #asked(key: string): Target<C> | undefined {
    const target = this.#paths.find(key)
    if (target === undefined) return undefined
    return target.state === "asked" || target.state === "slow" || target.state === "late" ? target : undefined
  }

  #settle(target: Target<C>, state: "answered" | "failed" | "slow"): void {
    if (target.state === "asked") {
      this.#inFlight--
      if (target.asked !== undefined) target.asked.path.inFlight--
    } else this.#slow--
    target.state = state
  }
}
