/**
 * Text to be edited by several at once. Positions count UTF-16 units, as strings do. One between the halves of a surrogate
 * pair means the place before the pair, and a deletion that begins or ends there takes the pair whole.
 */

import { type Anchor, anchorAt, positionOf } from "./anchors.ts"
import type { Change } from "./Container.ts"
import { checkRange, type Handles, wellFormed } from "./Handles.ts"
import type { Observer } from "./Observers.ts"
import type { TextContainer } from "./TextContainer.ts"

export class SharedText {
  readonly #text: TextContainer
  readonly #handles: Handles

  constructor(text: TextContainer, handles: Handles) {
    this.#text = text
    this.#handles = handles
  }

  get length(): number {
    return this.#text.length
  }

  insert(position: number, inserted: string): void {
    const text = this.#text
    checkRange(position, 0, text.length)
    if (inserted.length === 0 || text.isDead) return
    const { writer } = this.#handles
    writer.begin()
    try {
      writer.text(text, text.isInside(position) ? position - 1 : position, wellFormed(inserted))
    } finally {
      this.#handles.end()
    }
  }

  delete(position: number, count: number): void {
    const text = this.#text
    checkRange(position, count, text.length)
    if (count === 0) return
    const start = text.isInside(position) ? position - 1 : position
    const end = text.isInside(position + count) ? position + count + 1 : position + count
    const { writer } = this.#handles
    writer.begin()
    try {
      writer.remove(text, start, end - start)
    } finally {
      this.#handles.end()
    }
  }

  slice(start: number, end: number = this.length): string {
    checkRange(start, end - start, this.length)
    return this.#text.slice(start, end)
  }

  toString(): string {
    return this.#text.toString()
  }

  toJSON(): string {
    return this.#text.toString()
  }

  /** A place that stays with the character before it, or with the one behind it. */
  anchor(position: number, stays: "before" | "behind" = "before"): Anchor {
    checkRange(position, 0, this.length)
    return anchorAt(this.#text, position, stays)
  }

  /** Where a place is now; undefined if its character has not come yet. */
  position(anchor: Anchor): number | undefined {
    return positionOf(this.#text, anchor)
  }

  observe(observer: Observer<Change<string>>): () => void {
    return this.#handles.observe(this.#text, observer)
  }
}
