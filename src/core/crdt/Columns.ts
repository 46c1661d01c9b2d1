/**
 * Spans in the order of the sequence, column by column: what a snapshot has of them.
 *
 * The columns of one sequence are used for those of the next. That spares the memory; above all V8 forgets what it has
 * learnt of a shape with the last object of it, and would begin anew at every snapshot.
 */

/** What is kept for the next: some 600 kB at most. */
const KEPT_LIMIT = 2 ** 15
const FIRST = 256

export class Columns {
  count = 0
  readonly room: number
  /** By index. */
  readonly authors: Int32Array
  /** Counters of the first elements. */
  readonly counters: Int32Array
  readonly lengths: Int32Array
  /** Of these, REMOVED and WIDE, and of those that are written IS_LEFT: where the parent below is to the right. */
  readonly flags: Uint8Array
  /** Of those that are written: where the first element was put, with NO_AUTHOR for the start of the sequence. */
  readonly parentAuthors: Int32Array
  readonly parentCounters: Int32Array

  constructor(room: number) {
    this.room = room
    this.authors = new Int32Array(room)
    this.counters = new Int32Array(room)
    this.lengths = new Int32Array(room)
    this.flags = new Uint8Array(room)
    this.parentAuthors = new Int32Array(room)
    this.parentCounters = new Int32Array(room)
  }
}

let kept = new Columns(FIRST)

/** Columns for so many, with whatever was in them before: until the next ones are asked for. */
export const columnsFor = (count: number): Columns => {
  if (count > kept.room) {
    if (count > KEPT_LIMIT) return new Columns(count)
    kept = new Columns(Math.min(KEPT_LIMIT, 2 * count))
  }
  kept.count = 0
  return kept
}
