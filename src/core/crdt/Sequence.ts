/** What text and lists share: elements that stand in an order, are removed by id, and have content in a store. */

import type { Authors } from "./Authors.ts"
import { type Change, Container, type Place } from "./Container.ts"
import { Rga } from "./Rga.ts"
import { AUTHOR, COUNTER, FLAGS, LENGTH, NONE, OFFSET, REMOVED, STRIDE, WIDE } from "./Spans.ts"

/** Hears what a piece that is about to go was: `length` elements from an id on, and their content. */
export type OnRemoved<Content> = (author: number, counter: number, length: number, content: Content) => void

/** Elements of one author with counters in a row. */
export interface Range {
  readonly author: number
  readonly from: number
  readonly to: number
}

export abstract class Sequence<Content> extends Container {
  readonly rga: Rga
  #changes: Array<Change<Content>> = []

  constructor(place: Place, authors: Authors) {
    super(place)
    this.rga = new Rga(authors)
  }

  get length(): number {
    return this.rga.tree.units
  }

  protected abstract readonly empty: Content

  /** What stands at `offset` of an author's store. */
  protected abstract content(author: number, offset: number, units: number): Content

  /** What is removed for good; containers in it die. */
  protected abstract drop(author: number, offset: number, units: number, dying: Array<Container>): void

  /** Removes the elements from `counter` to `end` that are visible still. */
  remove(author: number, counter: number, end: number, dying: Array<Container>, heard?: OnRemoved<Content>): void {
    while (counter < end) {
      const handle = this.rga.find(author, counter)
      const columns = this.rga.spans.columns
      const at = handle << STRIDE
      const offset = counter - columns[at + COUNTER]!
      const length = Math.min(end - counter, columns[at + LENGTH]! - offset)
      if ((columns[at + FLAGS]! & REMOVED) === 0) this.#removePiece(handle, offset, length, dying, heard)
      counter += length
    }
  }

  /** The ids of so many visible units, and, if `loosely`, removed ones between them, for that makes fewer ranges. */
  idsAt(position: number, units: number, loosely = false): Array<Range> {
    const { spans, tree } = this.rga
    const ranges: Array<Range> = []
    let handle = units > 0 ? tree.locate(position + 1) : NONE
    let skipped = position - tree.start
    for (let between = 0; units > 0; handle = tree.after(handle)) {
      const at = handle << STRIDE
      const columns = spans.columns
      const flags = columns[at + FLAGS]!
      const offset = skipped >> (flags & WIDE)
      const [author, from] = [columns[at + AUTHOR]!, columns[at + COUNTER]! + offset]
      const length = columns[at + LENGTH]! - offset
      const range = ranges.at(-1)
      const goesOn = range !== undefined && range.author === author && range.to + between === from
      skipped = 0
      if ((flags & REMOVED) !== 0) {
        between = goesOn && loosely ? between + length : Number.NaN
        continue
      }
      const taken = Math.min(length, units >> (flags & WIDE))
      units -= taken << (flags & WIDE)
      if (goesOn) ranges[ranges.length - 1] = { ...range, to: from + taken }
      else ranges.push({ author, from, to: from + taken })
      between = 0
    }
    return ranges
  }

  /** Whether all of these elements are here. */
  holds(author: number, counter: number, end: number): boolean {
    while (counter < end) {
      const handle = this.rga.find(author, counter)
      if (handle === NONE) return false
      const at = handle << STRIDE
      counter = this.rga.spans.columns[at + COUNTER]! + this.rga.spans.columns[at + LENGTH]!
    }
    return true
  }

  /** Whether any of these elements is visible. */
  shows(author: number, counter: number, end: number): boolean {
    while (counter < end) {
      const at = this.rga.find(author, counter) << STRIDE
      const columns = this.rga.spans.columns
      if ((columns[at + FLAGS]! & REMOVED) === 0) return true
      counter = columns[at + COUNTER]! + columns[at + LENGTH]!
    }
    return false
  }

  override clear(dying: Array<Container>): void {
    for (const handle of this.rga.tree.inOrder(this.rga.spans.count)) {
      const at = handle << STRIDE
      const columns = this.rga.spans.columns
      if ((columns[at + FLAGS]! & REMOVED) === 0) this.#removePiece(handle, 0, columns[at + LENGTH]!, dying, undefined)
    }
  }

  override takeChanges(): ReadonlyArray<Change<Content>> {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  /** The units from which to which an element reaches, none if it is removed; undefined where there is no such element. */
  placeOf(author: number, counter: number): { readonly start: number; readonly end: number } | undefined {
    const handle = this.rga.find(author, counter)
    if (handle === NONE) return undefined
    const at = handle << STRIDE
    const { columns } = this.rga.spans
    const flags = columns[at + FLAGS]!
    const before = this.rga.tree.unitsBefore(handle)
    if ((flags & REMOVED) !== 0) return { start: before, end: before }
    const start = before + ((counter - columns[at + COUNTER]!) << (flags & WIDE))
    return { start, end: start + (1 << (flags & WIDE)) }
  }

  /** Notes that elements have come in, which are visible from `counter` on in a span. */
  protected noteInserted(handle: number, counter: number, length: number): void {
    const columns = this.rga.spans.columns
    const at = handle << STRIDE
    const wide = columns[at + FLAGS]! & WIDE
    const skipped = (counter - columns[at + COUNTER]!) << wide
    const inserted = this.content(columns[at + AUTHOR]!, columns[at + OFFSET]! + skipped, length << wide)
    this.#changes.push({ at: this.rga.tree.unitsBefore(handle) + skipped, removed: 0, inserted })
  }

  #removePiece(
    handle: number,
    offset: number,
    length: number,
    dying: Array<Container>,
    heard: OnRemoved<Content> | undefined
  ): void {
    const columns = this.rga.spans.columns
    const at = handle << STRIDE
    const author = columns[at + AUTHOR]!
    const wide = columns[at + FLAGS]! & WIDE
    const stored = columns[at + OFFSET]! + (offset << wide)
    const units = length << wide
    if (heard !== undefined) heard(author, columns[at + COUNTER]! + offset, length, this.content(author, stored, units))
    if (this.isWatched) {
      const position = this.rga.tree.unitsBefore(handle) + (offset << wide)
      this.#changes.push({ at: position, removed: units, inserted: this.empty })
    }
    this.drop(author, stored, units, dying)
    this.rga.remove(handle, offset, length)
  }
}
