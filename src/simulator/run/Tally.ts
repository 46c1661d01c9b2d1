/** Counts how operations went, and tells it in figures. */
import type { OperationFigures } from "#schemas/simulation/Report"

export interface Outcome {
  /** Milliseconds of virtual time. */
  readonly took: number
  /** To other nodes; undefined where nobody counts them. */
  readonly requests?: number | undefined
  readonly failed: boolean
}

export class Tally {
  readonly #took: Array<number> = []
  #failed = 0
  #requests: number | undefined

  get count(): number {
    return this.#took.length
  }

  get failed(): number {
    return this.#failed
  }

  add({ failed, requests, took }: Outcome): void {
    this.#took.push(took)
    if (requests !== undefined) this.#requests = (this.#requests ?? 0) + requests
    if (failed) this.#failed++
  }

  figures(): OperationFigures {
    const sorted = this.#took.toSorted((a, b) => a - b)
    const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)
    return {
      count: this.count,
      failed: this.#failed,
      requests: this.#requests === undefined ? null : round(this.#requests / this.count),
      latency: { p50: at(0.5), p90: at(0.9), p99: at(0.99), most: round(sorted.at(-1) ?? 0) }
    }
  }
}

/** To a tenth: a report is read by people. */
export const round = (value: number): number => Math.round(value * 10) / 10
