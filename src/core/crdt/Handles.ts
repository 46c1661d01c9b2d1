/**
 * What apps hold in their hands: one handle for each container, whoever asks for it. Every edit is a transaction of its own
 * unless it stands in one. Positions that are not there are a RangeError of the caller; a container that was removed
 * takes no edits any more and reads as empty.
 */
import { utf8 } from "#schemas/bytes/bytes"
import { KEY_LIMIT, VALUE_LIMIT } from "#schemas/crdt/Operation"
import { ContainerKind, NEW_CONTAINERS, type NewContainer, type Plain } from "#schemas/crdt/Value"
import { Container } from "./Container.ts"
import type { ListContainer } from "./ListContainer.ts"
import type { Item } from "./LwwRegister.ts"
import type { Observer, Observers } from "./Observers.ts"
import type { OrMap } from "./OrMap.ts"
import { SharedList } from "./SharedList.ts"
import { SharedMap, SharedRegister } from "./SharedMap.ts"
import { SharedText } from "./SharedText.ts"
import type { TextContainer } from "./TextContainer.ts"
import type { Writer } from "./Writer.ts"

export type { SharedList, SharedMap, SharedRegister, SharedText }

export type Shared = SharedMap | SharedList | SharedText | SharedRegister

/** What is read from a place. */
export type Value = Plain | Shared

/** What may be put in a place: arrays and objects become lists and maps of their own, to be edited in parts. */
export type Input = Plain | ReadonlyArray<Input> | { readonly [key: string]: Input }

export class Handles {
  readonly writer: Writer
  readonly #observers: Observers
  readonly #ended: () => void
  readonly #made = new WeakMap<Container, Shared>()

  constructor(writer: Writer, observers: Observers, ended: () => void) {
    this.writer = writer
    this.#ended = ended
    this.#observers = observers
  }

  of(container: Container): Shared {
    let handle = this.#made.get(container)
    if (handle === undefined) this.#made.set(container, (handle = this.#make(container)))
    return handle
  }

  valueOf(item: Item): Value {
    return item instanceof Container ? this.of(item) : item
  }

  observe<Change>(container: Container, observer: Observer<Change>): () => void {
    return this.#observers.add(container, observer)
  }

  /** Carries out edits that belong together. */
  edit(container: Container, edits: () => void): void {
    if (container.isDead) return
    this.writer.begin()
    try {
      edits()
    } finally {
      this.end()
    }
  }

  end(): void {
    if (this.writer.end()) this.#ended()
  }

  #make(container: Container): Shared {
    if (container.kind === ContainerKind.Text) return new SharedText(container as TextContainer, this)
    if (container.kind === ContainerKind.List) return new SharedList(container as ListContainer, this)
    if (container.kind === ContainerKind.Map) return new SharedMap(container as OrMap, this)
    return new SharedRegister(container as OrMap, this)
  }
}

/** As it stands in an operation; what is in an array or object is to be filled in afterwards. */
export const written = (input: Input): Plain | NewContainer => {
  if (typeof input === "string") {
    if (utf8(input).length > VALUE_LIMIT) throw new RangeError("a string of at most 48 KiB; longer ones are texts")
    return wellFormed(input)
  }
  if (input instanceof Uint8Array) {
    if (input.length > VALUE_LIMIT) throw new RangeError("at most 48 KiB of bytes")
    return input
  }
  if (Array.isArray(input)) return NEW_CONTAINERS[ContainerKind.List]!
  return typeof input === "object" && input !== null ? NEW_CONTAINERS[ContainerKind.Map]! : (input as Plain)
}

/** Fills a container that was just begun. */
export const fill = (handle: Value, input: Input): void => {
  if (handle instanceof SharedList) handle.push(...(input as ReadonlyArray<Input>))
  else if (handle instanceof SharedMap) {
    for (const [key, value] of Object.entries(input as { readonly [key: string]: Input })) handle.set(key, value)
  }
}

export const checkedKey = (key: string): string => {
  if (!key.isWellFormed() || (key.length * 3 > KEY_LIMIT && utf8(key).length > KEY_LIMIT)) {
    throw new RangeError("a key of at most 1024 bytes")
  }
  return key
}

/** A lone surrogate is no text: U+FFFD takes its place. */
export const wellFormed = (text: string): string => (text.isWellFormed() ? text : text.toWellFormed())

export const checkRange = (start: number, count: number, length: number): void => {
  if (!Number.isInteger(start) || !Number.isInteger(count) || start < 0 || count < 0 || start + count > length) {
    throw new RangeError(`${start} and ${count} more of ${length}`)
  }
}
