/**
 * The spans of one author in one sequence, by counter: chunks of handles, so that a span cut in the middle of a long
 * document moves a few hundred numbers and not all.
 */
import { COUNTER, LENGTH, NONE, type Spans, STRIDE } from "./Spans.ts"

const CHUNK = 256

interface Chunk {
  count: number
  readonly handles: Int32Array
}

export class SpanIndex {
  readonly #spans: Spans
  readonly #chunks: Array<Chunk> = [newChunk()]

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
      chunk.handles.copyWithin(slot + 1, slot, chunk.count++)
      chunk.handles[slot] = handle
      return
    }
    // At the end, where most are added, the full chunk is left full.
    const kept = slot === CHUNK ? CHUNK : CHUNK >> 1
    const right = newChunk()
    right.handles.set(chunk.handles.subarray(kept))
    right.count = CHUNK - kept
    chunk.count = kept
    this.#chunks.splice(index + 1, 0, right)
    if (right.count === 0) right.handles[right.count++] = handle
    else this.add(handle)
  }

  /** All at once, into an empty index; by counter. */
  fill(handles: Int32Array): void {
    this.#chunks.length = 0
    for (let at = 0; at === 0 || at < handles.length; at += CHUNK) {
      const chunk = newChunk()
      chunk.count = Math.min(CHUNK, handles.length - at)
      chunk.handles.set(handles.subarray(at, at + chunk.count))
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

const newChunk = (): Chunk => ({ count: 0, handles: new Int32Array(CHUNK) })
