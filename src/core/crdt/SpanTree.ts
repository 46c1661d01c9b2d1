/**
 * The order of a sequence's spans: a B+ tree that knows how many visible units each part has, so that a position is
 * found, and that of a span told, in the logarithm of their number. Spans enter and never leave.
 *
 * The last place looked at is kept as the cursor: who edits where he edited before does not search.
 */
import { Block, parentOf, WIDTH } from "./Block.ts"
import { leavesOf, rootOf } from "./loadedTree.ts"
import { NONE, type Spans } from "./Spans.ts"

/** Spans that the cursor walks before the tree is asked. */
const STEPS = 4

export class SpanTree {
  readonly #spans: Spans
  #root = new Block()
  #first = this.#root
  /** The cursor: a span, and the units before it; NONE when it is not known. */
  #at = NONE
  #leaf = this.#root
  #slot = 0
  #start = 0

  constructor(spans: Spans) {
    this.#spans = spans
  }

  get units(): number {
    return this.#root.units
  }

  get first(): number {
    return this.#first.count === 0 ? NONE : this.#first.handles[0]!
  }

  /** Where the chain of leaves begins. */
  get firstLeaf(): Block {
    return this.#first
  }

  /** The units before the span that was located last. */
  get start(): number {
    return this.#start
  }

  /** The span that holds the unit which ends at `position`, from 1 to `units`. */
  locate(position: number): number {
    if (this.#at !== NONE) {
      for (let step = 0; step < STEPS; step++) {
        if (position <= this.#start) {
          if (this.#slot === 0) break
          this.#at = this.#leaf.handles[--this.#slot]!
          this.#start -= this.#spans.units(this.#at)
        } else {
          const end = this.#start + this.#spans.units(this.#at)
          if (position <= end) return this.#at
          if (this.#slot + 1 === this.#leaf.count) break
          this.#at = this.#leaf.handles[++this.#slot]!
          this.#start = end
        }
      }
    }
    return this.#descend(position)
  }

  /** Stands on a span, before which are so many units. */
  moveTo(handle: number, start: number): void {
    this.#leaf = this.#spans.leaf[handle]!
    this.#slot = this.#slotOf(this.#leaf, handle)
    this.#start = start
    this.#at = handle
  }

  /** The span behind this one. */
  after(handle: number): number {
    const leaf = this.#spans.leaf[handle]!
    const slot = this.#slotOf(leaf, handle) + 1
    return slot < leaf.count ? leaf.handles[slot]! : leaf.next === undefined ? NONE : leaf.next.handles[0]!
  }

  before(handle: number): number {
    const leaf = this.#spans.leaf[handle]!
    const slot = this.#slotOf(leaf, handle)
    if (slot > 0) return leaf.handles[slot - 1]!
    return leaf.previous === undefined ? NONE : leaf.previous.handles[leaf.previous.count - 1]!
  }

  /** Visible units before a span. */
  unitsBefore(handle: number): number {
    if (handle === this.#at) return this.#start
    let block = this.#spans.leaf[handle]!
    let units = 0
    for (let slot = 0; block.handles[slot] !== handle; slot++) units += this.#spans.units(block.handles[slot]!)
    for (let parent = block.parent; parent !== undefined; parent = block.parent) {
      for (let at = 0; parent.kids![at] !== block; at++) units += parent.kids![at]!.units
      block = parent
    }
    return units
  }

  /** Whether the first span stands before the second. */
  precedes(first: number, second: number): boolean {
    let [a, b] = [this.#spans.leaf[first]!, this.#spans.leaf[second]!]
    if (a === b) return this.#slotOf(a, first) < this.#slotOf(a, second)
    while (a.parent !== b.parent) [a, b] = [a.parent!, b.parent!]
    const kids = a.parent!.kids!
    return kids.indexOf(a) < kids.indexOf(b)
  }

  /** The span has so many units more than the tree knows. */
  grow(handle: number, units: number): void {
    if (handle !== this.#at) this.#at = NONE
    let block: Block | undefined = this.#spans.leaf[handle]!
    for (; block !== undefined; block = block.parent) block.units += units
  }

  /** Puts a span behind another, or first. A cursor that stands there goes on to the new one. */
  insert(handle: number, behind: number): void {
    if (behind === NONE && this.#first.count === WIDTH) this.#split(this.#first)
    else if (behind !== NONE) this.makeRoom(behind)
    const leaf = behind === NONE ? this.#first : this.#spans.leaf[behind]!
    const slot = behind === NONE ? 0 : this.#slotOf(leaf, behind) + 1
    this.#place(handle, leaf, slot)
    if (behind === NONE || behind === this.#at) {
      this.#start = behind === NONE ? 0 : this.#start + this.#spans.units(behind)
      this.#at = handle
      this.#leaf = leaf
      this.#slot = slot
    }
    const units = this.#spans.units(handle)
    if (units > 0) this.grow(handle, units)
  }

  /** To be called before the columns of a span are cut. */
  makeRoom(handle: number): void {
    const leaf = this.#spans.leaf[handle]!
    if (leaf.count === WIDTH) this.#split(leaf)
  }

  /** Puts what was cut off a span right behind it; together they have the units that it had. */
  cut(handle: number, rest: number): void {
    const leaf = this.#spans.leaf[handle]!
    this.#place(rest, leaf, this.#slotOf(leaf, handle) + 1)
  }

  /** The first so many spans, in the order of their handles, into an empty tree. */
  fill(count: number): void {
    if (count === 0) return
    this.#first = leavesOf(this.#spans, count)
    this.#root = rootOf(this.#first)
    this.#at = NONE
  }

  /** All spans, in order; so many there are. */
  inOrder(count: number): Int32Array {
    const handles = new Int32Array(count)
    let at = 0
    for (let leaf: Block | undefined = this.#first; leaf !== undefined; leaf = leaf.next) {
      for (let slot = 0; slot < leaf.count; slot++) handles[at++] = leaf.handles[slot]!
    }
    return handles
  }

  #descend(position: number): number {
    let block = this.#root
    let start = 0
    while (block.kids !== undefined) {
      let at = 0
      for (let kid = block.kids[0]!; start + kid.units < position; kid = block.kids[++at]!) start += kid.units
      block = block.kids[at]!
    }
    let slot = 0
    for (;;) {
      const units = this.#spans.units(block.handles[slot]!)
      if (start + units >= position) break
      start += units
      slot++
    }
    this.#leaf = block
    this.#slot = slot
    this.#start = start
    return (this.#at = block.handles[slot]!)
  }

  #slotOf(leaf: Block, handle: number): number {
    if (leaf === this.#leaf && leaf.handles[this.#slot] === handle && this.#slot < leaf.count) return this.#slot
    let slot = 0
    while (leaf.handles[slot] !== handle) slot++
    return slot
  }

  #place(handle: number, leaf: Block, slot: number): void {
    leaf.handles.copyWithin(slot + 1, slot, leaf.count)
    leaf.handles[slot] = handle
    leaf.count++
    this.#spans.leaf[handle] = leaf
    if (leaf === this.#leaf && slot <= this.#slot) this.#slot++
  }

  #split(leaf: Block): void {
    const right = new Block()
    const half = WIDTH >> 1
    for (let slot = half; slot < WIDTH; slot++) {
      const handle = leaf.handles[slot]!
      right.handles[slot - half] = handle
      right.units += this.#spans.units(handle)
      this.#spans.leaf[handle] = right
    }
    right.count = WIDTH - half
    leaf.count = half
    leaf.units -= right.units
    right.next = leaf.next
    right.previous = leaf
    if (leaf.next !== undefined) leaf.next.previous = right
    leaf.next = right
    if (leaf === this.#leaf && this.#slot >= half) {
      this.#leaf = right
      this.#slot -= half
    }
    this.#adopt(right, leaf)
  }

  /** Puts a block behind its other half, under the same parent. */
  #adopt(block: Block, behind: Block): void {
    const parent = behind.parent
    if (parent === undefined) {
      this.#root = parentOf([behind, block])
      return
    }
    const kids = parent.kids!
    kids.splice(kids.indexOf(behind) + 1, 0, block)
    block.parent = parent
    if (kids.length <= WIDTH) return
    const right = parentOf(kids.splice(WIDTH >> 1))
    parent.units -= right.units
    this.#adopt(right, parent)
  }
}
