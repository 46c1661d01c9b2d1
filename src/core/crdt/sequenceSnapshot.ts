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
 * Spans are the largest there can be, so that one state has one form, however it came about.
 */
import type { ByteReader } from "#schemas/crdt/ByteReader"
import { type ByteWriter, putUint, UINT_BYTES } from "#schemas/crdt/ByteWriter"
import type { Author, Authors } from "./Authors.ts"
import { AT_START, type Columns, expectedParents, leftOf, unmark } from "./expectedParents.ts"
import type { Rga } from "./Rga.ts"
import {
  AUTHOR,
  COUNTER,
  FLAGS,
  HAS_LEFT,
  HAS_RIGHT,
  IS_LEFT,
  LENGTH,
  NO_AUTHOR,
  NONE,
  PARENT_AUTHOR,
  PARENT_COUNTER,
  REMOVED,
  RUN,
  STRIDE,
  WIDE
} from "./Spans.ts"

const START_CODE = 1
const INNER_CODE = 2

/** Handles times counters stay whole numbers up to so many spans. */
const SPANS_LIMIT = 2 ** 22

/** `ranks`: the number in the snapshot of each author. */
export const writeSpans = (out: ByteWriter, rga: Rga, ranks: ReadonlyArray<number>): void => {
  const large = largeSpans(rga)
  const { authors, count, flags, lengths } = large
  out.uint(count)
  // Put in place by hand, for there are very many: some calls less for each.
  const bytes = out.room(3 * UINT_BYTES * count)
  let to = out.length
  for (let at = 0; at < count; at++) {
    const flag = flags[at]!
    const code = 4 * lengths[at]! + 2 * (flag & WIDE) + ((flag & REMOVED) >> 1)
    if (code < 0x80) bytes[to++] = code
    else to = putUint(bytes, to, code)
  }
  for (let from = 0, end = 0; from < count; from = end) {
    const author = authors[from]!
    while (end < count && authors[end] === author) end++
    to = putUint(bytes, to, 2 * ranks[author]! + (end - from > 1 ? 1 : 0))
    if (end - from > 1) to = putUint(bytes, to, end - from)
  }
  out.length = to
  writeCounters(out, large, rga.authors.marks)
  writeParents(out, rga, large)
}

const writeCounters = (out: ByteWriter, large: LargeSpans, ends: Int32Array): void => {
  const { authors, count, counters, lengths } = large
  const bytes = out.room(UINT_BYTES * count)
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
  unmark(large, ends)
}

interface LargeSpans extends Columns {
  /** The first handle of each. */
  readonly handles: Int32Array
  /** By handle. */
  readonly ranks: Int32Array
}

/** Neighbours joined that were cut for reasons of the past. */
const largeSpans = ({ spans, tree }: Rga): LargeSpans => {
  const { columns } = spans
  const size = spans.count
  const order = tree.inOrder(size)
  const [handles, ranks] = [new Int32Array(size), new Int32Array(size)]
  const [authors, counters, lengths] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)]
  const flags = new Uint8Array(size)
  let last = -1
  /** The run that the last span belongs to. */
  let run = 0
  for (let place = 0; place < size; place++) {
    const handle = order[place]!
    const at = handle << STRIDE
    const author = columns[at + AUTHOR]!
    const counter = columns[at + COUNTER]!
    const flag = columns[at + FLAGS]! & (REMOVED | WIDE)
    const goesOn =
      last >= 0 &&
      counter === counters[last]! + lengths[last]! &&
      columns[at + RUN] === run &&
      author === authors[last] &&
      flag === flags[last]
    if (goesOn) lengths[last]! += columns[at + LENGTH]!
    else {
      last++
      handles[last] = handle
      authors[last] = author
      counters[last] = counter
      lengths[last] = columns[at + LENGTH]!
      flags[last] = flag
      run = columns[at + RUN]!
    }
    ranks[handle] = last
  }
  return { count: last + 1, handles, ranks, authors, counters, lengths, flags }
}

const writeParents = (out: ByteWriter, rga: Rga, large: LargeSpans): void => {
  const { columns } = rga.spans
  const { authors, count, counters, handles, lengths } = large
  const expected = expectedParents(large, rga.authors)
  let from = 0
  for (let rank = 0; rank < count; rank++) {
    const at = handles[rank]! << STRIDE
    const counter = counters[rank]!
    const isFirst = columns[at + RUN] === counter
    const author = isFirst ? columns[at + PARENT_AUTHOR]! : authors[rank]!
    const parent = isFirst ? columns[at + PARENT_COUNTER]! : counter - 1
    const isLeft = isFirst && (columns[at + FLAGS]! & IS_LEFT) !== 0
    const guess = expected[rank]!
    const isExpected =
      guess === AT_START
        ? author === NO_AUTHOR
        : guess >= 0
          ? !isLeft && author === authors[guess] && parent === counters[guess]! + lengths[guess]! - 1
          : isLeft && author === authors[leftOf(guess)] && parent === counters[leftOf(guess)]
    if (isExpected) continue
    out.uint(rank - from)
    from = rank + 1
    if (author === NO_AUTHOR) {
      out.uint(START_CODE)
      continue
    }
    const place = large.ranks[rga.find(author, parent)]!
    const inner = parent - counters[place]!
    if (isLeft) out.uint(2 * (place - rank) + 2)
    else if (inner === lengths[place]! - 1) out.uint(2 * (rank - place) + 1)
    else {
      out.uint(INNER_CODE)
      out.uint(rank - place)
      out.uint(inner)
    }
  }
  out.uint(count - from)
}

/** Into an empty sequence. Handles are in the order of the sequence; offsets of content are left to the caller. */
export const readSpans = (from: ByteReader, rga: Rga, authors: ReadonlyArray<Author>): void => {
  const columns = readColumns(from, rga.authors, authors)
  const { spans } = rga
  spans.reserve(columns.count)
  for (let handle = 0; handle < columns.count; handle++) {
    const { authors, counters, flags, lengths } = columns
    spans.add(authors[handle]!, counters[handle]!, lengths[handle]!, 0, flags[handle]!)
  }
  if (from.refusal === undefined) readParents(from, rga, columns)
  if (from.refusal === undefined) index(from, rga, columns)
  if (from.refusal === undefined) rga.tree.fill(columns.count)
}

/** Each span takes at least a byte, so there is no more of them than of bytes. */
const readColumns = (from: ByteReader, { all, marks }: Authors, inOrder: ReadonlyArray<Author>): Columns => {
  let count = from.uint()
  if (count > from.end - from.at || count > SPANS_LIMIT) count = from.fail("too many spans")
  const [authors, counters, lengths] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)]
  const flags = new Uint8Array(count)
  const codes = from.uints(count)
  for (let at = 0; at < count; at++) {
    const code = codes[at]!
    if (code < 4 || code > 0xffffffff || (code & 3) === 3) from.fail("malformed span")
    lengths[at] = code >>> 2
    flags[at] = (code & 1 ? REMOVED : 0) | (code & 2 ? WIDE : 0)
  }
  for (let at = 0; at < count && from.refusal === undefined; ) {
    const code = from.uint()
    const author = inOrder[Math.floor(code / 2)]
    const end = at + (code % 2 === 0 ? 1 : from.uint())
    if (author === undefined || end > count || end === at) from.fail("malformed author")
    else {
      authors.fill(author.index, at, end)
      at = end
    }
  }
  const columns = { count, authors, counters, lengths, flags }
  const distances = from.uints(from.refusal === undefined ? count : 0)
  for (let at = 0; at < distances.length && from.refusal === undefined; at++) {
    const author = authors[at]!
    const code = distances[at]!
    const counter = (code % 2 === 0 ? code / 2 : -(code + 1) / 2) + Math.max(0, marks[author]!)
    const end = counter + lengths[at]!
    if (counter < 0 || end > all[author]!.next) from.fail("id that is not given")
    counters[at] = counter
    marks[author] = end
  }
  unmark(columns, marks)
  return columns
}

const readParents = (from: ByteReader, rga: Rga, columns: Columns): void => {
  const { count } = columns
  const { lengths } = columns
  const expected = expectedParents(columns, rga.authors)
  let other = from.uint()
  for (let span = 0; span < count && from.refusal === undefined; span++) {
    if (span < other) {
      const guess = expected[span]!
      if (guess === AT_START) setParent(rga, span, NONE, 0, false)
      else if (guess >= 0) setParent(rga, span, guess, lengths[guess]! - 1, false)
      else setParent(rga, span, leftOf(guess), 0, true)
      continue
    }
    const code = from.uint()
    const isLeft = code > INNER_CODE && code % 2 === 0
    const distance = code === START_CODE ? 0 : code === INNER_CODE ? from.uint() : (code - 1) >> 1
    const parent = isLeft ? span + distance : span - distance
    if (parent < 0 || parent >= count || code === 0 || (distance === 0) !== (code === START_CODE)) {
      from.fail("no such parent")
      return
    }
    const inner = isLeft ? 0 : code === INNER_CODE ? from.uint() : lengths[parent]! - 1
    if (code === INNER_CODE && inner >= lengths[parent]! - 1) from.fail("no inner element")
    setParent(rga, span, code === START_CODE ? NONE : parent, inner, isLeft)
    other = span + 1 + from.uint()
  }
  if (other !== count) from.fail("another number of parents")
}

/** `parent` stands behind a left child and before a right one; so a way up one side always ends. */
const setParent = ({ spans }: Rga, span: number, parent: number, inner: number, isLeft: boolean): void => {
  const { columns } = spans
  const at = span << STRIDE
  if (parent === NONE) {
    spans.setRun(span, columns[at + COUNTER]!, NO_AUTHOR, 0)
    return
  }
  const its = parent << STRIDE
  const counter = columns[its + COUNTER]! + inner
  if (isLeft) {
    columns[at + FLAGS]! |= IS_LEFT
    columns[its + FLAGS]! |= HAS_LEFT
  } else if (inner === columns[its + LENGTH]! - 1) {
    columns[its + FLAGS]! |= HAS_RIGHT
    if (columns[its + AUTHOR] === columns[at + AUTHOR] && counter === columns[at + COUNTER]! - 1) {
      spans.copyRun(span, parent)
      return
    }
  }
  spans.setRun(span, columns[at + COUNTER]!, columns[its + AUTHOR]!, counter)
}

/** The spans of each author, sorted by counter. */
const index = (from: ByteReader, rga: Rga, columns: Columns): void => {
  const { authors, count, counters, lengths } = columns
  const { marks } = rga.authors
  /** Of each span the one before by the same author; the last is in `marks`. */
  const before = new Int32Array(count)
  const places = new Int32Array(count)
  for (let span = 0; span < count; span++) {
    const last = marks[authors[span]!]!
    before[span] = last
    places[span] = last < 0 ? 0 : places[last]! + 1
    marks[authors[span]!] = span
  }
  for (let span = count - 1; span >= 0; span--) {
    const author = authors[span]!
    if (marks[author] !== span) continue
    // Numbers alone are sorted many times faster than with a comparison.
    const keys = new Float64Array(places[span]! + 1)
    for (let at = span; at >= 0; at = before[at]!) keys[places[at]!] = counters[at]! * count + at
    keys.sort()
    const handles = new Int32Array(keys.length)
    let end = 0
    for (let at = 0; at < handles.length; at++) {
      const handle = keys[at]! % count
      if (counters[handle]! < end) from.fail("id given twice")
      end = counters[handle]! + lengths[handle]!
      handles[at] = handle
    }
    rga.indexOf(author).fill(handles)
  }
  unmark(columns, marks)
}
