/**
 * What is held back until its time comes, in the order of those times; at one time, in the order in which it came. Both
 * number and bytes have a limit, and whoever brought something has a share of the number, so that nobody can take all
 * the room by asking for long delays. A binary heap: some 0.2 µs each way with thousands in it.
 */
export interface Holder {
  /** What of it is being held. */
  held: number
}

export interface HoldLimits {
  readonly items: number
  readonly bytes: number
  /** Items of one holder. */
  readonly share: number
}

interface Entry<A> {
  readonly due: number
  /** Counts entries, since a heap forgets who came first. */
  readonly turn: number
  readonly item: A
  readonly bytes: number
  readonly holder: Holder
}

export class HoldQueue<A> {
  readonly #limits: HoldLimits
  /** Each entry is due no later than the two at twice its place and one or two further. */
  readonly #heap: Array<Entry<A>> = []
  #bytes = 0
  #turn = 0

  constructor(limits: HoldLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#heap.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** When the next one is due. */
  next(): number | undefined {
    return this.#heap[0]?.due
  }

  /** False where there is no room for it. */
  hold(item: A, bytes: number, due: number, holder: Holder): boolean {
    const limits = this.#limits
    if (this.#heap.length >= limits.items || this.#bytes + bytes > limits.bytes) return false
    if (holder.held >= limits.share) return false
    holder.held++
    this.#bytes += bytes
    this.#rise({ due, turn: this.#turn++, item, bytes, holder })
    return true
  }

  /** What is due, which is held no longer. */
  release(now: number): ReadonlyArray<A> {
    const released: Array<A> = []
    for (let first = this.#heap[0]; first !== undefined && first.due <= now; first = this.#heap[0]) {
      const last = this.#heap.pop()!
      if (last !== first) this.#sink(last)
      first.holder.held--
      this.#bytes -= first.bytes
      released.push(first.item)
    }
    return released
  }

  #rise(entry: Entry<A>): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const above = (at - 1) >> 1
      if (isBefore(heap[above]!, entry)) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = entry
  }

  /** From the top, whose entry is gone. */
  #sink(entry: Entry<A>): void {
    const heap = this.#heap
    let at = 0
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      if (isBefore(entry, heap[below]!)) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = entry
  }
}

const isBefore = (one: Entry<unknown>, other: Entry<unknown>): boolean =>
  one.due < other.due || (one.due === other.due && one.turn < other.turn)
