/** A list to be edited by several at once. */

import { type Anchor, anchorAt, positionOf } from "./anchors.ts"
import type { Change } from "./Container.ts"
import { checkRange, fill, type Handles, type Input, type Value, written } from "./Handles.ts"
import type { ListContainer } from "./ListContainer.ts"
import type { Item } from "./LwwRegister.ts"
import type { Observer } from "./Observers.ts"

export class SharedList {
  readonly #list: ListContainer
  readonly #handles: Handles

  constructor(list: ListContainer, handles: Handles) {
    this.#list = list
    this.#handles = handles
  }

  get length(): number {
    return this.#list.length
  }

  get(index: number): Value | undefined {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) return undefined
    return this.#handles.valueOf(this.#list.get(index))
  }

  insert(index: number, ...inputs: ReadonlyArray<Input>): void {
    checkRange(index, 0, this.length)
    this.#handles.edit(this.#list, () => {
      const values = inputs.map(written)
      this.#handles.writer.put(this.#list, index, values)
      inputs.forEach((input, at) => {
        if (typeof values[at] === "object" && values[at] !== input) fill(this.get(index + at)!, input)
      })
    })
  }

  push(...inputs: ReadonlyArray<Input>): void {
    this.insert(this.length, ...inputs)
  }

  delete(index: number, count = 1): void {
    checkRange(index, count, this.length)
    if (count > 0) this.#handles.edit(this.#list, () => this.#handles.writer.remove(this.#list, index, count))
  }

  toArray(): Array<Value> {
    return this.#list.toArray().map((item) => this.#handles.valueOf(item))
  }

  toJSON(): unknown {
    return this.#list.toJSON()
  }

  anchor(index: number, stays: "before" | "behind" = "before"): Anchor {
    checkRange(index, 0, this.length)
    return anchorAt(this.#list, index, stays)
  }

  position(anchor: Anchor): number | undefined {
    return positionOf(this.#list, anchor)
  }

  /** Containers among what was inserted are told as they are held inside; read them through `get`. */
  observe(observer: Observer<Change<ReadonlyArray<Item>>>): () => void {
    return this.#handles.observe(this.#list, observer)
  }
}
