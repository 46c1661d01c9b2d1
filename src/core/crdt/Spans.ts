/**
 * The elements of a sequence as spans: elements of one author with counters in a row, each the right child of the one
 * before, all visible or all removed. A span is eight numbers in one growing array; its handle is its place there.
 *
 * A run is what spans are pieces of: it began with an element that was put at a parent of its own, and every further
 * one is the right child of its predecessor. So the parent is kept for the first element of the run alone, and a span
 * that is cut takes it along.
 */
import type { Block } from "./Block.ts"
import type { Columns } from "./Columns.ts"

export const AUTHOR = 0
/** Of the first element. */
export const COUNTER = 1
/** Elements. */
export const LENGTH = 2
/** Where the content of the first element is in its author's store. */
export const OFFSET = 3
export const FLAGS = 4
/** Counter of the run's first element, and its parent; the author is NO_AUTHOR where that is the start. */
export const RUN = 5
export const PARENT_AUTHOR = 6
export const PARENT_COUNTER = 7
/** A handle's place in the array: `handle << STRIDE`. */
export const STRIDE = 3

/** Each element takes two units: a code point outside of the basic plane. Not kept for removed ones. */
export const WIDE = 1
export const REMOVED = 2
/** The first element has left children. Such a span is never preceded by the rest of its run. */
export const HAS_LEFT = 4
/** The last element has right children. */
export const HAS_RIGHT = 8
/** The run's first element is a left child. */
export const IS_LEFT = 16

export const NONE = -1
export const NO_AUTHOR = -1

const FIRST = 16

export class Spans {
  columns = new Int32Array(FIRST << STRIDE)
  count = 0
  /** The leaf of the tree that holds a span. */
  readonly leaf: Array<Block> = []

  /** A span without a place yet. */
  add(author: number, counter: number, length: number, offset: number, flags: number): number {
    const handle = this.count++
    const at = handle << STRIDE
    if (at === this.columns.length) {
      const grown = new Int32Array(2 * at)
      grown.set(this.columns)
      this.columns = grown
    }
    const columns = this.columns
    columns[at + AUTHOR] = author
    columns[at + COUNTER] = counter
    columns[at + LENGTH] = length
    columns[at + OFFSET] = offset
    columns[at + FLAGS] = flags
    return handle
  }

  /** All at once, without places yet and without content, into empty ones. */
  fill({ authors, count, counters, flags, lengths }: Columns): void {
    if (count > FIRST) this.columns = new Int32Array(count << STRIDE)
    const columns = this.columns
    for (let handle = 0, at = 0; handle < count; handle++, at += 1 << STRIDE) {
      columns[at + AUTHOR] = authors[handle]!
      columns[at + COUNTER] = counters[handle]!
      columns[at + LENGTH] = lengths[handle]!
      columns[at + FLAGS] = flags[handle]!
    }
    this.count = count
  }

  setRun(handle: number, start: number, parentAuthor: number, parentCounter: number): void {
    const at = handle << STRIDE
    this.columns[at + RUN] = start
    this.columns[at + PARENT_AUTHOR] = parentAuthor
    this.columns[at + PARENT_COUNTER] = parentCounter
  }

  copyRun(handle: number, from: number): void {
    const [at, source] = [handle << STRIDE, from << STRIDE]
    this.columns.copyWithin(at + RUN, source + RUN, source + PARENT_COUNTER + 1)
    this.columns[at + FLAGS] = this.columns[at + FLAGS]! | (this.columns[source + FLAGS]! & IS_LEFT)
  }

  /** Visible units: UTF-16 of text, values of a list. */
  units(handle: number): number {
    const at = handle << STRIDE
    const flags = this.columns[at + FLAGS]!
    return (flags & REMOVED) !== 0 ? 0 : this.columns[at + LENGTH]! << (flags & WIDE)
  }

  /** Whether the second span goes on where the first ends, in the same run. */
  goesOn(first: number, second: number): boolean {
    const [a, b] = [first << STRIDE, second << STRIDE]
    const columns = this.columns
    return (
      columns[a + AUTHOR] === columns[b + AUTHOR] &&
      columns[a + COUNTER]! + columns[a + LENGTH]! === columns[b + COUNTER] &&
      columns[a + RUN] === columns[b + RUN]
    )
  }
}
