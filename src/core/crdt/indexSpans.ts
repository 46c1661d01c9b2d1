/**
 * The index of a sequence that was loaded: the spans of each author by counter. An author's ids have few gaps as a rule,
 * so each span is put where its counter is, in a row of places, and nothing is compared; where there are more gaps than
 * that is worth, numbers are sorted.
 */
import type { Columns } from "./Columns.ts"
import { unmark } from "./expectedParents.ts"
import type { Rga } from "./Rga.ts"

/** Places for each span of an author, at most, and so many for any author. */
const PLACES = 16
const FEW_PLACES = 256

/** Handles are places in `columns`; false if an id is in two spans. */
export const indexSpans = (rga: Rga, columns: Columns): boolean => {
  const { authors, count, counters } = columns
  const { marks } = rga.authors
  /** Of each span the one before by the same author; the last is in `marks`. */
  const before = new Int32Array(count)
  for (let span = 0; span < count; span++) {
    const author = authors[span]!
    before[span] = marks[author]!
    marks[author] = span
  }
  const sorted = new Int32Array(count)
  let places = new Int32Array(FEW_PLACES)
  let isOnce = true
  for (let span = count - 1; span >= 0 && isOnce; span--) {
    const author = authors[span]!
    if (marks[author] !== span) continue
    let low = counters[span]!
    let high = low
    let spans = 1
    for (let it = before[span]!; it >= 0; it = before[it]!, spans++) {
      low = Math.min(low, counters[it]!)
      high = Math.max(high, counters[it]!)
    }
    const needed = high - low + 1
    if (needed > PLACES * spans + FEW_PLACES) isOnce = compare(columns, before, span, spans, sorted)
    else {
      if (needed > places.length) places = new Int32Array(2 * needed)
      isOnce = lay(columns, before, span, low, needed, places, sorted) === spans
    }
    rga.indexOf(author).fill(sorted, spans)
  }
  unmark(columns, marks)
  return isOnce
}

/**
 * Through places for all counters from `low` on, which are zeros before and after. Answers how many spans were come by:
 * not those that begin where another one does, or within it.
 */
const lay = (
  { counters, lengths }: Columns,
  before: Int32Array,
  last: number,
  low: number,
  end: number,
  places: Int32Array,
  sorted: Int32Array
): number => {
  for (let span = last; span >= 0; span = before[span]!) places[counters[span]! - low] = span + 1
  let found = 0
  for (let place = 0; place < end; ) {
    const span = places[place]! - 1
    if (span < 0) place++
    else {
      places[place] = 0
      sorted[found++] = span
      place += lengths[span]!
    }
  }
  return found
}

const compare = (
  { count, counters, lengths }: Columns,
  before: Int32Array,
  last: number,
  spans: number,
  sorted: Int32Array
): boolean => {
  // Numbers alone are sorted many times faster than with a comparison.
  const keys = new Float64Array(spans)
  let at = 0
  for (let span = last; span >= 0; span = before[span]!) keys[at++] = counters[span]! * count + span
  keys.sort()
  let end = 0
  for (at = 0; at < spans; at++) {
    const span = keys[at]! % count
    if (counters[span]! < end) return false
    end = counters[span]! + lengths[span]!
    sorted[at] = span
  }
  return true
}
