/**
 * Peers whose logs cannot be joined with the one here, for both were compacted while they were apart. Each comparison with
 * one costs his whole snapshot and comes to nothing; so after each he is passed over twice as often as after the last.
 */
import { PARTED_PEERS } from "#services/crdt/Limits"

/** Times that a peer is passed over, at most: about an hour of comparisons every twenty seconds, with two peers. */
const PASSED_OVER = 64

export class Parted {
  readonly #peers = new Map<string, { times: number; left: number }>()

  get size(): number {
    return this.#peers.size
  }

  /** A comparison with him failed once more. */
  note(key: string): void {
    const times = Math.min(PASSED_OVER, 2 * (this.#peers.get(key)?.times ?? 1))
    this.#peers.delete(key)
    this.#peers.set(key, { times, left: times })
    if (this.#peers.size > PARTED_PEERS) this.#peers.delete(this.#peers.keys().next().value!)
  }

  /** One went well. */
  forget(key: string): void {
    this.#peers.delete(key)
  }

  /** Whether he is to be passed over this time. */
  passes(key: string): boolean {
    const peer = this.#peers.get(key)
    return peer !== undefined && peer.left-- > 0
  }
}
