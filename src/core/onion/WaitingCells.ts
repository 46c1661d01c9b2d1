/**
 * Cells whose next hop is being dialled. Strangers name those hops, so the number of hops, the bytes in all and the bytes
 * for one of them have a limit; what finds no room is not taken.
 */
export interface WaitingLimits {
  readonly hops: number
  readonly bytes: number
  readonly bytesOfHop: number
}

interface Waiting {
  readonly cells: Array<Uint8Array>
  bytes: number
}

export class WaitingCells {
  readonly #limits: WaitingLimits
  readonly #hops = new Map<string, Waiting>()
  #bytes = 0

  constructor(limits: WaitingLimits) {
    this.#limits = limits
  }

  get hops(): number {
    return this.#hops.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Bytes that wait for the hop for which most do. */
  mostOfHop(): number {
    let most = 0
    for (const { bytes } of this.#hops.values()) most = Math.max(most, bytes)
    return most
  }

  has(hop: string): boolean {
    return this.#hops.has(hop)
  }

  /** False where there is no room for it. */
  add(hop: string, cell: Uint8Array): boolean {
    const waiting = this.#hops.get(hop) ?? { cells: [], bytes: 0 }
    const { bytes, bytesOfHop, hops } = this.#limits
    if (waiting.bytes + cell.length > bytesOfHop || this.#bytes + cell.length > bytes) return false
    if (waiting.bytes === 0) {
      if (this.#hops.size >= hops) return false
      this.#hops.set(hop, waiting)
    }
    waiting.cells.push(cell)
    waiting.bytes += cell.length
    this.#bytes += cell.length
    return true
  }

  /** All that wait for this hop, in the order in which they came; they wait no longer. */
  take(hop: string): ReadonlyArray<Uint8Array> {
    const waiting = this.#hops.get(hop)
    if (waiting === undefined) return []
    this.#hops.delete(hop)
    this.#bytes -= waiting.bytes
    return waiting.cells
  }
}
