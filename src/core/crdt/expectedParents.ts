/**
 * Where the first element of each span most likely was put, told from order and ids alone, so that a snapshot names only
 * the parents that are elsewhere. Two neighbours in a tree are parent and child, and the child is the later one: so who
 * wrote alone is always told right. Of others an author is taken to have known those whom he has named; when they wrote
 * is guessed, each author as if at one pace from the beginning to the lamport of his last batch.
 */
import type { Author, Authors } from "./Authors.ts"
import type { Columns } from "./Columns.ts"

/** The parent is the start of the sequence. */
export const AT_START = -1

const NOWHERE = -1

/** Of those whom an author has named, so many are looked at, and of each so many spans for one that is earlier. */
const KNOWN_LIMIT = 8
const STEPS_LIMIT = 8

/** Each n ≥ 0: right child of the last element of span n; `leftOf(n)`: left child of the first one; or AT_START. */
export const leftOf = (span: number): number => -2 - span

export const expectedParents = (columns: Columns, authors: Authors): Int32Array => {
  const { count } = columns
  const { all, marks } = authors
  const times = timesOf(columns, all)
  /** Of each span the nearest of its author beyond it that is earlier; in `marks` stands which of an author came last. */
  const beyond = new Int32Array(count)
  const lefts = new Int32Array(count)
  for (let span = 0; span < count; span++) {
    const author = columns.authors[span]!
    let left = marks[author]!
    if (left !== NOWHERE && times[left]! > times[span]!) left = own(span, beyond[left]!, beyond, times)
    beyond[span] = left
    marks[author] = span
    const known = all[author]!.authors
    for (let at = 0; at < known.length && at < KNOWN_LIMIT; at++)
      left = Math.max(left, earlier(span, marks[known[at]!.index]!, beyond, times))
    lefts[span] = left
  }
  unmark(columns, marks)
  for (let span = count - 1; span >= 0; span--) {
    const author = columns.authors[span]!
    let right = marks[author]!
    if (right !== NOWHERE && times[right]! > times[span]!) right = own(span, beyond[right]!, beyond, times)
    beyond[span] = right
    marks[author] = span
    const known = all[author]!.authors
    for (let at = 0; at < known.length && at < KNOWN_LIMIT; at++) {
      const found = earlier(span, marks[known[at]!.index]!, beyond, times)
      if (right === NOWHERE || (found !== NOWHERE && found < right)) right = found
    }
    if (right === NOWHERE) continue
    const left = lefts[span]!
    if (left === NOWHERE || times[right]! > times[left]!) lefts[span] = leftOf(right)
  }
  unmark(columns, marks)
  return lefts
}

/** As `marks` were. */
export const unmark = ({ authors, count }: Columns, marks: Int32Array): void => {
  if (marks.length <= count) marks.fill(NOWHERE)
  else for (let span = 0; span < count; span++) marks[authors[span]!] = NOWHERE
}

const timesOf = ({ authors, count, counters }: Columns, all: ReadonlyArray<Author>): Float64Array => {
  const times = new Float64Array(count)
  let [last, pace] = [NOWHERE, 0]
  for (let span = 0; span < count; span++) {
    const author = authors[span]!
    if (author !== last) {
      last = author
      pace = all[author]!.lamport / Math.max(1, all[author]!.next)
    }
    times[span] = (counters[span]! + 1) * pace
  }
  return times
}

/** From a span of the same author on, the nearest earlier one. */
const own = (span: number, from: number, beyond: Int32Array, times: Float64Array): number => {
  let at = from
  while (at !== NOWHERE && times[at]! > times[span]!) at = beyond[at]!
  return at
}

const earlier = (span: number, from: number, beyond: Int32Array, times: Float64Array): number => {
  let at = from
  for (let steps = 0; at !== NOWHERE && times[at]! > times[span]!; at = beyond[at]!) {
    if (++steps > STEPS_LIMIT) return NOWHERE
  }
  return at
}
