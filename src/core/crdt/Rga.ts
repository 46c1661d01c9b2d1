/**
 * A replicated sequence: where elements stand, never what they hold. Text and lists share it.
 *
 * Elements form a tree, and the sequence is the tree read from left to right (Fugue: Weidner and Kleppmann, 2023). An
 * element is put behind another as its right child where that one has none yet, and before the next one as its left
 * child otherwise. So a run typed forwards is a chain of right children, one typed backwards a chain of left ones, and
 * of two runs written at one place without knowledge of each other one comes whole before the other: siblings are
 * ordered by their ids. Removed elements stay as spans without content, for others may have written next to them.
 */
import type { Authors } from "./Authors.ts"
import { SpanIndex } from "./SpanIndex.ts"
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
  OFFSET,
  REMOVED,
  Spans,
  STRIDE,
  WIDE
} from "./Spans.ts"
import { SpanTree } from "./SpanTree.ts"
import { placeBefore, placeBehind } from "./siblings.ts"

/** Removed spans looked at for the own last element before a new run is begun. */
const LOOK_AHEAD = 4

export class Rga {
  readonly spans = new Spans()
  readonly tree = new SpanTree(this.spans)
  readonly authors: Authors
  /** By author. */
  readonly #index: Array<SpanIndex | undefined> = []
  /** The span that was found last. */
  #recent = NONE
  /** What `anchor` found. */
  parentAuthor = NO_AUTHOR
  parentCounter = 0
  isBefore = false

  constructor(authors: Authors) {
    this.authors = authors
  }

  /** The span that holds an element, or NONE. */
  find(author: number, counter: number): number {
    if (this.#recent !== NONE) {
      const at = this.#recent << STRIDE
      const columns = this.spans.columns
      const offset = counter - columns[at + COUNTER]!
      if (columns[at + AUTHOR] === author && offset >= 0 && offset < columns[at + LENGTH]!) return this.#recent
    }
    const found = this.#index[author]?.find(counter) ?? NONE
    if (found !== NONE) this.#recent = found
    return found
  }

  /** Decides where what `author` inserts at `position` under `counter` belongs: `parentAuthor`, `parentCounter`, `isBefore`. */
  anchor(position: number, author: number, counter: number): void {
    if (position === 0) {
      const first = this.tree.first
      if (first === NONE) this.#anchorAt(NO_AUTHOR, 0, false)
      else this.#anchorBefore(first)
      return
    }
    const handle = this.tree.locate(position)
    this.#recent = handle
    const columns = this.spans.columns
    const at = handle << STRIDE
    const flags = columns[at + FLAGS]!
    const offset = (position - this.tree.start - 1) >> (flags & WIDE)
    if (offset < columns[at + LENGTH]! - 1 || (flags & HAS_RIGHT) === 0) {
      this.#anchorBehind(handle, offset)
      return
    }
    const next = this.tree.after(handle)
    let behind = next
    // Whoever removes what he has just written goes on behind it, in the same run.
    for (let step = 0; step < LOOK_AHEAD && behind !== NONE; step++, behind = this.tree.after(behind)) {
      const it = behind << STRIDE
      if ((columns[it + FLAGS]! & REMOVED) === 0) break
      const last = columns[it + COUNTER]! + columns[it + LENGTH]! - 1
      if (last !== counter - 1 || columns[it + AUTHOR] !== author || (columns[it + FLAGS]! & HAS_RIGHT) !== 0) continue
      this.tree.moveTo(behind, this.tree.start + this.spans.units(handle))
      this.#recent = behind
      this.#anchorAt(author, last, false)
      return
    }
    this.#anchorBefore(next)
  }

  /** The same for a place right behind an element, visible or not. */
  anchorBehind(author: number, counter: number): void {
    const handle = this.find(author, counter)
    this.#anchorBehind(handle, counter - this.spans.columns[(handle << STRIDE) + COUNTER]!)
  }

  /**
   * Puts elements of one author where their parent says. `flags` says whether they are WIDE, or REMOVED from the
   * beginning; `offset` is where their content is. Answers the span they are in.
   */
  insert(
    author: number,
    counter: number,
    length: number,
    flags: number,
    offset: number,
    parentAuthor: number,
    parentCounter: number,
    isBefore: boolean
  ): number {
    let behind = NONE
    const parent = parentAuthor === NO_AUTHOR ? NONE : this.find(parentAuthor, parentCounter)
    const goesOn = !isBefore && parentAuthor === author && parentCounter === counter - 1
    if (parent === NONE) {
      if (this.tree.first !== NONE) behind = placeBehind(this, NONE, author, counter)
    } else if (isBefore) {
      behind = this.#behindLeft(parent, parentCounter, author, counter)
    } else {
      const columns = this.spans.columns
      const at = parent << STRIDE
      const isLast = parentCounter - columns[at + COUNTER]! === columns[at + LENGTH]! - 1
      if (isLast && (columns[at + FLAGS]! & HAS_RIGHT) === 0) {
        if (goesOn && this.#extend(parent, length, flags, offset)) return parent
        behind = parent
      } else {
        if (!isLast) this.#cut(parent, parentCounter + 1 - columns[at + COUNTER]!)
        behind = placeBehind(this, parent, author, counter)
      }
      this.spans.columns[at + FLAGS]! |= HAS_RIGHT
    }
    const handle = this.spans.add(author, counter, length, offset, flags | (isBefore ? IS_LEFT : 0))
    if (goesOn) this.spans.copyRun(handle, parent)
    else this.spans.setRun(handle, counter, parentAuthor, parentCounter)
    this.tree.insert(handle, behind)
    this.indexOf(author).add(handle)
    return (this.#recent = handle)
  }

  /**
   * Removes `length` elements of a visible span, from its `offset` on. Removed neighbours of the same run take them over
   * where they can, so that whoever deletes letter by letter makes one span.
   */
  remove(handle: number, offset: number, length: number): void {
    const { spans, tree } = this
    const at = handle << STRIDE
    const columns = spans.columns
    const wide = columns[at + FLAGS]! & WIDE
    if (length === columns[at + LENGTH]) {
      tree.grow(handle, -(length << wide))
      columns[at + FLAGS] = (columns[at + FLAGS]! & ~WIDE) | REMOVED
      return
    }
    const isPrefix = offset === 0
    const isSuffix = offset + length === columns[at + LENGTH]
    const neighbour = isPrefix ? tree.before(handle) : isSuffix ? tree.after(handle) : NONE
    if (neighbour !== NONE && (columns[(neighbour << STRIDE) + FLAGS]! & REMOVED) !== 0) {
      const other = neighbour << STRIDE
      if (isPrefix ? spans.goesOn(neighbour, handle) : spans.goesOn(handle, neighbour)) {
        columns[other + LENGTH]! += length
        columns[at + LENGTH]! -= length
        if (isPrefix) {
          columns[at + COUNTER]! += length
          columns[at + OFFSET]! += length << wide
        } else columns[other + COUNTER]! -= length
        tree.grow(handle, -(length << wide))
        return
      }
    }
    if (!isSuffix) this.#cut(handle, offset + length)
    const removed = isPrefix ? handle : this.#cut(handle, offset)
    tree.grow(removed, -(length << wide))
    const its = removed << STRIDE
    spans.columns[its + FLAGS] = (spans.columns[its + FLAGS]! & ~WIDE) | REMOVED
  }

  indexOf(author: number): SpanIndex {
    return (this.#index[author] ??= new SpanIndex(this.spans))
  }

  #anchorAt(author: number, counter: number, isBefore: boolean): void {
    this.parentAuthor = author
    this.parentCounter = counter
    this.isBefore = isBefore
  }

  #anchorBehind(handle: number, offset: number): void {
    const columns = this.spans.columns
    const at = handle << STRIDE
    const counter = columns[at + COUNTER]! + offset
    if (offset < columns[at + LENGTH]! - 1) this.#anchorAt(columns[at + AUTHOR]!, counter + 1, true)
    else if ((columns[at + FLAGS]! & HAS_RIGHT) === 0) this.#anchorAt(columns[at + AUTHOR]!, counter, false)
    else this.#anchorBefore(this.tree.after(handle))
  }

  #anchorBefore(handle: number): void {
    const at = handle << STRIDE
    this.#anchorAt(this.spans.columns[at + AUTHOR]!, this.spans.columns[at + COUNTER]!, true)
  }

  /** Whether a span takes in what follows it. */
  #extend(handle: number, length: number, flags: number, offset: number): boolean {
    const columns = this.spans.columns
    const at = handle << STRIDE
    const own = columns[at + FLAGS]!
    if ((own & (WIDE | REMOVED)) !== flags) return false
    if ((own & REMOVED) === 0) {
      if (columns[at + OFFSET]! + (columns[at + LENGTH]! << (own & WIDE)) !== offset) return false
      this.tree.grow(handle, length << (own & WIDE))
    }
    columns[at + LENGTH]! += length
    return true
  }

  /** The span to stand behind for a left child. */
  #behindLeft(parent: number, parentCounter: number, author: number, counter: number): number {
    const at = parent << STRIDE
    const offset = parentCounter - this.spans.columns[at + COUNTER]!
    if (offset > 0) {
      const rest = this.#cut(parent, offset)
      this.spans.columns[(rest << STRIDE) + FLAGS]! |= HAS_LEFT
      return parent
    }
    if ((this.spans.columns[at + FLAGS]! & HAS_LEFT) !== 0) return placeBefore(this, parent, author, counter)
    this.spans.columns[at + FLAGS]! |= HAS_LEFT
    return this.tree.before(parent)
  }

  /** Cuts a span; answers the new one, which begins with its element at `offset`. */
  #cut(handle: number, offset: number): number {
    const { spans, tree } = this
    tree.makeRoom(handle)
    const at = handle << STRIDE
    const columns = spans.columns
    const flags = columns[at + FLAGS]!
    const counter = columns[at + COUNTER]! + offset
    const content = columns[at + OFFSET]! + (offset << (flags & WIDE))
    const rest = spans.add(columns[at + AUTHOR]!, counter, columns[at + LENGTH]! - offset, content, flags & ~HAS_LEFT)
    spans.copyRun(rest, handle)
    spans.columns[at + LENGTH] = offset
    spans.columns[at + FLAGS] = flags | HAS_RIGHT
    tree.cut(handle, rest)
    this.indexOf(columns[at + AUTHOR]!).add(rest)
    return rest
  }
}
