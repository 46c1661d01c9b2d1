/** Places that move with the elements around them: cursors, selections, comments. Plain data, to be sent to others. */
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { Sequence } from "./Sequence.ts"
import { AUTHOR, COUNTER, FLAGS, STRIDE, WIDE } from "./Spans.ts"

/** Right behind or right before an element; the start or the end where there is no element. */
export interface Anchor {
  readonly author: PublicKey | undefined
  readonly counter: number
  /** `before`: it stays with the element before it. */
  readonly stays: "before" | "behind"
}

/** The id of the element that holds the unit after `position`. */
const elementAt = (sequence: Sequence<unknown>, position: number): Anchor => {
  const { spans, tree } = sequence.rga
  const at = tree.locate(position + 1) << STRIDE
  const offset = (position - tree.start) >> (spans.columns[at + FLAGS]! & WIDE)
  const author = sequence.rga.authors.all[spans.columns[at + AUTHOR]!]!.key
  return { author, counter: spans.columns[at + COUNTER]! + offset, stays: "behind" }
}

export const anchorAt = (sequence: Sequence<unknown>, position: number, stays: "before" | "behind"): Anchor => {
  const element = stays === "before" ? position - 1 : position
  if (element < 0 || element >= sequence.length) return { author: undefined, counter: 0, stays }
  return { ...elementAt(sequence, element), stays }
}

/** Undefined where the element is not here. */
export const positionOf = (sequence: Sequence<unknown>, anchor: Anchor): number | undefined => {
  if (anchor.author === undefined) return anchor.stays === "before" ? 0 : sequence.length
  const author = sequence.rga.authors.find(anchor.author)
  if (author === undefined) return undefined
  const place = sequence.placeOf(author.index, anchor.counter)
  return place === undefined ? undefined : anchor.stays === "before" ? place.end : place.start
}
