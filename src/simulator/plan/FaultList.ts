/**
 * The faults of one plan while they are thought up: within a window of time, and no two of a node at once, so that
 * each does what it says. Times are whole milliseconds, for they are read by people and stand in files.
 */
import type { Fault, TimedFault } from "#schemas/simulation/Fault"
import type { Dice } from "../Dice.ts"

interface Interval {
  readonly from: number
  readonly to: number
}

/** The network is left alone at the beginning and at the end: a twentieth of the run, or two minutes of a long one. */
const QUIET_SHARE = 0.05
const QUIET_MOST = 120

export class FaultList {
  readonly dice: Dice
  readonly nodes: number
  /** Seconds: nothing begins before the one, and everything is over by the other. */
  readonly from: number
  readonly to: number
  readonly #faults: Array<TimedFault> = []
  readonly #busy = new Map<number, Array<Interval>>()

  constructor(dice: Dice, nodes: number, lasts: number) {
    const quiet = Math.min(QUIET_MOST, lasts * QUIET_SHARE)
    this.dice = dice
    this.nodes = nodes
    this.from = whole(quiet)
    this.to = whole(lasts - quiet)
  }

  get length(): number {
    return this.to - this.from
  }

  /** A moment between two shares of the window. */
  moment(earliest: number, latest: number): number {
    return this.from + this.length * this.between(earliest, latest)
  }

  between(least: number, most: number): number {
    return least + this.dice.next() * (most - least)
  }

  /** Seconds between two bounds, but never more than this share of the window: a short run gets short faults. */
  span(least: number, most: number, share: number): number {
    const longest = this.length * share
    return this.between(Math.min(least, longest / 2), Math.min(most, longest))
  }

  /** That many different nodes, at least one and never all. Node 0 is among them as any other unless told. */
  some(share: number, but?: ReadonlySet<number>): Array<number> {
    const all = Array.from({ length: this.nodes }, (_, node) => node).filter((node) => but?.has(node) !== true)
    const count = Math.max(1, Math.min(this.nodes - 1, Math.round(all.length * share)))
    return this.dice.shuffle(all).slice(0, count)
  }

  /** Is over at `at` plus what the fault lasts, which is cut to the window. False if that node has another meanwhile. */
  add(at: number, fault: Fault, node?: number): boolean {
    const start = whole(at)
    const cut = cutTo(fault, whole(Math.max(0, this.to - start)))
    const end = start + lengthOf(cut)
    if (start < this.from || start > this.to) return false
    if (node !== undefined) {
      const busy = this.#busy.get(node) ?? []
      if (busy.some((it) => start <= it.to && end >= it.from)) return false
      busy.push({ from: start, to: end })
      this.#busy.set(node, busy)
    }
    this.#faults.push({ at: start, fault: cut })
    return true
  }

  inOrder(): ReadonlyArray<TimedFault> {
    return this.#faults.sort((a, b) => a.at - b.at)
  }
}

const whole = (seconds: number): number => Math.round(seconds * 1000) / 1000

/** Seconds that a node is affected; for good where nothing says for how long. */
const lengthOf = (fault: Fault): number => {
  if ("lasts" in fault) return fault.lasts ?? Number.POSITIVE_INFINITY
  if ("downFor" in fault) return fault.downFor ?? Number.POSITIVE_INFINITY
  return fault._tag === "Stop" || fault._tag === "Crash" ? Number.POSITIVE_INFINITY : 0
}

const cutTo = (fault: Fault, most: number): Fault => {
  const cut = (seconds: number): number => whole(Math.min(seconds, most))
  if ("lasts" in fault && fault.lasts !== undefined) return { ...fault, lasts: cut(fault.lasts) }
  if ("downFor" in fault && fault.downFor !== undefined) return { ...fault, downFor: cut(fault.downFor) }
  return fault
}
