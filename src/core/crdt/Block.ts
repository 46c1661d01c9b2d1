/** A part of the tree of spans: a leaf with the handles of spans, or an inner block with others below it. */

/** Spans of a leaf, and children of an inner block. */
export const WIDTH = 32

const NO_HANDLES = new Int32Array(0)

export class Block {
  parent: Block | undefined
  /** Visible ones, of all that is below. */
  units = 0
  /** Of handles. */
  count = 0
  readonly handles: Int32Array
  readonly kids: Array<Block> | undefined
  /** Leaves are a chain. */
  next: Block | undefined
  previous: Block | undefined

  constructor(kids?: Array<Block>, handles = kids === undefined ? new Int32Array(WIDTH) : NO_HANDLES) {
    this.kids = kids
    this.handles = handles
  }
}

export const parentOf = (kids: Array<Block>): Block => {
  const parent = new Block(kids)
  for (const kid of kids) {
    kid.parent = parent
    parent.units += kid.units
  }
  return parent
}
