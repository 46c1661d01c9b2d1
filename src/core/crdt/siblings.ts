/**
 * Where an element belongs that is not the only child on its side: several authors have written at one place without
 * knowledge of each other. The spans there are walked from the parent on, each asked for the sibling that it descends
 * from; so it costs as much as was written there, and nothing where one wrote alone.
 */
import type { Rga } from "./Rga.ts"
import {
  AUTHOR,
  COUNTER,
  FLAGS,
  IS_LEFT,
  LENGTH,
  NO_AUTHOR,
  NONE,
  PARENT_AUTHOR,
  PARENT_COUNTER,
  RUN,
  STRIDE
} from "./Spans.ts"

/** For a right child of the last element of `parent`, NONE for the start: the span to stand behind. */
export const placeBehind = (rga: Rga, parent: number, author: number, counter: number): number => {
  const { spans, tree } = rga
  let behind = parent
  let span = parent === NONE ? tree.first : tree.after(parent)
  while (span !== NONE) {
    const top = topOfLefts(rga, span)
    const above = parentOf(rga, top)
    const isSibling = above === parent && (parent === NONE || isLast(rga, parent, top))
    if (isSibling) {
      const at = top << STRIDE
      if (rga.authors.precedes(author, counter, spans.columns[at + AUTHOR]!, spans.columns[at + COUNTER]!)) break
    } else if (parent !== NONE && (above === NONE || above === parent || !tree.precedes(parent, above))) break
    // What stands between a span and its top descends from that, too.
    behind = top
    span = tree.after(top)
  }
  return behind
}

/** For a left child of the first element of `parent`: the span to stand behind. */
export const placeBefore = (rga: Rga, parent: number, author: number, counter: number): number => {
  const { spans, tree } = rga
  let span = tree.before(parent)
  while (span !== NONE) {
    const top = topOfRights(rga, span)
    if (top === NONE) break
    const at = top << STRIDE
    const { columns } = spans
    const above = rga.find(columns[at + PARENT_AUTHOR]!, columns[at + PARENT_COUNTER]!)
    if (above === parent) {
      if (!rga.authors.precedes(author, counter, columns[at + AUTHOR]!, columns[at + RUN]!)) break
    } else if (!tree.precedes(above, parent)) break
    span = tree.before(rga.find(columns[at + AUTHOR]!, columns[at + RUN]!))
  }
  return span
}

/** From a span up to the first one whose first element is no left child. */
const topOfLefts = (rga: Rga, span: number): number => {
  const { columns } = rga.spans
  for (;;) {
    const at = span << STRIDE
    if (columns[at + RUN] !== columns[at + COUNTER] || (columns[at + FLAGS]! & IS_LEFT) === 0) return span
    span = rga.find(columns[at + PARENT_AUTHOR]!, columns[at + PARENT_COUNTER]!)
  }
}

/** From a span up to one of the first run that is a left child; NONE where there is none above. */
const topOfRights = (rga: Rga, span: number): number => {
  const { columns } = rga.spans
  for (;;) {
    const at = span << STRIDE
    if ((columns[at + FLAGS]! & IS_LEFT) !== 0) return span
    if (columns[at + PARENT_AUTHOR] === NO_AUTHOR) return NONE
    span = rga.find(columns[at + PARENT_AUTHOR]!, columns[at + PARENT_COUNTER]!)
  }
}

/** The span of the parent of a right child. */
const parentOf = (rga: Rga, span: number): number => {
  const { columns } = rga.spans
  const at = span << STRIDE
  if (columns[at + RUN] !== columns[at + COUNTER]) return rga.find(columns[at]!, columns[at + COUNTER]! - 1)
  if (columns[at + PARENT_AUTHOR] === NO_AUTHOR) return NONE
  return rga.find(columns[at + PARENT_AUTHOR]!, columns[at + PARENT_COUNTER]!)
}

/** Whether a child of an element of `parent` is one of its last. */
const isLast = (rga: Rga, parent: number, child: number): boolean => {
  const { columns } = rga.spans
  const [its, at] = [parent << STRIDE, child << STRIDE]
  const counter =
    columns[at + RUN] === columns[at + COUNTER] ? columns[at + PARENT_COUNTER]! : columns[at + COUNTER]! - 1
  return counter === columns[its + COUNTER]! + columns[its + LENGTH]! - 1
}
