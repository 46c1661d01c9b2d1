/**
 * Keys and what they hold, each a register. Removing a key removes what was known to be there: a value set without
 * knowledge of that stays. Nothing is left of removed keys, for batches of one author come in their order.
 *
 * A register container is a map with one key, the empty one.
 */
import { ContainerKind } from "#schemas/crdt/Value"
import type { Authors } from "./Authors.ts"
import { Container, type Place, plainOf } from "./Container.ts"
import { type Entry, type Item, LwwRegister } from "./LwwRegister.ts"

/** A key that holds something else now; undefined for nothing. */
export interface KeyChange {
  readonly key: string
  readonly before: Item | undefined
  readonly after: Item | undefined
}

export class OrMap extends Container {
  readonly kind: typeof ContainerKind.Map | typeof ContainerKind.Register
  readonly #authors: Authors
  readonly #registers = new Map<string, LwwRegister>()
  #changes: Array<KeyChange> = []

  constructor(place: Place, authors: Authors, kind: typeof ContainerKind.Map | typeof ContainerKind.Register) {
    super(place)
    this.#authors = authors
    this.kind = kind
  }

  get size(): number {
    return this.#registers.size
  }

  get(key: string): Item | undefined {
    return this.#registers.get(key)?.shown?.value
  }

  /** In the order of their UTF-16 units, whatever the order they came in. */
  keys(): Array<string> {
    return [...this.#registers.keys()].sort()
  }

  register(key: string): LwwRegister | undefined {
    return this.#registers.get(key)
  }

  entries(key: string): ReadonlyArray<Entry> {
    return this.#registers.get(key)?.entries ?? []
  }

  add(key: string, entry: Entry): void {
    let register = this.#registers.get(key)
    if (register === undefined) this.#registers.set(key, (register = new LwwRegister()))
    register.add(entry, this.#authors)
  }

  /** Takes what was there under this id, if it is still. */
  remove(key: string, author: number, counter: number): Entry | undefined {
    const register = this.#registers.get(key)
    const removed = register?.remove(author, counter, this.#authors)
    if (register !== undefined && register.shown === undefined) this.#registers.delete(key)
    return removed
  }

  note(key: string, before: Item | undefined): void {
    const after = this.get(key)
    if (before !== after) this.#changes.push({ key, before, after })
  }

  override clear(dying: Array<Container>): void {
    for (const [key, register] of this.#registers) {
      for (const { value } of register.entries) if (value instanceof Container) dying.push(value)
      if (this.isWatched) this.#changes.push({ key, before: register.shown?.value, after: undefined })
    }
    this.#registers.clear()
  }

  override takeChanges(): ReadonlyArray<KeyChange> {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  override toJSON(): unknown {
    if (this.kind === ContainerKind.Register) return plainOf(this.get("")) ?? null
    const json: Record<string, unknown> = {}
    for (const key of this.keys()) setOwn(json, key, plainOf(this.get(key)))
    return json
  }
}

/** `__proto__` is a key like any other. */
const setOwn = (json: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__")
    Object.defineProperty(json, key, { value, enumerable: true, configurable: true, writable: true })
  else json[key] = value
}
