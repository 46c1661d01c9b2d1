/**
 * What is held back until its time comes, in the order of those times; at one time, in the order in which it came. Its
 * bytes have a limit. What is due furthest away makes room for what is due before it, and whoever brought something has a
 * share of the room: so nobody can take all of it by asking for long delays. A binary heap.
 */
export interface Holder {
  /** Bytes of it that are being held. */
  held: number
}

export interface HoldLimits {
  readonly bytes: number
  /** Bytes of one holder. */
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
  /** Each entry is before the two that stand at twice its place, and one and two further. */
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

  /** Answers what is held no longer, since it had to make room: this item itself, if nothing is due after it. */
  hold(item: A, bytes: number, due: number, holder: Holder): ReadonlyArray<A> {
    const limits = this.#limits
    if (bytes > limits.bytes || holder.held + bytes > limits.share) return [item]
    const entry = { due, turn: this.#turn++, item, bytes, holder }
    const gone: Array<A> = []
    while (this.#bytes + bytes > limits.bytes) {
      const last = this.#last()
      if (isBefore(this.#heap[last]!, entry)) return [...gone, item]
      gone.push(this.#leave(this.#remove(last)))
    }
    holder.held += bytes
    this.#bytes += bytes
    this.#rise(this.#heap.length, entry)
    return gone
  }

  /** What is due, which is held no longer. */
  release(now: number): ReadonlyArray<A> {
    const released: Array<A> = []
    while (this.#heap.length > 0 && this.#heap[0]!.due <= now) released.push(this.#leave(this.#remove(0)))
    return released
  }

  #leave({ bytes, holder, item }: Entry<A>): A {
    holder.held -= bytes
    this.#bytes -= bytes
    return item
  }

  /** The place of the entry that all others are before. It is one of the latter half, which are before none. */
  #last(): number {
    const heap = this.#heap
    let last = heap.length - 1
    for (let at = heap.length >> 1; at < heap.length; at++) if (isBefore(heap[last]!, heap[at]!)) last = at
    return last
  }

  #remove(at: number): Entry<A> {
    const heap = this.#heap
    const [entry, moved] = [heap[at]!, heap.pop()!]
    if (moved === entry) return entry
    const above = (at - 1) >> 1
    if (at > 0 && isBefore(moved, heap[above]!)) this.#rise(at, moved)
    else this.#sink(at, moved)
    return entry
  }

  /** Puts an entry in place, from a place that is free. */
  #rise(from: number, entry: Entry<A>): void {
    const heap = this.#heap
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      if (isBefore(heap[above]!, entry)) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = entry
  }

  #sink(from: number, entry: Entry<A>): void {
    const heap = this.#heap
    let at = from
    for (let below = 2 * at + 1; below < heap.length; below = 2 * at + 1) {
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
