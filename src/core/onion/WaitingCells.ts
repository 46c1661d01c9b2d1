/**
 * Cells whose next hop is being dialled. Strangers name those hops, so their number and the bytes that wait for each of
 * them have a limit. When there are too many, the one that has been waited for longest is given up: whoever names hops
 * that do not answer keeps nobody from those that do.
 */
export interface WaitingLimits {
  readonly hops: number
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

  /** The hop that has to be given up before another one is begun, if there are too many. */
  tooMany(): string | undefined {
    return this.#hops.size < this.#limits.hops ? undefined : this.#hops.keys().next().value
  }

  /** Begins to wait for a hop. */
  begin(hop: string): void {
    this.#hops.set(hop, { cells: [], bytes: 0 })
  }

  /** For a hop that is being waited for. False where there is no room for it. */
  add(hop: string, cell: Uint8Array): boolean {
    const waiting = this.#hops.get(hop)
    if (waiting === undefined || waiting.bytes + cell.length > this.#limits.bytesOfHop) return false
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
