/**
 * Records by key within a limit of bytes, for whoever keeps more than he promised to: of what has not been looked at for
 * longest, the first gives way. Every step costs the same, however much is there.
 */
import { keyOf } from "#schemas/bytes/bytes"

export interface Shelved {
  readonly kind: number
  readonly key: Uint8Array
  /** Of a set what tells its entries apart, else empty. */
  readonly member: Uint8Array
  readonly bytes: Uint8Array
}

/** What an entry takes besides its bytes: names and map entries, about. */
export const ENTRY_BYTES = 512

const slotOf = (kind: number, key: Uint8Array): string => String.fromCharCode(kind) + keyOf(key)

export class Shelf<R extends Shelved> {
  readonly limit: number
  /** The least recently used first. A slot's name has one length, so slot and member together name an entry. */
  readonly #entries = new Map<string, R>()
  readonly #slots = new Map<string, Set<string>>()
  #bytes = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** At most `limit`. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.size
  }

  /** All under a key, in the order in which they first came; from now on the latest used. */
  under(kind: number, key: Uint8Array): ReadonlyArray<R> {
    const found: Array<R> = []
    for (const name of this.#slots.get(slotOf(kind, key)) ?? []) {
      const entry = this.#entries.get(name)
      if (entry === undefined) continue
      this.#entries.delete(name)
      this.#entries.set(name, entry)
      found.push(entry)
    }
    return found
  }

  /** In the place of what `(kind, key, member)` named before. What is larger than the shelf is not kept. */
  put(entry: R): void {
    const slot = slotOf(entry.kind, entry.key)
    const name = slot + keyOf(entry.member)
    if (sizeOf(entry) > this.limit) {
      this.#remove(name)
      return
    }
    this.#drop(name)
    this.#entries.set(name, entry)
    this.#bytes += sizeOf(entry)
    const names = this.#slots.get(slot) ?? new Set()
    this.#slots.set(slot, names.add(name))
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.limit) return
      this.#remove(oldest)
    }
  }

  remove(kind: number, key: Uint8Array, member: Uint8Array): void {
    this.#remove(slotOf(kind, key) + keyOf(member))
  }

  #remove(name: string): void {
    const entry = this.#drop(name)
    if (entry === undefined) return
    const slot = slotOf(entry.kind, entry.key)
    const names = this.#slots.get(slot)
    names?.delete(name)
    if (names?.size === 0) this.#slots.delete(slot)
  }

  /** Keeps its place among the names of its slot. */
  #drop(name: string): R | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined) return undefined
    this.#entries.delete(name)
    this.#bytes -= sizeOf(entry)
    return entry
  }
}

const sizeOf = ({ bytes }: Shelved): number => bytes.length + ENTRY_BYTES
