/**
 * The scores of all neighbours. Who leaves with a bad one finds it again when it comes back; and where many come from
 * one network (a /24 or /48), those who came after the first few stand below zero: they may all be one.
 */
import { GRAYLIST_THRESHOLD, PeerScore } from "./PeerScore.ts"

/** Neighbours of one network that are nobody's concern: machines behind one router. */
export const CROWD_FREE = 4

/** Milliseconds for which a score is taken as computed; what lowers it is seen at once. */
const FRESH_FOR = 1_000

interface Entry {
  /** Undefined until there is anything to be said of it. */
  score: PeerScore | undefined
  readonly network: string | undefined
  computed: number
  computedAt: number
}

/** Of whom nothing is known; never written to. */
const UNKNOWN = new PeerScore()

export class Scores {
  /** Who came first, first. */
  readonly #entries = new Map<string, Entry>()
  /** Neighbours of each. */
  readonly #networks = new Map<string, number>()
  readonly #gone = new Map<string, PeerScore>()
  readonly #goneLimit: number

  /** `goneLimit`: bad scores remembered of those who left; the oldest makes room. */
  constructor(goneLimit: number) {
    this.#goneLimit = goneLimit
  }

  get size(): number {
    return this.#entries.size
  }

  get gone(): number {
    return this.#gone.size
  }

  /** `network` is undefined where networks do not count. */
  enter(peer: string, network: string | undefined): void {
    const score = this.#gone.get(peer)
    if (score !== undefined) this.#gone.delete(peer)
    this.#entries.set(peer, { score, network, computed: 0, computedAt: Number.NEGATIVE_INFINITY })
    if (network !== undefined) this.#networks.set(network, this.#inNetwork(network) + 1)
  }

  leave(peer: string, now: number): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    this.#entries.delete(peer)
    const { network, score } = entry
    if (network !== undefined) {
      const others = this.#inNetwork(network) - 1
      if (others === 0) this.#networks.delete(network)
      else this.#networks.set(network, others)
    }
    score?.leave()
    if (score === undefined || score.isClean(now)) return
    if (this.#gone.size >= this.#goneLimit) this.#gone.delete(this.#gone.keys().next().value ?? "")
    this.#gone.set(peer, score)
  }

  /** Of a neighbour, or of one that left with a bad score; zero for anyone else. */
  of(peer: string, now: number): number {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return this.#gone.get(peer)?.at(now, 0) ?? 0
    if (now - entry.computedAt >= FRESH_FOR || now < entry.computedAt) {
      entry.computed = (entry.score ?? UNKNOWN).at(now, this.#crowd(peer, entry.network))
      entry.computedAt = now
    }
    return entry.computed
  }

  isGraylisted(peer: string, now: number): boolean {
    return this.of(peer, now) < GRAYLIST_THRESHOLD
  }

  enteredMesh(peer: string, topic: string, now: number): void {
    this.#scoreOf(peer)?.enteredMesh(topic, now)
  }

  leftMesh(peer: string, topic: string): void {
    this.#entries.get(peer)?.score?.leftMesh(topic)
  }

  broughtFirst(peer: string, topic: string, now: number): void {
    this.#scoreOf(peer)?.broughtFirst(topic, now)
  }

  sentInvalid(peer: string, now: number): void {
    this.#lower(peer, (score) => score.sentInvalid(now))
  }

  misbehaved(peer: string, now: number): void {
    this.#lower(peer, (score) => score.misbehaved(now))
  }

  /** This node has left the topic. */
  forget(topic: string): void {
    for (const { score } of this.#entries.values()) score?.forget(topic)
  }

  /** Drops what time has forgiven. */
  sweep(now: number): void {
    for (const [peer, score] of this.#gone) if (score.isClean(now)) this.#gone.delete(peer)
  }

  #lower(peer: string, by: (score: PeerScore) => void): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    by((entry.score ??= new PeerScore()))
    entry.computedAt = Number.NEGATIVE_INFINITY
  }

  #scoreOf(peer: string): PeerScore | undefined {
    const entry = this.#entries.get(peer)
    return entry === undefined ? undefined : (entry.score ??= new PeerScore())
  }

  #inNetwork(network: string): number {
    return this.#networks.get(network) ?? 0
  }

  /** How many of its network came before it, beyond those that may. Whoever came first is not to blame for the rest. */
  #crowd(peer: string, network: string | undefined): number {
    if (network === undefined || this.#inNetwork(network) <= CROWD_FREE) return 0
    let before = 0
    for (const [other, entry] of this.#entries) {
      if (other === peer) break
      if (entry.network === network) before++
    }
    return Math.max(0, before + 1 - CROWD_FREE)
  }
}
