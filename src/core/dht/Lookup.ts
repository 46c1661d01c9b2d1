/**
 * One iterative lookup as a state machine (the paper, section 2.3): it says whom to ask, is told what came of it, and
 * knows when the k closest nodes have answered. No I/O and no time: whoever drives it sends the requests.
 *
 * α requests are under way at once. When as many answers brought nobody closer, the region is found and only its
 * members are left to ask, so the width grows until somebody closer appears. Everything a peer's answer can fill is
 * bounded, so a lookup always ends.
 */
import { commonPrefixLength, compareDistance, headOf, type Placed } from "./distance.ts"

export const ALPHA = 3
/** Requests under way when stalled. */
export const WIDEST = 10
/** Candidates that are remembered; beyond it the farthest that was not asked goes. */
export const CANDIDATES = 128
/** Requests of one lookup; an honest network of millions needs some 60. */
export const REQUESTS = 200

export interface LookupNode {
  readonly key: string
  readonly nodeId: Uint8Array
}

export interface LookupOptions {
  readonly target: Uint8Array
  /** Nodes that are asked at most among the closest, and found. */
  readonly k: number
  /** Of these, the closest that must have answered; all k by default. */
  readonly settle?: number
  /** This node, which is never a candidate. */
  readonly ownKey: string
  /** Who can be asked without a handshake; such nodes come first among the equally close. */
  readonly isConnected?: (key: string) => boolean
}

type State = "waiting" | "asked" | "answered" | "failed"

interface Candidate<C> extends Placed {
  readonly contact: C
  /** Leading bits shared with the target: candidates with equal closeness are in one class. */
  readonly closeness: number
  /** Whose answer first named it; undefined for a seed. */
  readonly from: Candidate<C> | undefined
  /** Answers on the way to it, from the seeds. */
  readonly depth: number
  state: State
}

export class Lookup<C extends LookupNode> {
  readonly #options: LookupOptions
  readonly #head: number
  /** By distance, closest first. */
  readonly #candidates: Array<Candidate<C>> = []
  readonly #known = new Map<string, Candidate<C>>()
  #inFlight = 0
  #sinceCloser = 0
  #requests = 0
  #failures = 0

  constructor(options: LookupOptions, seeds: ReadonlyArray<C>) {
    this.#options = options
    this.#head = headOf(options.target)
    this.#add(seeds, undefined)
  }

  get requests(): number {
    return this.#requests
  }

  get failures(): number {
    return this.#failures
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Whom to ask now; they count as asked. Empty while enough is under way, or when there is nobody left. */
  next(): Array<C> {
    const chosen: Array<C> = []
    const width = this.#sinceCloser >= ALPHA ? WIDEST : ALPHA
    while (this.#inFlight < width && this.#requests < REQUESTS) {
      const candidate = this.#best()
      if (candidate === undefined) break
      candidate.state = "asked"
      this.#inFlight++
      this.#requests++
      chosen.push(candidate.contact)
    }
    return chosen
  }

  /** Contacts from elsewhere than an answer of this lookup. */
  heard(contacts: ReadonlyArray<C>): number {
    return this.#add(contacts, undefined)
  }

  /** The answer is how many of the contacts were new. */
  answered(key: string, contacts: ReadonlyArray<C>): number {
    const candidate = this.#known.get(key)
    if (candidate?.state !== "asked") return 0
    candidate.state = "answered"
    this.#inFlight--
    const before = this.#candidates[0]
    const fresh = this.#add(contacts, candidate)
    this.#sinceCloser = this.#candidates[0] === before ? this.#sinceCloser + 1 : 0
    return fresh
  }

  failed(key: string): void {
    const candidate = this.#known.get(key)
    if (candidate?.state !== "asked") return
    candidate.state = "failed"
    this.#inFlight--
    this.#failures++
    this.#sinceCloser++
  }

  /** Settled: the closest that did not fail have answered, or there is nobody left to ask. */
  isDone(): boolean {
    const wanted = this.#options.settle ?? this.#options.k
    let settled = 0
    for (const { state } of this.#candidates) {
      if (state === "asked") return false
      if (state === "waiting") return this.#requests >= REQUESTS && this.#inFlight === 0
      if (state === "answered" && ++settled >= wanted) return true
    }
    return true
  }

  /** The closest that answered, closest first. */
  closest(): Array<C> {
    const found: Array<C> = []
    for (const { state, contact } of this.#candidates) {
      if (state === "answered" && found.push(contact) >= this.#options.k) break
    }
    return found
  }

  /** The closest that did not fail, asked or not, closest first. */
  candidates(count: number): Array<C> {
    const found: Array<C> = []
    for (const { state, contact } of this.#candidates) {
      if (state !== "failed" && found.push(contact) >= count) break
    }
    return found
  }

  /** The chain of answers that led to the closest that answered, which is its last; empty where nobody did. */
  path(): Array<C> {
    const chain: Array<C> = []
    let link = this.#candidates.find(({ state }) => state === "answered")
    for (; link !== undefined; link = link.from) chain.push(link.contact)
    return chain.reverse()
  }

  /** Answers on the way to a candidate, from 1. */
  depthOf(key: string): number {
    return this.#known.get(key)?.depth ?? 1
  }

  /** Among the closest that did not fail: the closest class, in it the connected, of these the closest. */
  #best(): Candidate<C> | undefined {
    const { isConnected, k, settle = k } = this.#options
    let first: Candidate<C> | undefined
    let rank = 0
    for (const candidate of this.#candidates) {
      if (candidate.state === "failed") continue
      if (++rank > settle) break
      if (candidate.state !== "waiting") continue
      if (first !== undefined && candidate.closeness < first.closeness) break
      if (isConnected === undefined || isConnected(candidate.contact.key)) return candidate
      first ??= candidate
    }
    return first
  }

  #add(contacts: ReadonlyArray<C>, from: Candidate<C> | undefined): number {
    let fresh = 0
    for (const contact of contacts) {
      if (contact.key === this.#options.ownKey || this.#known.has(contact.key)) continue
      const candidate: Candidate<C> = {
        contact,
        id: contact.nodeId,
        head: headOf(contact.nodeId),
        closeness: commonPrefixLength(this.#options.target, contact.nodeId),
        from,
        depth: (from?.depth ?? 0) + 1,
        state: "waiting"
      }
      this.#insert(candidate)
      this.#known.set(contact.key, candidate)
      fresh++
      if (this.#candidates.length > CANDIDATES) this.#forget()
    }
    return fresh
  }

  #insert(candidate: Candidate<C>): void {
    const distance = (candidate.head ^ this.#head) >>> 0
    let low = 0
    let high = this.#candidates.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#candidates[middle]!
      const others = (other.head ^ this.#head) >>> 0
      const closer =
        others === distance ? compareDistance(this.#options.target, other.id, candidate.id) < 0 : others < distance
      if (closer) low = middle + 1
      else high = middle
    }
    this.#candidates.splice(low, 0, candidate)
  }

  /** The farthest that was not asked. It may come back in a later answer; the limit of requests ends that game. */
  #forget(): void {
    for (let at = this.#candidates.length - 1; at >= 0; at--) {
      const candidate = this.#candidates[at]!
      if (candidate.state !== "waiting") continue
      this.#candidates.splice(at, 1)
      this.#known.delete(candidate.contact.key)
      return
    }
  }
}
