/**
 * The spans of a sequence in a snapshot, column after column:
 *
 *   uint        spans, in the order of the sequence
 *   uint each   4 · elements + 2 · wide + removed
 *   runs        author ‖ uint (spans in a row of that author)
 *   int each    counter, less where the author's span before ends
 *   uint each   0: goes on in its run · 1: right child of the start · 2 ‖ n ‖ m: right child of an inner element, the one m
 *               behind the first of the nth span before · 2n + 1: right child of the last element of the nth before ·
 *               2n + 2: left child of the first element of the nth behind; n from 1
 *
 * Spans are the largest there can be, so that one state has one form, however it came about.
 */
import type { ByteReader } from "#schemas/crdt/ByteReader"
import type { ByteWriter } from "#schemas/crdt/ByteWriter"
import type { Author } from "./Authors.ts"
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

const GOES_ON = 0
const AT_START = 1
const AT_INNER = 2

/** Handles times counters stay whole numbers up to so many spans. */
const SPANS_LIMIT = 2 ** 22

/** `ranks`: the number in the snapshot of each author. */
export const writeSpans = (out: ByteWriter, rga: Rga, ranks: ReadonlyArray<number>): void => {
  const { columns } = rga.spans
  const large = largeSpans(rga)
  const { count, firsts, lengths } = large
  out.uint(count)
  for (let at = 0; at < count; at++) {
    const flags = columns[(firsts[at]! << STRIDE) + FLAGS]!
    out.uint(4 * lengths[at]! + 2 * (flags & WIDE) + (flags & REMOVED ? 1 : 0))
  }
  for (let from = 0, to = 0; from < count; from = to) {
    const author = columns[(firsts[from]! << STRIDE) + AUTHOR]!
    while (to < count && columns[(firsts[to]! << STRIDE) + AUTHOR] === author) to++
    out.uint(ranks[author]!)
    out.uint(to - from)
  }
  const ends = new Int32Array(rga.authors.all.length)
  for (let at = 0; at < count; at++) {
    const its = firsts[at]! << STRIDE
    const [author, counter] = [columns[its + AUTHOR]!, columns[its + COUNTER]!]
    out.int(counter - ends[author]!)
    ends[author] = counter + lengths[at]!
  }
  for (let at = 0; at < count; at++) writeParent(out, rga, large, at)
}

interface LargeSpans {
  readonly count: number
  /** The first handle of each. */
  readonly firsts: Int32Array
  readonly lengths: Int32Array
  /** By handle. */
  readonly ranks: Int32Array
}

/** Neighbours joined that were cut for reasons of the past. */
const largeSpans = ({ spans, tree }: Rga): LargeSpans => {
  const { columns } = spans
  const [firsts, lengths, ranks] = [spans.count, spans.count, spans.count].map((size) => new Int32Array(size)) as [
    Int32Array,
    Int32Array,
    Int32Array
  ]
  let count = 0
  let last = NONE
  tree.forEach((handle) => {
    const at = handle << STRIDE
    const isSame =
      last !== NONE && ((columns[(last << STRIDE) + FLAGS]! ^ columns[at + FLAGS]!) & (REMOVED | WIDE)) === 0
    if (!isSame || !spans.goesOn(last, handle)) firsts[count++] = handle
    lengths[count - 1]! += columns[at + LENGTH]!
    ranks[handle] = count - 1
    last = handle
  })
  return { count, firsts, lengths, ranks }
}

const writeParent = (out: ByteWriter, rga: Rga, { firsts, lengths, ranks }: LargeSpans, rank: number): void => {
  const { columns } = rga.spans
  const at = firsts[rank]! << STRIDE
  if (columns[at + RUN] !== columns[at + COUNTER]) {
    out.byte(GOES_ON)
    return
  }
  if (columns[at + PARENT_AUTHOR] === NO_AUTHOR) {
    out.byte(AT_START)
    return
  }
  const counter = columns[at + PARENT_COUNTER]!
  const parent = ranks[rga.find(columns[at + PARENT_AUTHOR]!, counter)]!
  const inner = counter - columns[(firsts[parent]! << STRIDE) + COUNTER]!
  if ((columns[at + FLAGS]! & IS_LEFT) !== 0) out.uint(2 * (parent - rank) + 2)
  else if (inner === lengths[parent]! - 1) out.uint(2 * (rank - parent) + 1)
  else {
    out.byte(AT_INNER)
    out.uint(rank - parent)
    out.uint(inner)
  }
}

/** Into an empty sequence. Handles are in the order of the sequence; offsets of content are left to the caller. */
export const readSpans = (from: ByteReader, rga: Rga, authors: ReadonlyArray<Author>): void => {
  const { spans } = rga
  const count = from.uint()
  if (count > from.end - from.at || count > SPANS_LIMIT) {
    from.fail("too many spans")
    return
  }
  spans.reserve(count)
  for (let handle = 0; handle < count; handle++) {
    const code = from.uint()
    if (code < 4 || code > 0xffffffff || (code & 3) === 3) from.fail("malformed span")
    spans.add(0, 0, code >>> 2, 0, (code & 1 ? REMOVED : 0) | (code & 2 ? WIDE : 0))
  }
  const columns = spans.columns
  /** The handles of each author, in the order of the sequence, then by counter. */
  const byAuthor = new Map<Author, Array<number>>()
  for (let handle = 0; handle < count && from.refusal === undefined; ) {
    const author = authors[from.uint()]
    const end = handle + from.uint()
    if (author === undefined || end > count || end === handle) {
      from.fail("malformed author")
      break
    }
    let own = byAuthor.get(author)
    if (own === undefined) byAuthor.set(author, (own = []))
    for (; handle < end; handle++) {
      columns[(handle << STRIDE) + AUTHOR] = author.index
      own.push(handle)
    }
  }
  const ends: Array<number> = authors.map(() => 0)
  const nexts: Array<number> = []
  for (const { index, next } of authors) nexts[index] = next
  for (let handle = 0; handle < count; handle++) {
    const at = handle << STRIDE
    const author = columns[at + AUTHOR]!
    const counter = from.int() + (ends[author] ?? 0)
    const end = counter + columns[at + LENGTH]!
    if (counter < 0 || end > (nexts[author] ?? 0)) from.fail("id that is not given")
    columns[at + COUNTER] = counter
    ends[author] = end
  }
  for (let handle = 0; handle < count && from.refusal === undefined; handle++) readParent(from, rga, handle, count)
  if (from.refusal !== undefined) return
  for (const [author, own] of byAuthor) index(from, rga, author, own)
  if (from.refusal === undefined) rga.tree.fill(count)
}

const readParent = (from: ByteReader, { spans }: Rga, handle: number, count: number): void => {
  const columns = spans.columns
  const at = handle << STRIDE
  const code = from.uint()
  if (code === GOES_ON) {
    columns[at + RUN] = -1
    return
  }
  const isLeft = code > AT_INNER && code % 2 === 0
  const distance = code === AT_START ? 0 : code === AT_INNER ? from.uint() : (code - 1) >> 1
  const parent = isLeft ? handle + distance : handle - distance
  if (parent < 0 || parent >= count || (distance === 0 && code !== AT_START)) {
    from.fail("no such parent")
    return
  }
  const its = parent << STRIDE
  const inner = isLeft ? 0 : code === AT_INNER ? from.uint() : columns[its + LENGTH]! - 1
  if (code === AT_INNER && inner >= columns[its + LENGTH]! - 1) from.fail("no inner element")
  if (code === AT_START) spans.setRun(handle, columns[at + COUNTER]!, NO_AUTHOR, 0)
  else {
    spans.setRun(handle, columns[at + COUNTER]!, columns[its + AUTHOR]!, columns[its + COUNTER]! + inner)
    if (isLeft) {
      columns[at + FLAGS]! |= IS_LEFT
      columns[its + FLAGS]! |= HAS_LEFT
    } else if (code !== AT_INNER) columns[its + FLAGS]! |= HAS_RIGHT
  }
}

/** Sorts an author's spans by counter, and gives those that go on the run of their predecessor. */
const index = (from: ByteReader, rga: Rga, author: Author, own: ReadonlyArray<number>): void => {
  const { spans } = rga
  const columns = spans.columns
  const count = spans.count
  // Numbers alone are sorted many times faster than with a comparison.
  const keys = new Float64Array(own.length)
  for (let at = 0; at < keys.length; at++) keys[at] = columns[(own[at]! << STRIDE) + COUNTER]! * count + own[at]!
  keys.sort()
  const handles = new Int32Array(keys.length)
  for (let at = 0; at < keys.length; at++) handles[at] = keys[at]! % count
  let end = 0
  let previous = -1
  for (const handle of handles) {
    const at = handle << STRIDE
    const counter = columns[at + COUNTER]!
    if (counter < end) from.fail("id given twice")
    if (columns[at + RUN] === -1) {
      // A right child comes behind its parent; so a way up always ends.
      if (previous < 0 || counter !== end || previous > handle) {
        from.fail("goes on behind nothing")
        return
      }
      spans.copyRun(handle, previous)
      columns[(previous << STRIDE) + FLAGS]! |= HAS_RIGHT
    }
    end = counter + columns[at + LENGTH]!
    previous = handle
  }
  rga.indexOf(author.index).fill(handles)
}
