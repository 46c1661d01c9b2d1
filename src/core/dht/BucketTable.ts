/**
 * Kademlia's routing table, with all buckets along the own id split: bucket i holds contacts that share exactly i
 * leading bits with the own id, at most k of them, least recently seen first.
 *
 * Mutable, synchronous, without I/O; time is an argument. Old contacts that answer stay, newcomers wait in a bounded
 * replacement cache until one is retired: a node that was up for an hour will likely be up for another (section 4.1 of
 * the paper). The table never asks anybody: `seen` answers whom to check.
 */
import { commonPrefixLength, compareDistance, headOf, sortByDistance } from "./distance.ts"
import { areFew, NetworkCaps } from "./NetworkCaps.ts"
import { prefixesOf } from "./networkPrefix.ts"
import { sameAddresses, type TableEntry, type TableNode } from "./TableEntry.ts"

/** Contacts in a bucket, and nodes that a lookup settles on: k of the paper. */
export const K = 20
/** Newcomers that wait for a place, in each bucket. */
export const REPLACEMENTS = 10
/** Shared leading bits, from 0 to 255, by which there are buckets. */
export const BUCKETS = 256
/** Requests in a row without an answer until a contact is retired. */
export const STRIKES = 3

export interface BucketTableOptions<C> {
  /** Whether the limits for each /24 and /48 hold; on a local network they do not. */
  readonly capped: boolean
  /** Hears of every contact that enters (`joined`) or leaves, once the table is as it will be. */
  readonly onChange?: ((contact: C, joined: boolean) => void) | undefined
}

interface Bucket<C> {
  /** By key, least recently seen first: a Map keeps the order of insertion. */
  readonly live: Map<string, TableEntry<C>>
  readonly waiting: Map<string, TableEntry<C>>
}

export class BucketTable<C extends TableNode> {
  readonly #own: Uint8Array
  readonly #ownHead: number
  readonly #capped: boolean
  readonly #onChange: ((contact: C, joined: boolean) => void) | undefined
  readonly #buckets: Array<Bucket<C> | undefined> = Array(257)
  readonly #entries = new Map<string, TableEntry<C>>()
  readonly #networks = new NetworkCaps()
  /** By bucket: when a lookup of one of its ids last came to its end. */
  readonly #lookedUpAt: Array<number> = []
  /** One more than the deepest bucket in use. */
  #depth = 0

  constructor(own: Uint8Array, options: BucketTableOptions<C>) {
    this.#own = own
    this.#ownHead = headOf(own)
    this.#capped = options.capped
    this.#onChange = options.onChange
  }

  get size(): number {
    return this.#entries.size
  }

  /** Newcomers that wait, in all buckets. */
  get waiting(): number {
    let waiting = 0
    for (let index = 0; index < this.#depth; index++) waiting += this.#buckets[index]?.waiting.size ?? 0
    return waiting
  }

  /**
   * A contact was met; `verified` when this node dialled it. A newcomer to a full bucket waits for a place, and nobody
   * is asked whether he still lives on its account: whoever does not loses his place in the background.
   */
  seen(contact: C, verified: boolean, now: number): void {
    const index = commonPrefixLength(this.#own, contact.nodeId)
    if (index === 256) return
    const known = this.#entries.get(contact.key)
    if (known !== undefined) {
      if (known.contact !== contact && !this.#moved(known, contact, index)) return
      if (verified) known.verifiedAt = now
      known.lastSeen = now
      known.failures = 0
      const { live } = this.#bucket(index)
      live.delete(contact.key)
      live.set(contact.key, known)
      return
    }
    const entry = this.#entryOf(contact, verified ? now : Number.NEGATIVE_INFINITY, now)
    const bucket = this.#bucket(index)
    if (bucket.live.size >= K) return void this.#wait(bucket, entry)
    bucket.waiting.delete(contact.key)
    if (this.#networks.allow(entry, bucket.live)) this.#enter(bucket, entry)
  }

  /** It was in the table of an earlier run of this node, and was verified then. Takes a place where one is free. */
  restore(contact: C, verifiedAt: number): void {
    const index = commonPrefixLength(this.#own, contact.nodeId)
    if (index === 256 || this.#entries.has(contact.key)) return
    const bucket = this.#bucket(index)
    const entry = this.#entryOf(contact, verifiedAt, verifiedAt)
    if (bucket.live.size >= K || bucket.waiting.has(contact.key)) return
    if (this.#networks.allow(entry, bucket.live)) this.#enter(bucket, entry)
  }

  /**
   * It did not answer. After `STRIKES` in a row it leaves, and the latest newcomer takes its place; the answer is who
   * has left.
   */
  failed(key: string): C | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || ++entry.failures < STRIKES) return undefined
    this.remove(key)
    return entry.contact
  }

  /** It leaves, from wherever it is, and the latest newcomer that may takes its place. */
  remove(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      for (let index = 0; index < this.#depth; index++) this.#buckets[index]?.waiting.delete(key)
      return
    }
    const bucket = this.#bucket(commonPrefixLength(this.#own, entry.id))
    bucket.live.delete(key)
    this.#entries.delete(key)
    this.#networks.remove(entry)
    let successor: TableEntry<C> | undefined
    for (const [waitingKey, waiting] of [...bucket.waiting].reverse()) {
      if (!this.#networks.allow(waiting, bucket.live)) continue
      bucket.waiting.delete(waitingKey)
      successor = waiting
      break
    }
    this.#onChange?.(entry.contact, false)
    if (successor !== undefined) this.#enter(bucket, successor)
  }

  /** Drops newcomers that were not heard of since `before`, and says how many. */
  tidy(before: number): number {
    let dropped = 0
    for (let index = 0; index < this.#depth; index++) {
      const waiting = this.#buckets[index]?.waiting
      if (waiting === undefined) continue
      for (const [key, entry] of waiting) {
        if (entry.lastSeen >= before) continue
        waiting.delete(key)
        dropped++
      }
    }
    return dropped
  }

  find(key: string): TableEntry<C> | undefined {
    return this.#entries.get(key)
  }

  /** Who waits for a place. */
  findWaiting(nodeId: Uint8Array, key: string): TableEntry<C> | undefined {
    return this.#buckets[commonPrefixLength(this.#own, nodeId)]?.waiting.get(key)
  }

  entries(): Iterable<TableEntry<C>> {
    return this.#entries.values()
  }

  /**
   * The `count` closest to a target that were verified at `since` or later, closest first.
   *
   * Whole buckets are closer than others: first the target's own, then together all that are deeper (they share one
   * bit less with the target than its own bucket does), then the shallower ones one by one.
   */
  closest(target: Uint8Array, count: number, since = Number.NEGATIVE_INFINITY): Array<C> {
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

  /** Whether fewer than k known contacts are closer to the target than this node itself. */
  isClose(target: Uint8Array): boolean {
    const home = commonPrefixLength(this.#own, target)
    let closer = this.#buckets[home]?.live.size ?? 0
    const head = headOf(target)
    const own = (this.#ownHead ^ head) >>> 0
    for (let index = home + 1; index < this.#depth && closer < K; index++) {
      const bucket = this.#buckets[index]
      if (bucket === undefined) continue
      for (const entry of bucket.live.values()) {
        const distance = (entry.head ^ head) >>> 0
        if (distance < own || (distance === own && compareDistance(target, entry.id, this.#own) < 0)) closer++
      }
    }
    return closer < K
  }

  /** A lookup of this id has come to its end. */
  lookedUp(target: Uint8Array, now: number): void {
    const index = commonPrefixLength(this.#own, target)
    if (index < BUCKETS) this.#lookedUpAt[index] = now
  }

  /**
   * The buckets in use, and the next deeper one, of whose ids none was looked up since `before`; the farthest first.
   * In the deeper one somebody may have come who is closer than all that are known.
   */
  idle(before: number): Array<number> {
    let depth = this.#depth
    while (depth > 0 && (this.#buckets[depth - 1]?.live.size ?? 0) === 0) depth--
    const idle: Array<number> = []
    if (depth === 0) return idle
    for (let index = 0; index <= Math.min(depth, BUCKETS - 1); index++)
      if ((this.#lookedUpAt[index] ?? Number.NEGATIVE_INFINITY) < before) idle.push(index)
    return idle
  }

  #entryOf(contact: C, verifiedAt: number, lastSeen: number): TableEntry<C> {
    const prefixes = this.#capped ? prefixesOf(contact.addresses) : []
    return { contact, id: contact.nodeId, head: headOf(contact.nodeId), verifiedAt, lastSeen, failures: 0, prefixes }
  }

  #bucket(index: number): Bucket<C> {
    const bucket = this.#buckets[index]
    if (bucket !== undefined) return bucket
    const fresh: Bucket<C> = { live: new Map(), waiting: new Map() }
    this.#buckets[index] = fresh
    this.#depth = Math.max(this.#depth, index + 1)
    return fresh
  }

  #gather(index: number, since: number, rows: Array<TableEntry<C>>): void {
    const bucket = this.#buckets[index]
    if (bucket === undefined) return
    for (const entry of bucket.live.values()) if (entry.verifiedAt >= since) rows.push(entry)
  }

  #enter(bucket: Bucket<C>, entry: TableEntry<C>): void {
    bucket.live.set(entry.contact.key, entry)
    this.#entries.set(entry.contact.key, entry)
    this.#networks.add(entry)
    this.#onChange?.(entry.contact, true)
  }

  /** The latest newcomers wait; those of a network that already waits twice do not. */
  #wait(bucket: Bucket<C>, entry: TableEntry<C>): void {
    bucket.waiting.delete(entry.contact.key)
    if (!areFew(entry.prefixes, bucket.waiting)) return
    bucket.waiting.set(entry.contact.key, entry)
    if (bucket.waiting.size > REPLACEMENTS) bucket.waiting.delete(bucket.waiting.keys().next().value ?? "")
  }

  /**
   * A known contact came with a newer record: its addresses may have moved to a network that is full here, and nobody
   * has verified the new ones.
   */
  #moved(entry: TableEntry<C>, contact: C, index: number): boolean {
    if (this.#capped) {
      const bucket = this.#bucket(index)
      this.#networks.remove(entry)
      entry.prefixes = []
      const prefixes = prefixesOf(contact.addresses)
      if (!this.#networks.allow({ prefixes }, bucket.live)) {
        this.remove(contact.key)
        return false
      }
      entry.prefixes = prefixes
      this.#networks.add(entry)
    }
    if (!sameAddresses(entry.contact, contact)) entry.verifiedAt = Number.NEGATIVE_INFINITY
    entry.contact = contact
    return true
  }
}
