/** A list: values and containers as elements. */
import { ContainerKind } from "#schemas/crdt/Value"
import { Container, plainOf } from "./Container.ts"
import type { Item } from "./LwwRegister.ts"
import { Sequence } from "./Sequence.ts"
import { AUTHOR, COUNTER, LENGTH, OFFSET, STRIDE } from "./Spans.ts"

export class ListContainer extends Sequence<ReadonlyArray<Item>> {
  readonly kind = ContainerKind.List
  protected readonly empty = []
  /** By author. */
  readonly #stores: Array<Array<Item> | undefined> = []

  /** Takes values behind or before their parent. */
  put(
    author: number,
    counter: number,
    items: ReadonlyArray<Item>,
    parentAuthor: number,
    parentCounter: number,
    isBefore: boolean
  ): void {
    const store = (this.#stores[author] ??= [])
    const offset = store.length
    for (const item of items) store.push(item)
    const handle = this.rga.insert(author, counter, items.length, 0, offset, parentAuthor, parentCounter, isBefore)
    if (this.isWatched) this.noteInserted(handle, counter, items.length)
  }

  /** The item at an index below `length`. */
  get(index: number): Item {
    const { spans, tree } = this.rga
    const at = tree.locate(index + 1) << STRIDE
    return this.#stores[spans.columns[at + AUTHOR]!]![spans.columns[at + OFFSET]! + index - tree.start]!
  }

  toArray(): Array<Item> {
    const items: Array<Item> = []
    const { spans, tree } = this.rga
    for (const handle of tree.inOrder(spans.count)) {
      const at = handle << STRIDE
      if (spans.units(handle) === 0) continue
      const store = this.#stores[spans.columns[at + AUTHOR]!]!
      const offset = spans.columns[at + OFFSET]!
      for (let next = 0; next < spans.columns[at + LENGTH]!; next++) items.push(store[offset + next]!)
    }
    return items
  }

  override toJSON(): unknown {
    return this.toArray().map(plainOf)
  }

  /** The content of the visible spans, in order: `read` gives the item of an id. */
  restore(read: (author: number, counter: number) => Item): void {
    const { spans, tree } = this.rga
    for (const handle of tree.inOrder(spans.count)) {
      const at = handle << STRIDE
      if (spans.units(handle) === 0) continue
      const author = spans.columns[at + AUTHOR]!
      const store = (this.#stores[author] ??= [])
      spans.columns[at + OFFSET] = store.length
      const counter = spans.columns[at + COUNTER]!
      for (let next = 0; next < spans.columns[at + LENGTH]!; next++) store.push(read(author, counter + next))
    }
  }

  protected override content(author: number, offset: number, units: number): ReadonlyArray<Item> {
    return this.#stores[author]!.slice(offset, offset + units)
  }

  protected override drop(author: number, offset: number, units: number, dying: Array<Container>): void {
    const store = this.#stores[author]!
    for (let at = offset; at < offset + units; at++) {
      const item = store[at]
      if (item instanceof Container) dying.push(item)
      store[at] = null
    }
  }
}
