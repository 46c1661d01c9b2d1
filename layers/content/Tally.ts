/** What a put has come to so far, receipt by receipt: how much of it there is, and what is least of what each block has. */
import { keyOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { PUT_BLOCKS_IN_FLIGHT } from "#services/content/Limits"
import type { PutReceipt } from "#services/dht/Dht"

/** Blocks whose holders are remembered: the root comes last, and so many are on their way beside it. */
const LAST_BLOCKS = 2 * PUT_BLOCKS_IN_FLIGHT

export class Tally {
  bytes = 0
  blocks = 0
  status: PutReceipt["status"] = "stored"
  /** The fewest copies of a block. */
  replicas = Number.POSITIVE_INFINITY
  factor = 0
  /** Unix seconds: when the first block dies. */
  expires = Number.POSITIVE_INFINITY
  /** Of the blocks that were stored last, by their keys: the root is one of them. */
  readonly #holders = new Map<string, ReadonlyArray<NodeId>>()

  /** `leafBytes` is 0 for a node. */
  add(receipt: PutReceipt, leafBytes: number): void {
    this.bytes += leafBytes
    this.blocks++
    if (receipt.status === "queued") this.status = "queued"
    this.replicas = Math.min(this.replicas, receipt.reached)
    this.factor = receipt.factor
    this.expires = Math.min(this.expires, receipt.expires)
    this.#holders.set(keyOf(receipt.key), receipt.holders)
    for (const key of this.#holders.keys()) {
      if (this.#holders.size <= LAST_BLOCKS) break
      this.#holders.delete(key)
    }
  }

  holdersOf(key: Uint8Array): ReadonlyArray<NodeId> {
    return this.#holders.get(keyOf(key)) ?? []
  }
}
