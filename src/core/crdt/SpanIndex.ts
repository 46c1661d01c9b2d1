/**
 * The spans of one author in one sequence, by counter: chunks of handles, so that a span cut in the middle of a long
 * document moves a few hundred numbers and not all.
 */
import { COUNTER, LENGTH, NONE, type Spans, STRIDE } from "./Spans.ts"

const CHUNK = 256
/** What a chunk begins with: many authors have written little. */
const FIRST = 16

class Chunk {
  count = 0
  handles: Int32Array

  constructor(size: number) {
    this.handles = new Int32Array(size)
  }
}

export class SpanIndex {
  readonly #spans: Spans
  readonly #chunks: Array<Chunk> = [new Chunk(FIRST)]

  constructor(spans: Spans) {
    this.#spans = spans
  }

  /** The span that holds this counter, or NONE. */
  find(counter: number): number {
    const chunk = this.#chunks[this.#chunkOf(counter)]!
    const slot = this.#slotOf(chunk, counter)
    if (slot < 0) return NONE
    const handle = chunk.handles[slot]!
    const at = handle << STRIDE
    return counter - this.#spans.columns[at + COUNTER]! < this.#spans.columns[at + LENGTH]! ? handle : NONE
  }

  add(handle: number): void {
    const counter = this.#spans.columns[(handle << STRIDE) + COUNTER]!
    const index = this.#chunkOf(counter)
    const chunk = this.#chunks[index]!
    const slot = this.#slotOf(chunk, counter) + 1
    if (chunk.count < CHUNK) {
      if (chunk.count === chunk.handles.length) grow(chunk)
      chunk.handles.copyWithin(slot + 1, slot, chunk.count++)
      chunk.handles[slot] = handle
      return
    }
    // At the end, where most are added, the full chunk is left full.
    const kept = slot === CHUNK ? CHUNK : CHUNK >> 1
    const right = new Chunk(CHUNK)
    right.handles.set(chunk.handles.subarray(kept))
    right.count = CHUNK - kept
    chunk.count = kept
    this.#chunks.splice(index + 1, 0, right)
    if (right.count === 0) right.handles[right.count++] = handle
    else this.add(handle)
  }

  /** The first so many of these all at once, into an empty index; by counter. */
  fill(handles: Int32Array, count: number): void {
    this.#chunks.length = 0
    for (let at = 0; at < count; at += CHUNK) {
      const size = Math.min(CHUNK, count - at)
      const chunk = new Chunk(size)
      for (let slot = 0; slot < size; slot++) chunk.handles[slot] = handles[at + slot]!
      chunk.count = size
      this.#chunks.push(chunk)
    }
  }

  /** The last chunk whose first counter is not above this one. */
  #chunkOf(counter: number): number {
    const columns = this.#spans.columns
    let low = 0
    let high = this.#chunks.length - 1
    if (high > 0 && columns[(this.#chunks[high]!.handles[0]! << STRIDE) + COUNTER]! <= counter) return high
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (columns[(this.#chunks[middle]!.handles[0]! << STRIDE) + COUNTER]! <= counter) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The last of a chunk whose counter is not above this one; −1 where there is none. */
  #slotOf(chunk: Chunk, counter: number): number {
    const { columns } = this.#spans
    const { count, handles } = chunk
    if (count > 0 && columns[(handles[count - 1]! << STRIDE) + COUNTER]! <= counter) return count - 1
    let low = -1
    let high = count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (columns[(handles[middle]! << STRIDE) + COUNTER]! <= counter) low = middle
      else high = middle - 1
    }
    return low
  }
}

const grow = (chunk: Chunk): void => {
  const grown = new Int32Array(Math.min(CHUNK, 2 * chunk.count))
  grown.set(chunk.handles)
  chunk.handles = grown
}
