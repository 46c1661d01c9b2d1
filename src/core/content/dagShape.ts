/**
 * The one shape that content of a given length has as a Merkle DAG (WIRE.md §6 Blob): full leaves and full nodes from
 * the left, level by level to one root. Because the length decides everything, a reader can check each node against
 * what it must be: nobody can hand out a DAG that lies about lengths or is deeper than it need be, and no content has
 * a second CID.
 */
import { codecOf, RAW } from "#schemas/content/Cid"
import { CHILDREN_LIMIT, type DagChild, LEAF_LENGTH } from "#schemas/content/DagNode"

/** Bytes below a full node that stands `height` levels above the leaves. */
export const capacity = (height: number): number => LEAF_LENGTH * CHILDREN_LIMIT ** height

/** Levels of nodes above the leaves: 0 for content that fits one leaf, 5 for 2^53 − 1 bytes. */
export const heightFor = (length: number): number => {
  let height = 0
  while (capacity(height) < length) height++
  return height
}

/** The length that a root's children make, if content of that length has a root at all. */
export const lengthUnder = (children: ReadonlyArray<DagChild>): number | undefined => {
  const length = children.reduce((sum, { size }) => sum + size, 0)
  return Number.isSafeInteger(length) && length > LEAF_LENGTH ? length : undefined
}

/** What is wrong with a node over `length` bytes at this height; undefined if nothing is. */
export const misshapen = (children: ReadonlyArray<DagChild>, length: number, height: number): string | undefined => {
  const full = capacity(height - 1)
  if (children.length !== Math.ceil(length / full)) return "a node has not the children that its length asks for"
  for (const [index, { cid, size }] of children.entries()) {
    const expected = index < children.length - 1 ? full : length - full * index
    if (size !== expected) return "the lengths of a node's children do not add up"
    if ((codecOf(cid) === RAW) !== (height === 1)) return "a leaf stands where a node should, or a node for a leaf"
  }
  return undefined
}
