/**
 * The buckets of a routing table, all along the own id split: bucket i holds contacts that share exactly i leading bits with
 * the own id. Who may stand in them is for the table to say; here is who in them is close to what.
 */
import { commonPrefixLength, compareDistance, headOf, sortByDistance } from "./distance.ts"
import type { TableEntry } from "./TableEntry.ts"

/** Shared leading bits, from 0 to 255, by which there are buckets. */
export const BUCKETS = 256

export interface Bucket<C> {
  /** By key, least recently seen first: a Map keeps the order of insertion. */
  readonly live: Map<string, TableEntry<C>>
  readonly waiting: Map<string, TableEntry<C>>
}

export class Buckets<C> {
  readonly #own: Uint8Array
  readonly #ownHead: number
  readonly #buckets: Array<Bucket<C> | undefined> = Array(BUCKETS + 1)
  /** One more than the deepest that was opened. */
  #depth = 0

  constructor(own: Uint8Array) {
    this.#own = own
    this.#ownHead = headOf(own)
  }

  /** Of the bucket for an id; `BUCKETS` for the own one, which stands in none. */
  indexOf(nodeId: Uint8Array): number {
    return commonPrefixLength(this.#own, nodeId)
  }

  at(index: number): Bucket<C> | undefined {
    return this.#buckets[index]
  }

  /** Makes it where there is none yet. */
  open(index: number): Bucket<C> {
    const bucket = this.#buckets[index]
    if (bucket !== undefined) return bucket
    const fresh: Bucket<C> = { live: new Map(), waiting: new Map() }
    this.#buckets[index] = fresh
    this.#depth = Math.max(this.#depth, index + 1)
    return fresh
  }

  *opened(): Iterable<Bucket<C>> {
    for (let index = 0; index < this.#depth; index++) {
      const bucket = this.#buckets[index]
      if (bucket !== undefined) yield bucket
    }
  }

  /** One more than the deepest in which somebody lives. */
  get inhabited(): number {
    let depth = this.#depth
    while (depth > 0 && (this.#buckets[depth - 1]?.live.size ?? 0) === 0) depth--
    return depth
  }

  /**
   * The `count` closest to a target that were verified at `since` or later, closest first.
   *
   * Whole buckets are closer than others: first the target's own, then together all that are deeper (they share one
   * bit less with the target than its own bucket does), then the shallower ones one by one.
   */
  closest(target: Uint8Array, count: number, since: number): Array<C> {
    const rows: Array<TableEntry<C>> = []
    const home = commonPrefixLength(this.#own, target)
    this.#gather(home, since, rows)
    sortByDistance(rows, target)
    if (rows.length < count) {
      const from = rows.length
      for (let index = home + 1; index < this.#depth; index++) this.#gather(index, since, rows)
      sortByDistance(rows, target, from)
    }
    for (let index = Math.min(home, this.#depth) - 1; index >= 0 && rows.length < count; index--) {
      const from = rows.length
      this.#gather(index, since, rows)
      sortByDistance(rows, target, from)
    }
    const found: Array<C> = []
    for (let at = 0; at < rows.length && at < count; at++) found.push(rows[at]!.contact)
    return found
  }

  /** How many of those who live here are closer to the target than the own id is; counted until there are `enough`. */
  closerThanOwn(target: Uint8Array, enough: number): number {
    const home = commonPrefixLength(this.#own, target)
    let closer = this.#buckets[home]?.live.size ?? 0
    const head = headOf(target)
    const own = (this.#ownHead ^ head) >>> 0
    for (let index = home + 1; index < this.#depth && closer < enough; index++) {
      const bucket = this.#buckets[index]
      if (bucket === undefined) continue
      for (const entry of bucket.live.values()) {
        const distance = (entry.head ^ head) >>> 0
        if (distance < own || (distance === own && compareDistance(target, entry.id, this.#own) < 0)) closer++
      }
    }
    return closer
  }

  #gather(index: number, since: number, rows: Array<TableEntry<C>>): void {
    const bucket = this.#buckets[index]
    if (bucket === undefined) return
    for (const entry of bucket.live.values()) if (entry.verifiedAt >= since) rows.push(entry)
  }
}
