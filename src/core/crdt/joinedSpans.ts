/**
 * The largest spans that a sequence can be said in: neighbours joined that were cut for reasons of the past. So one state
 * has one form, however it came about. Each comes with the place where its first element was put.
 */
import type { Block } from "./Block.ts"
import { type Columns, columnsFor } from "./Columns.ts"
import type { Rga } from "./Rga.ts"
import {
  AUTHOR,
  COUNTER,
  FLAGS,
  IS_LEFT,
  LENGTH,
  PARENT_AUTHOR,
  PARENT_COUNTER,
  REMOVED,
  RUN,
  STRIDE,
  WIDE
} from "./Spans.ts"

/** What has to be the same in both for two spans to be one. */
const KIND = REMOVED | WIDE

/** Numbers in 64 bytes. */
const LINE = 16

export const joinedSpans = ({ spans, tree }: Rga): Columns => {
  const joined = columnsFor(spans.count)
  const { columns } = spans
  let run = fetched(columns, spans.count << STRIDE)
  for (let leaf: Block | undefined = tree.firstLeaf; leaf !== undefined; leaf = leaf.next)
    run = takeLeaf(joined, columns, leaf, run)
  return joined
}

/**
 * Looks at every line of memory in the order in which they lie, for then they come ahead of being asked for: spans are
 * looked at by lot below, which takes three times as long where each has to be waited for. The number means nothing (no
 * run goes on before the first span), but what nobody takes the compiler would leave out.
 */
const fetched = (columns: Int32Array, end: number): number => {
  let seen = 0
  for (let at = 0; at < end; at += LINE) seen ^= columns[at]!
  return seen
}

/**
 * The spans of a leaf behind those before, of which the last was in `run`; answers the run of its own last one. A short
 * function that is called often is compiled long before a long loop.
 */
const takeLeaf = (joined: Columns, columns: Int32Array, { count, handles }: Block, run: number): number => {
  const { authors, counters, flags, lengths } = joined
  let last = joined.count - 1
  let end = last < 0 ? -1 : counters[last]! + lengths[last]!
  for (let slot = 0; slot < count; slot++) {
    const at = handles[slot]! << STRIDE
    const counter = columns[at + COUNTER]!
    const length = columns[at + LENGTH]!
    const kind = columns[at + FLAGS]! & KIND
    const goesOn =
      counter === end &&
      columns[at + RUN] === run &&
      columns[at + AUTHOR] === authors[last] &&
      kind === (flags[last]! & KIND)
    if (goesOn) lengths[last]! += length
    else {
      last++
      run = columns[at + RUN]!
      authors[last] = columns[at + AUTHOR]!
      counters[last] = counter
      lengths[last] = length
      flags[last] = kind
      takeParent(joined, columns, at, last)
    }
    end = counter + length
  }
  joined.count = last + 1
  return run
}

/** Whatever is not the first element of its run is the right child of the one before. */
const takeParent = (joined: Columns, columns: Int32Array, at: number, place: number): void => {
  const counter = columns[at + COUNTER]!
  if (columns[at + RUN] === counter) {
    joined.flags[place]! |= columns[at + FLAGS]! & IS_LEFT
    joined.parentAuthors[place] = columns[at + PARENT_AUTHOR]!
    joined.parentCounters[place] = columns[at + PARENT_COUNTER]!
  } else {
    joined.parentAuthors[place] = columns[at + AUTHOR]!
    joined.parentCounters[place] = counter - 1
  }
}

/** By handle, the joined span that a span is in. */
export const placesOf = ({ spans, tree }: Rga, { authors, count, counters }: Columns): Int32Array => {
  const places = new Int32Array(spans.count)
  const { columns } = spans
  let place = -1
  for (const handle of tree.inOrder(spans.count)) {
    const at = handle << STRIDE
    const next = place + 1
    if (next < count && columns[at + COUNTER] === counters[next] && columns[at + AUTHOR] === authors[next]) place = next
    places[handle] = place
  }
  return places
}
