/**
 * The candidates of one path of a lookup, closest first. What became of a node is shared by all paths (`Target`); who
 * named it, and so how the path came to it, is the path's own.
 */
import { compareDistance, headOf, type Placed } from "./distance.ts"

/** Candidates that a path remembers; beyond it the farthest that nobody asked goes. */
export const CANDIDATES = 128

/**
 * `slow`: asked, and it takes longer than it should; others are asked meanwhile. `late`: it took so long that nobody
 * waits for it any more. Either may still answer.
 */
export type TargetState = "waiting" | "asked" | "slow" | "late" | "answered" | "failed"

/** A node that a lookup has heard of, on whichever path. */
export interface Target<C> extends Placed {
  readonly contact: C
  /** Leading bits shared with what is looked for: targets of equal closeness are in one class. */
  readonly closeness: number
  state: TargetState
  /** By which path it was asked, and how that one came to it. */
  asked: Candidate<C> | undefined
  /** One bit for each path that remembers it. */
  paths: number
}

export interface Candidate<C> {
  readonly target: Target<C>
  readonly path: LookupPath<C>
  /** Whose answer first named it on this path; undefined for a seed. */
  readonly from: Candidate<C> | undefined
  /** Answers on the way to it, from 1. */
  readonly depth: number
}

export class LookupPath<C> {
  readonly number: number
  readonly #id: Uint8Array
  readonly #head: number
  readonly #candidates: Array<Candidate<C>> = []
  /** Requests of this path under way that are not slow. */
  inFlight = 0

  constructor(number: number, id: Uint8Array) {
    this.number = number
    this.#id = id
    this.#head = headOf(id)
  }

  /** The closest that this path has heard of. */
  get first(): Target<C> | undefined {
    return this.#candidates[0]?.target
  }

  /** Closest first. */
  targets(): Array<Target<C>> {
    return this.#candidates.map(({ target }) => target)
  }

  /** Answers the target that had to be forgotten for it, if one had to be. */
  add(target: Target<C>, from: Candidate<C> | undefined): Target<C> | undefined {
    target.paths |= 1 << this.number
    const candidate: Candidate<C> = { target, path: this, from, depth: (from?.depth ?? 0) + 1 }
    this.#candidates.splice(this.#placeOf(target), 0, candidate)
    return this.#candidates.length > CANDIDATES ? this.#forget() : undefined
  }

  remembers(target: Target<C>): boolean {
    return (target.paths & (1 << this.number)) !== 0
  }

  /**
   * Whom to ask next among the `count` closest that neither failed nor are slow: the closest class, in it the connected,
   * of these the closest.
   */
  best(count: number, isConnected: ((contact: C) => boolean) | undefined): Candidate<C> | undefined {
    let first: Candidate<C> | undefined
    let rank = 0
    for (const candidate of this.#candidates) {
      const { closeness, contact, state } = candidate.target
      if (state === "failed" || state === "slow" || state === "late") continue
      if (++rank > count) break
      if (state !== "waiting") continue
      if (first !== undefined && closeness < first.target.closeness) break
      if (isConnected === undefined || isConnected(contact)) return candidate
      first ??= candidate
    }
    return first
  }

  /** Whether the `count` closest have answered, whoever asked them; `patient`: those that are slow are waited for. */
  isSettled(count: number, patient: boolean): boolean {
    let settled = 0
    for (const { target } of this.#candidates) {
      switch (target.state) {
        case "waiting":
        case "asked":
          return false
        case "slow":
          if (patient) return false
          break
        case "answered":
          if (++settled >= count) return true
      }
    }
    return true
  }

  #placeOf(target: Target<C>): number {
    const distance = (target.head ^ this.#head) >>> 0
    let low = 0
    let high = this.#candidates.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#candidates[middle]!.target
      const others = (other.head ^ this.#head) >>> 0
      const closer = others === distance ? compareDistance(this.#id, other.id, target.id) < 0 : others < distance
      if (closer) low = middle + 1
      else high = middle
    }
    return low
  }

  /** It may come back in a later answer; the limit of requests ends that game. */
  #forget(): Target<C> | undefined {
    for (let at = this.#candidates.length - 1; at >= 0; at--) {
      const { target } = this.#candidates[at]!
      if (target.state !== "waiting") continue
      this.#candidates.splice(at, 1)
      target.paths &= ~(1 << this.number)
      return target
    }
    return undefined
  }
}
