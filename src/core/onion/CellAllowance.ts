/** What the cells of one session may make this node do. Times in milliseconds. */
import { type Rate, TokenBucket } from "#core/session/TokenBucket"
import type { Holder } from "./HoldQueue.ts"

export class CellAllowance implements Holder {
  held = 0
  readonly #cells: TokenBucket
  readonly #dials: TokenBucket

  constructor(cells: Rate, dials: Rate, now: number) {
    this.#cells = new TokenBucket(cells, now)
    this.#dials = new TokenBucket(dials, now)
  }

  /** Whether another cell is looked at. What is not looked at costs nothing further. */
  mayBring(now: number): boolean {
    return this.#cells.take(0, now) === 0
  }

  /** Afterwards, as only the cell itself tells what it costs. */
  brought(cost: number, now: number): void {
    this.#cells.take(cost, now)
  }

  /** Takes one dial, if there is one left. */
  mayDial(now: number): boolean {
    if (this.#dials.take(0, now) > 0) return false
    this.#dials.take(1, now)
    return true
  }
}
