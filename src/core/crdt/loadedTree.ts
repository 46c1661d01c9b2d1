/** The tree of a sequence that was loaded, built from below at once: its spans stand in the order of their handles. */
import { Block, parentOf, WIDTH } from "./Block.ts"
import type { Spans } from "./Spans.ts"

/** Blocks are filled by three quarters, so that the first edits do not split every leaf. */
const SHARE = (WIDTH * 3) >> 2

/** The first of the leaves for so many spans, one at least. */
export const leavesOf = (spans: Spans, count: number): Block => {
  // One piece of memory for all leaves, which is many times faster than one for each.
  const handles = new Int32Array(Math.ceil(count / SHARE) * WIDTH)
  const first = new Block(undefined, handles.subarray(0, WIDTH))
  lay(spans, first, 0, Math.min(SHARE, count))
  let last = first
  for (let at = SHARE, room = WIDTH; at < count; at += SHARE, room += WIDTH) {
    const leaf = new Block(undefined, handles.subarray(room, room + WIDTH))
    lay(spans, leaf, at, Math.min(SHARE, count - at))
    leaf.previous = last
    last.next = leaf
    last = leaf
  }
  return first
}

const lay = (spans: Spans, leaf: Block, from: number, count: number): void => {
  let units = 0
  for (let slot = 0; slot < count; slot++) {
    const handle = from + slot
    leaf.handles[slot] = handle
    units += spans.units(handle)
    spans.leaf.push(leaf)
  }
  leaf.count = count
  leaf.units = units
}

/** What stands above these leaves. */
export const rootOf = (first: Block): Block => {
  let level: Array<Block> = []
  for (let leaf: Block | undefined = first; leaf !== undefined; leaf = leaf.next) level.push(leaf)
  while (level.length > 1) {
    const above: Array<Block> = []
    for (let at = 0; at < level.length; at += SHARE) above.push(parentOf(level.slice(at, at + SHARE)))
    level = above
  }
  return level[0]!
}
