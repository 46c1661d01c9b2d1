/**
 * What a storing peer has left at this node: a rate of stores, which work can make up for, and bytes for itself and for
 * its network.
 */
import { Effect } from "effect"
import { networksIn } from "#core/dht/networks"
import { bitsOf } from "#core/dht/work"
import type { Contact } from "#core/identity/Contact"
import type { Suite } from "#core/identity/Suite"
import { TokenBucket } from "#core/session/TokenBucket"
import { keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { WORK_BITS } from "#schemas/dht/Work"
import {
  ANONYMOUS_QUOTA,
  NODE_QUOTA,
  NODES_OF_PREFIX,
  PREFIX_QUOTA,
  PREFIXES,
  SPENT_WORK,
  STORE_RATE,
  STORING_PEERS
} from "#services/dht/Limits"
import type { CheckedRecord } from "#services/dht/RecordValidators"
import { ANONYMOUS, ANONYMOUS_ID } from "#services/dht/StorePipeline"
import type { RecordStore } from "#services/storage/RecordStore"

/** Puts an entry last and, where there are too many, lets go of the first: the least recently used one. */
const refresh = <V>(map: Map<string, V>, key: string, value: V, limit: number): void => {
  map.delete(key)
  if (map.size >= limit) map.delete(map.keys().next().value ?? "")
  map.set(key, value)
}

export class Admission {
  readonly #buckets = new Map<string, TokenBucket>()
  /** NodeIds that stored something, by the network that their record names. */
  readonly #networks = new Map<string, Map<string, Uint8Array>>()
  /** Records and nonces that have admitted a store. */
  readonly #spent = new Map<string, true>()
  readonly #suite: Suite
  readonly #usage: RecordStore["Service"]["usage"]
  readonly #byNetwork: boolean

  /** `byNetwork` is off where a network is local. */
  constructor(suite: Suite, usage: RecordStore["Service"]["usage"], byNetwork: boolean) {
    this.#suite = suite
    this.#usage = usage
    this.#byNetwork = byNetwork
  }

  get peers(): number {
    return this.#buckets.size
  }

  get networks(): number {
    return this.#networks.size
  }

  get spent(): number {
    return this.#spent.size
  }

  mostOfNetwork(): number {
    let most = 0
    for (const { size } of this.#networks.values()) most = Math.max(most, size)
    return most
  }

  /**
   * Undefined where the peer may store this now; `millis` since 1970. A nonce that is shown has to be good, whether it
   * is needed or not. Blocks are content, and who has too much of it waits.
   */
  refusal(record: CheckedRecord, work: Uint8Array, from: Contact, millis: number): "Busy" | "WorkRequired" | undefined {
    const within = this.#withinRate(from, millis)
    const inside = record.kind === RecordKind.Inbox
    if (work.length === 0 && !inside) {
      if (within) return undefined
      return record.kind === RecordKind.Block ? "Busy" : "WorkRequired"
    }
    const digest = this.#suite.sha256(record.bytes)
    const { key, kind, rank } = record
    const bits = inside ? rank : bitsOf(this.#suite, { kind, key, digest }, Math.floor(millis / 1000), work)
    if (bits < WORK_BITS) return "WorkRequired"
    return within || this.#pays(keyOf(digest) + (inside ? "" : keyOf(work))) ? undefined : "Busy"
  }

  #withinRate(from: Contact, now: number): boolean {
    const bucket = this.#buckets.get(from.key) ?? new TokenBucket(STORE_RATE, now)
    refresh(this.#buckets, from.key, bucket, STORING_PEERS)
    return bucket.take(1, now) === 0
  }

  /** Once: whoever shows it again has done nothing for it. */
  #pays(nonce: string): boolean {
    const isFresh = !this.#spent.has(nonce)
    refresh(this.#spent, nonce, true, SPENT_WORK)
    return isFresh
  }

  /** Whether `bytes` more are within what the node and all nodes of its networks may store here. */
  hasQuota(from: Contact | typeof ANONYMOUS, bytes: number) {
    if (from === ANONYMOUS)
      return Effect.map(this.#usage(ANONYMOUS_ID), (theirs) => theirs.bytes + bytes <= ANONYMOUS_QUOTA)
    return Effect.flatMap(this.#usage(from.nodeId), (own) => {
      if (own.bytes + bytes > NODE_QUOTA) return Effect.succeed(false)
      return this.#byNetwork ? this.#networkHasQuota(from, bytes) : Effect.succeed(true)
    })
  }

  #networkHasQuota = Effect.fnUntraced(function* (this: Admission, from: Contact, bytes: number) {
    for (const prefix of networksIn(from.addresses)) {
      const nodes = this.#networks.get(prefix) ?? new Map<string, Uint8Array>()
      refresh(nodes, from.key, from.nodeId, NODES_OF_PREFIX)
      refresh(this.#networks, prefix, nodes, PREFIXES)
      let sum = bytes
      for (const node of nodes.values()) sum += (yield* this.#usage(node)).bytes
      if (sum > PREFIX_QUOTA) return false
    }
    return true
  })
}
