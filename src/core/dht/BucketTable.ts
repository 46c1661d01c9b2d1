/**
 * Kademlia's routing table: who enters its buckets and who leaves them, at most k contacts in each, least recently seen
 * first.
 *
 * Mutable, synchronous, without I/O; time is an argument. Old contacts that answer stay, newcomers wait in a bounded
 * replacement cache until one is retired: a node that was up for an hour will likely be up for another (section 4.1 of
 * the paper). The table never asks anybody: `seen` answers whom to check.
 */
import { BUCKETS, type Bucket, Buckets } from "./Buckets.ts"
import { headOf } from "./distance.ts"
import { areFew, NetworkCaps } from "./NetworkCaps.ts"
import { networksIn } from "./networks.ts"
import { sameAddresses, type TableEntry, type TableNode } from "./TableEntry.ts"

/** Contacts in a bucket, and nodes that a lookup settles on: k of the paper. */
export const K = 20
/** Newcomers that wait for a place, in each bucket. */
export const REPLACEMENTS = 10
/** Requests in a row without an answer until a contact is retired. */
export const STRIKES = 3

export interface BucketTableOptions<C> {
  /** Whether the limits for each /24 and /48 hold; on a local network they do not. */
  readonly capped: boolean
  /** Hears of every contact that enters (`joined`) or leaves, once the table is as it will be. */
  readonly onChange?: ((contact: C, joined: boolean) => void) | undefined
}

export class BucketTable<C extends TableNode> {
  readonly #buckets: Buckets<C>
  readonly #capped: boolean
  readonly #onChange: ((contact: C, joined: boolean) => void) | undefined
  readonly #entries = new Map<string, TableEntry<C>>()
  readonly #networks = new NetworkCaps()
  /** By bucket: when a lookup of one of its ids last came to its end. */
  readonly #lookedUpAt: Array<number> = []

  constructor(own: Uint8Array, options: BucketTableOptions<C>) {
    this.#buckets = new Buckets(own)
    this.#capped = options.capped
    this.#onChange = options.onChange
  }

  get size(): number {
    return this.#entries.size
  }

  /** Newcomers that wait, in all buckets. */
  get waiting(): number {
    let waiting = 0
    for (const bucket of this.#buckets.opened()) waiting += bucket.waiting.size
    return waiting
  }

  /**
   * A contact was met; `verified` when this node dialled it. A newcomer to a full bucket waits for a place, and nobody
   * is asked whether he still lives on its account: whoever does not loses his place in the background.
   */
  seen(contact: C, verified: boolean, now: number): void {
    const index = this.#buckets.indexOf(contact.nodeId)
    if (index === BUCKETS) return
    const known = this.#entries.get(contact.key)
    if (known !== undefined) {
      if (known.contact !== contact && !this.#moved(known, contact, index)) return
      if (verified) known.verifiedAt = now
      known.lastSeen = now
      known.failures = 0
      const { live } = this.#buckets.open(index)
      live.delete(contact.key)
      live.set(contact.key, known)
      return
    }
    const bucket = this.#buckets.open(index)
    const waiting = bucket.waiting.get(contact.key)
    if (waiting?.contact === contact && bucket.live.size >= K) {
      // Its networks were judged when it came, and it goes on waiting, now as the latest.
      if (verified) waiting.verifiedAt = now
      waiting.lastSeen = now
      bucket.waiting.delete(contact.key)
      bucket.waiting.set(contact.key, waiting)
      return
    }
    const entry = this.#entryOf(contact, verified ? now : Number.NEGATIVE_INFINITY, now)
    if (bucket.live.size >= K) return void this.#wait(bucket, entry)
    bucket.waiting.delete(contact.key)
    if (this.#networks.allow(entry, bucket.live)) this.#enter(bucket, entry)
  }

  /** It was in the table of an earlier run of this node, and was verified then. Takes a place where one is free. */
  restore(contact: C, verifiedAt: number): void {
    const index = this.#buckets.indexOf(contact.nodeId)
    if (index === BUCKETS || this.#entries.has(contact.key)) return
    const bucket = this.#buckets.open(index)
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
      for (const { waiting } of this.#buckets.opened()) waiting.delete(key)
      return
    }
    const bucket = this.#buckets.open(this.#buckets.indexOf(entry.id))
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
    for (const { waiting } of this.#buckets.opened()) {
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
    return this.#buckets.at(this.#buckets.indexOf(nodeId))?.waiting.get(key)
  }

  entries(): Iterable<TableEntry<C>> {
    return this.#entries.values()
  }

  /** The `count` closest to a target that were verified at `since` or later, closest first. */
  closest(target: Uint8Array, count: number, since = Number.NEGATIVE_INFINITY): Array<C> {
    return this.#buckets.closest(target, count, since)
  }

  /** Whether fewer than k known contacts are closer to the target than this node itself. */
  isClose(target: Uint8Array): boolean {
    return this.#buckets.closerThanOwn(target, K) < K
  }

  /** A lookup of this id has come to its end. */
  lookedUp(target: Uint8Array, now: number): void {
    const index = this.#buckets.indexOf(target)
    if (index < BUCKETS) this.#lookedUpAt[index] = now
  }

  /**
   * The buckets in use, and the next deeper one, of whose ids none was looked up since `before`; the farthest first.
   * In the deeper one somebody may have come who is closer than all that are known.
   */
  idle(before: number): Array<number> {
    const depth = this.#buckets.inhabited
    const idle: Array<number> = []
    if (depth === 0) return idle
    for (let index = 0; index <= Math.min(depth, BUCKETS - 1); index++)
      if ((this.#lookedUpAt[index] ?? Number.NEGATIVE_INFINITY) < before) idle.push(index)
    return idle
  }

  #entryOf(contact: C, verifiedAt: number, lastSeen: number): TableEntry<C> {
    const prefixes = this.#capped ? networksIn(contact.addresses) : []
    return { contact, id: contact.nodeId, head: headOf(contact.nodeId), verifiedAt, lastSeen, failures: 0, prefixes }
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
      const bucket = this.#buckets.open(index)
      this.#networks.remove(entry)
      entry.prefixes = []
      const prefixes = networksIn(contact.addresses)
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
