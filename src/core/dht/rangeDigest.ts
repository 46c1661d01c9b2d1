/**
 * Digests over ranges of keys, by which two nodes find out in what they differ (WIRE.md §6, method 7).
 *
 * An item is SHA-256(kind ‖ key ‖ SHA-256(record)), and a range's digest the XOR over its items: whatever order they are
 * added in, and whether they are added all at once or to the parts of the range, the sum is the same.
 */
import { compareBytes, equalBytes } from "#schemas/bytes/bytes"
import { KEY_BITS, LISTED_LIMIT, type RangeEntry } from "#schemas/dht/Ranges"
import type { RecordKind } from "#schemas/dht/Record"
import { hasPrefix, type KeyPrefix, partOf } from "./keyPrefix.ts"

/** Bits by which a range that holds too much is divided: into eighths. */
export const DIVIDED_BY = 3

/** One record that is held: what a summary of the store says of it. */
export interface Item {
  readonly kind: number
  readonly key: Uint8Array
  /** SHA-256 of the record. */
  readonly digest: Uint8Array
  readonly expires: number
}

const ZERO = new Uint8Array(32)

export const isNothing = (digest: Uint8Array): boolean => equalBytes(digest, ZERO)

const preimage = new Uint8Array(65)

/** Synchronous, and the buffer is used up before it returns. */
export const itemDigest = (sha256: (bytes: Uint8Array) => Uint8Array, { digest, key, kind }: Item): Uint8Array => {
  preimage[0] = kind
  preimage.set(key, 1)
  preimage.set(digest, 33)
  return sha256(preimage)
}

const addTo = (sum: Uint8Array, item: Uint8Array): void => {
  for (let at = 0; at < 32; at++) sum[at] = sum[at]! ^ item[at]!
}

/** What is held in one range. */
export class RangeSum {
  readonly range: KeyPrefix
  readonly digest = new Uint8Array(32)
  count = 0
  /** All of them while they are few, or stand under one key; undefined once they are divided. */
  entries: Array<RangeEntry> | undefined = []
  /** Digests of the eighths, in ascending order; undefined until they are needed. */
  parts: ReadonlyArray<Uint8Array> | undefined
  #items: Array<Uint8Array> = []

  constructor(range: KeyPrefix) {
    this.range = range
  }

  add(item: Item, digest: Uint8Array): void {
    addTo(this.digest, digest)
    this.count++
    if (this.parts !== undefined) {
      addTo(this.parts[partOf(item.key, this.range.bits, DIVIDED_BY)]!, digest)
      return
    }
    const { expires, key, kind } = item
    this.entries?.push({ kind: kind as RecordKind, key, digest: item.digest, expires })
    this.#items.push(digest)
    if (this.count > LISTED_LIMIT && this.range.bits + DIVIDED_BY <= KEY_BITS && !this.#isOneKey()) this.#divide()
  }

  /** A set may have more entries than are named of a range, and no further bit tells them apart. */
  #isOneKey(): boolean {
    const [first] = this.entries ?? []
    return this.entries?.every(({ key }) => first !== undefined && equalBytes(key, first.key)) === true
  }

  #divide(): void {
    const parts = Array.from({ length: 1 << DIVIDED_BY }, () => new Uint8Array(32))
    for (const [at, { key }] of (this.entries ?? []).entries()) {
      addTo(parts[partOf(key, this.range.bits, DIVIDED_BY)]!, this.#items[at]!)
    }
    this.parts = parts
    this.entries = undefined
    this.#items = []
  }
}

/** Sums over ranges that ascend and are disjoint, of items that come in ascending order of their keys. */
export class RangeSums {
  readonly sums: ReadonlyArray<RangeSum>
  readonly #sha256: (bytes: Uint8Array) => Uint8Array
  #at = 0

  constructor(sha256: (bytes: Uint8Array) => Uint8Array, ranges: ReadonlyArray<KeyPrefix>) {
    this.#sha256 = sha256
    this.sums = ranges.map((range) => new RangeSum(range))
  }

  /** What lies in none of the ranges is left out. */
  add(item: Item): void {
    for (; this.#at < this.sums.length; this.#at++) {
      const sum = this.sums[this.#at]!
      const isWithin = hasPrefix(item.key, sum.range)
      if (isWithin) sum.add(item, itemDigest(this.#sha256, item))
      if (isWithin || compareBytes(item.key, sum.range.prefix) < 0) return
    }
  }
}
