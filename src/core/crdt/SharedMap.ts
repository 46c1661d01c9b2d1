/** A map, and a single place, to be edited by several at once. */
import { ContainerKind, NEW_CONTAINERS } from "#schemas/crdt/Value"
import {
  checkedKey,
  fill,
  type Handles,
  type Input,
  type SharedList,
  type SharedText,
  type Value,
  written
} from "./Handles.ts"
import type { Observer } from "./Observers.ts"
import type { KeyChange, OrMap } from "./OrMap.ts"

export class SharedMap {
  readonly #map: OrMap
  readonly #handles: Handles

  constructor(map: OrMap, handles: Handles) {
    this.#map = map
    this.#handles = handles
  }

  get size(): number {
    return this.#map.size
  }

  get(key: string): Value | undefined {
    const item = this.#map.get(key)
    return item === undefined ? undefined : this.#handles.valueOf(item)
  }

  has(key: string): boolean {
    return this.#map.get(key) !== undefined
  }

  /** Arrays and objects become lists and maps of their own. */
  set(key: string, input: Input): void {
    setKey(this.#map, this.#handles, checkedKey(key), input)
  }

  /** A new and empty container under the key, instead of what is there. */
  setMap(key: string): SharedMap {
    return this.#begin(key, ContainerKind.Map) as SharedMap
  }

  setList(key: string): SharedList {
    return this.#begin(key, ContainerKind.List) as SharedList
  }

  setText(key: string): SharedText {
    return this.#begin(key, ContainerKind.Text) as SharedText
  }

  setRegister(key: string): SharedRegister {
    return this.#begin(key, ContainerKind.Register) as SharedRegister
  }

  delete(key: string): void {
    this.#handles.edit(this.#map, () => this.#handles.writer.key(this.#map, checkedKey(key), undefined))
  }

  /** In order. */
  keys(): Array<string> {
    return this.#map.keys()
  }

  toJSON(): unknown {
    return this.#map.toJSON()
  }

  observe(observer: Observer<KeyChange>): () => void {
    return this.#handles.observe(this.#map, observer)
  }

  #begin(key: string, kind: ContainerKind): Value {
    if (this.#map.isDead) throw new Error("the map was removed from the document")
    this.#handles.edit(this.#map, () => this.#handles.writer.key(this.#map, checkedKey(key), NEW_CONTAINERS[kind]))
    return this.get(key)!
  }
}

/** One place: the last write wins. */
export class SharedRegister {
  readonly #map: OrMap
  readonly #handles: Handles

  constructor(map: OrMap, handles: Handles) {
    this.#map = map
    this.#handles = handles
  }

  get(): Value | undefined {
    const item = this.#map.get("")
    return item === undefined ? undefined : this.#handles.valueOf(item)
  }

  set(input: Input): void {
    setKey(this.#map, this.#handles, "", input)
  }

  clear(): void {
    this.#handles.edit(this.#map, () => this.#handles.writer.key(this.#map, "", undefined))
  }

  toJSON(): unknown {
    return this.#map.toJSON()
  }

  observe(observer: Observer<KeyChange>): () => void {
    return this.#handles.observe(this.#map, observer)
  }
}

const setKey = (map: OrMap, handles: Handles, key: string, input: Input): void => {
  handles.edit(map, () => {
    const value = written(input)
    handles.writer.key(map, key, value)
    if (typeof value === "object" && value !== input) fill(handles.valueOf(map.get(key)!), input)
  })
}
