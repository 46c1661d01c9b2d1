/**
 * The spans of a sequence from a snapshot, as writeSpans.ts has them. Nothing is taken for granted: ids are given and
 * given once, parents stand where they can, and there is no more of anything than the bytes can say.
 */
import type { ByteReader } from "#schemas/crdt/ByteReader"
import type { Author, Authors } from "./Authors.ts"
import { type Columns, columnsFor } from "./Columns.ts"
import { AT_START, expectedParents, leftOf, unmark } from "./expectedParents.ts"
import { indexSpans } from "./indexSpans.ts"
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
  REMOVED,
  STRIDE,
  WIDE
} from "./Spans.ts"
import { INNER_CODE, START_CODE } from "./writeSpans.ts"

/** Handles times counters stay whole numbers up to so many spans. */
const SPANS_LIMIT = 2 ** 22

/** Into an empty sequence. Handles are in the order of the sequence; offsets of content are left to the caller. */
export const readSpans = (from: ByteReader, rga: Rga, authors: ReadonlyArray<Author>): void => {
  const columns = readColumns(from, rga.authors, authors)
  if (from.refusal !== undefined) return
  rga.spans.fill(columns)
  readParents(from, rga, columns)
  if (from.refusal !== undefined) return
  if (indexSpans(rga, columns)) rga.tree.fill(columns.count)
  else from.fail("id given twice")
}

/** Each span takes at least a byte, so there is no more of them than of bytes. */
const readColumns = (from: ByteReader, { all, marks }: Authors, inOrder: ReadonlyArray<Author>): Columns => {
  let count = from.uint()
  if (count > from.end - from.at || count > SPANS_LIMIT) count = from.fail("too many spans")
  const columns = columnsFor(count)
  columns.count = count
  const { authors, counters, flags, lengths } = columns
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
