/**
 * What lies between two machines: how long a message takes, whether it has to be sent again, whether anything passes
 * at all. Latency is drawn once for each pair of machines, jitter for each message.
 */
import type { LinkProfile } from "#schemas/simulation/Plan"
import { Dice } from "../Dice.ts"

/** First wait before a lost message is sent again, doubling (RFC 6298, with the usual minimum), and when to give up. */
export const RETRANSMIT = 200
export const GIVE_UP = 60_000

/** A worsening of the links of some machines, or of all. */
export interface Degradation {
  /** Undefined: everybody's. */
  readonly nodes: ReadonlySet<number> | undefined
  readonly latency: number
  readonly loss: number
  readonly duplication: number
  readonly reordering: number
}

/** Nothing passes in this direction. */
export interface Cut {
  readonly passes: (from: number, to: number) => boolean
}

/** Beyond a share of lost messages like this nothing could ever arrive. */
const MOST_LOSS = 0.9

export class Wire {
  readonly profile: LinkProfile
  readonly #seed: string | number
  readonly #dice: Dice
  readonly #cuts = new Set<Cut>()
  readonly #degradations = new Set<Degradation>()

  constructor(profile: LinkProfile, seed: string | number) {
    this.profile = profile
    this.#seed = seed
    this.#dice = new Dice(`${seed}/wire`)
  }

  passes(from: number, to: number): boolean {
    if (this.#cuts.size === 0) return true
    for (const cut of this.#cuts) if (!cut.passes(from, to)) return false
    return true
  }

  /** Until the answer is called. */
  cut(cut: Cut): () => void {
    this.#cuts.add(cut)
    return () => void this.#cuts.delete(cut)
  }

  degrade(degradation: Degradation): () => void {
    this.#degradations.add(degradation)
    return () => void this.#degradations.delete(degradation)
  }

  /** All cuts and degradations are over. */
  mend(): void {
    this.#cuts.clear()
    this.#degradations.clear()
  }

  /** One way between this pair, in milliseconds, the same in both directions. */
  latency(one: number, other: number): number {
    const pair = new Dice(`${this.#seed}/${Math.min(one, other)}-${Math.max(one, other)}`)
    return this.profile.latency * Math.exp(this.profile.spread * pair.normal())
  }

  /** What this message takes beyond the pair's latency and its bytes, in milliseconds; `copies` on the wire. */
  delay(from: number, to: number, latency: number): { readonly extra: number; readonly copies: number } {
    let { duplication, jitter, loss, reordering } = this.profile
    let extra = 0
    for (const it of this.#degradations) {
      if (it.nodes !== undefined && !it.nodes.has(from) && !it.nodes.has(to)) continue
      extra += it.latency
      loss += it.loss
      duplication += it.duplication
      reordering += it.reordering
    }
    if (jitter > 0) extra += this.#dice.exponential(jitter)
    if (loss + duplication + reordering === 0) return { extra, copies: 1 }
    let copies = 1
    for (let wait = RETRANSMIT; this.#dice.chance(Math.min(loss, MOST_LOSS)) && wait < GIVE_UP; wait *= 2) {
      extra += wait
      copies++
    }
    // A stream drops what comes twice and waits for what comes late.
    if (this.#dice.chance(duplication)) copies++
    if (this.#dice.chance(reordering)) extra += this.#dice.exponential(latency)
    return { extra, copies }
  }
}
