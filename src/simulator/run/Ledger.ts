/** What the users of a simulated network were promised: which record was acknowledged, by whom, and when. */
import { keyOf } from "#schemas/bytes/bytes"
import type { Cid } from "#schemas/content/Cid"
import type { NodeId } from "#schemas/identity/NodeId"

/** Entries that are kept; the oldest is forgotten first. */
const ENTRIES = 20_000

export interface Entry {
  readonly kind: number
  readonly key: Uint8Array
  readonly seq: number
  readonly value: Uint8Array
  /** Of a mutable record: whose it is and under which salt. */
  readonly author: number
  readonly salt: Uint8Array
  /** Milliseconds of the world when the put began and when it was acknowledged. */
  readonly begun: number
  readonly at: number
  /** Unix seconds. */
  readonly expires: number
  readonly holders: ReadonlyArray<NodeId>
  /** Copies that the receipt counted. */
  readonly reached: number
}

/** A file of several blocks. */
export interface File {
  readonly cid: Cid
  readonly digest: string
  readonly at: number
}

export class Ledger {
  /** By (kind, key): the latest version. */
  readonly #latest = new Map<string, Entry>()
  /** Everything that was ever written under a key, acknowledged or not: what a read may show. */
  readonly #written = new Map<string, Set<string>>()
  readonly #files: Array<File> = []

  get entries(): ReadonlyArray<Entry> {
    return [...this.#latest.values()]
  }

  get files(): ReadonlyArray<File> {
    return this.#files
  }

  get size(): number {
    return this.#latest.size
  }

  /** A put is under way: from now on a read may show it. */
  begins(key: Uint8Array, value: Uint8Array): void {
    const name = keyOf(key)
    const written = this.#written.get(name) ?? new Set()
    this.#written.set(name, written.add(keyOf(value)))
  }

  wasWritten(key: Uint8Array, value: Uint8Array): boolean {
    return this.#written.get(keyOf(key))?.has(keyOf(value)) === true
  }

  /** A put was acknowledged. */
  add(entry: Entry): void {
    const name = nameOf(entry.kind, entry.key)
    const before = this.#latest.get(name)
    if (before !== undefined && before.seq > entry.seq) return
    this.#latest.delete(name)
    if (this.#latest.size >= ENTRIES) this.#latest.delete(this.#latest.keys().next().value ?? "")
    this.#latest.set(name, entry)
  }

  addFile(file: File): void {
    this.#files.push(file)
  }
}

const nameOf = (kind: number, key: Uint8Array): string => String.fromCharCode(kind) + keyOf(key)
