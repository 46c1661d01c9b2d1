/**
 * The spans of a sequence in a snapshot, column after column:
 *
 *   uint        spans, in the order of the sequence
 *   uint each   4 · elements + 2 · wide + removed
 *   runs        2 · author + 1 ‖ uint (so many spans of that author in a row, two or more) · 2 · author (one)
 *   int each    counter, less where the author's span before ends
 *   parents     uint (so many are where expectedParents.ts expects them), and unless those were the last, one that is not:
 *               1: right child of the start · 2 ‖ n ‖ m: right child of an inner element, the one m behind the first of the
 *               nth span before · 2n + 1: right child of the last element of the nth before · 2n + 2: left child of the
 *               first element of the nth behind; n from 1
 *
 * Spans are the largest there can be (joinedSpans.ts), so that one state has one form, however it came about.
 */
import { type ByteWriter, putUint } from "#schemas/crdt/ByteWriter"
import type { Columns } from "./Columns.ts"
import { AT_START, expectedParents, leftOf, unmark } from "./expectedParents.ts"
import { joinedSpans, placesOf } from "./joinedSpans.ts"
import type { Rga } from "./Rga.ts"
import { IS_LEFT, NO_AUTHOR, REMOVED, WIDE } from "./Spans.ts"

export const START_CODE = 1
export const INNER_CODE = 2

/** Of any number in these columns, and of both where a row of spans is said in two. */
const NUMBER_BYTES = 5

/** `ranks`: the number in the snapshot of each author. */
export const writeSpans = (out: ByteWriter, rga: Rga, ranks: Int32Array): void => {
  const joined = joinedSpans(rga)
  out.uint(joined.count)
  writeElements(out, joined)
  writeAuthors(out, joined, ranks)
  writeCounters(out, joined, rga.authors.marks)
  writeParents(out, rga, joined)
}

/** Numbers are put in place by hand, for there are very many: some calls less for each. */
const writeElements = (out: ByteWriter, { count, flags, lengths }: Columns): void => {
  const bytes = out.room(NUMBER_BYTES * count)
  let to = out.length
  for (let at = 0; at < count; at++) {
    const flag = flags[at]!
    const code = 4 * lengths[at]! + 2 * (flag & WIDE) + ((flag & REMOVED) >> 1)
    if (code < 0x80) bytes[to++] = code
    else to = putUint(bytes, to, code)
  }
  out.length = to
}

const writeAuthors = (out: ByteWriter, { authors, count }: Columns, ranks: Int32Array): void => {
  const bytes = out.room(NUMBER_BYTES * count)
  let to = out.length
  for (let from = 0, end = 0; from < count; from = end) {
    const author = authors[from]!
    while (end < count && authors[end] === author) end++
    to = putUint(bytes, to, 2 * ranks[author]! + (end - from > 1 ? 1 : 0))
    if (end - from > 1) to = putUint(bytes, to, end - from)
  }
  out.length = to
}

const writeCounters = (out: ByteWriter, joined: Columns, ends: Int32Array): void => {
  const { authors, count, counters, lengths } = joined
  const bytes = out.room(NUMBER_BYTES * count)
  let to = out.length
  for (let at = 0; at < count; at++) {
    const author = authors[at]!
    const counter = counters[at]!
    const end = ends[author]!
    const more = end < 0 ? counter : counter - end
    const code = more < 0 ? -2 * more - 1 : 2 * more
    if (code < 0x80) bytes[to++] = code
    else to = putUint(bytes, to, code)
    ends[author] = counter + lengths[at]!
  }
  out.length = to
  unmark(joined, ends)
}

const writeParents = (out: ByteWriter, rga: Rga, joined: Columns): void => {
  const { count } = joined
  const expected = expectedParents(joined, rga.authors)
  /** Told only once there is a parent that is elsewhere: as a rule there is none. */
  let places: Int32Array | undefined
  let from = 0
  for (let rank = 0; rank < count; rank++) {
    if (isExpected(joined, rank, expected[rank]!)) continue
    out.uint(rank - from)
    from = rank + 1
    places ??= placesOf(rga, joined)
    writeParent(out, rga, joined, rank, places)
  }
  out.uint(count - from)
}

const isExpected = (joined: Columns, rank: number, guess: number): boolean => {
  const author = joined.parentAuthors[rank]!
  if (guess === AT_START) return author === NO_AUTHOR
  const parent = joined.parentCounters[rank]!
  const isLeft = (joined.flags[rank]! & IS_LEFT) !== 0
  if (guess >= 0)
    return (
      !isLeft && author === joined.authors[guess] && parent === joined.counters[guess]! + joined.lengths[guess]! - 1
    )
  const behind = leftOf(guess)
  return isLeft && author === joined.authors[behind] && parent === joined.counters[behind]
}

const writeParent = (out: ByteWriter, rga: Rga, joined: Columns, rank: number, places: Int32Array): void => {
  const author = joined.parentAuthors[rank]!
  if (author === NO_AUTHOR) {
    out.uint(START_CODE)
    return
  }
  const parent = joined.parentCounters[rank]!
  const place = places[rga.find(author, parent)]!
  const inner = parent - joined.counters[place]!
  if ((joined.flags[rank]! & IS_LEFT) !== 0) out.uint(2 * (place - rank) + 2)
  else if (inner === joined.lengths[place]! - 1) out.uint(2 * (rank - place) + 1)
  else {
    out.uint(INNER_CODE)
    out.uint(rank - place)
    out.uint(inner)
  }
}
