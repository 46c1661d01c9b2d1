/** What a storing peer has left at this node: a rate of stores, and bytes for itself and for its network. */
import { Effect } from "effect"
import { prefixesOf } from "#core/dht/networkPrefix"
import type { Contact } from "#core/identity/Contact"
import { TokenBucket } from "#core/session/TokenBucket"
import { NODE_QUOTA, NODES_OF_PREFIX, PREFIX_QUOTA, PREFIXES, STORE_RATE, STORING_PEERS } from "#services/dht/Limits"
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
  readonly #usage: RecordStore["Service"]["usage"]
  readonly #byNetwork: boolean

  /** `byNetwork` is off where a network is local. */
  constructor(usage: RecordStore["Service"]["usage"], byNetwork: boolean) {
    this.#usage = usage
    this.#byNetwork = byNetwork
  }

  get peers(): number {
    return this.#buckets.size
  }

  get networks(): number {
    return this.#networks.size
  }

  mostOfNetwork(): number {
    let most = 0
    for (const { size } of this.#networks.values()) most = Math.max(most, size)
    return most
  }

  /** `now` in milliseconds. */
  withinRate(from: Contact, now: number): boolean {
    const bucket = this.#buckets.get(from.key) ?? new TokenBucket(STORE_RATE, now)
    refresh(this.#buckets, from.key, bucket, STORING_PEERS)
    return bucket.take(1, now) === 0
  }

  /** Whether `bytes` more are within what the node and all nodes of its networks may store here. */
  hasQuota(from: Contact, bytes: number) {
    return Effect.flatMap(this.#usage(from.nodeId), (own) => {
      if (own.bytes + bytes > NODE_QUOTA) return Effect.succeed(false)
      return this.#byNetwork ? this.#networkHasQuota(from, bytes) : Effect.succeed(true)
    })
  }

  #networkHasQuota = Effect.fnUntraced(function* (this: Admission, from: Contact, bytes: number) {
    for (const prefix of prefixesOf(from.addresses)) {
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
