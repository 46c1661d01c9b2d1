/**
 * The reply blocks that this node has given out and not seen again, each with what opens its answer and with what the
 * answer is for. An id is good for one answer: it is forgotten when it comes, whatever the answer turns out to be, since
 * the relays have peeled that cell and will not peel it again.
 */
import { keyOf } from "#schemas/bytes/bytes"
import type { ReplyKeys } from "./replyBlock.ts"

/** Of some 300 bytes each. Filled by this node's own requests only. */
export const REPLIES_LIMIT = 4_096

export interface Expected<A> {
  readonly keys: ReplyKeys
  /** The minute of death. */
  readonly death: number
  readonly purpose: A
}

export class ReplyBook<A> {
  readonly #limit: number
  /** In the order in which they were given out. */
  readonly #expected = new Map<string, Expected<A>>()

  constructor(limit = REPLIES_LIMIT) {
    this.#limit = limit
  }

  get size(): number {
    return this.#expected.size
  }

  /** When there is no room, what was given out longest ago is given up. */
  expect(expected: Expected<A>): void {
    if (this.#expected.size >= this.#limit) this.#expected.delete(this.#expected.keys().next().value ?? "")
    this.#expected.set(keyOf(expected.keys.id), expected)
  }

  /** What was given out under this id, once, and only while it lives. */
  take(id: Uint8Array, minute: number): Expected<A> | undefined {
    const key = keyOf(id)
    const expected = this.#expected.get(key)
    this.#expected.delete(key)
    return expected !== undefined && expected.death >= minute ? expected : undefined
  }

  /** No answer is wanted any more: it came by another block, or the request was given up. */
  forget(id: Uint8Array): void {
    this.#expected.delete(keyOf(id))
  }

  /** Forgets those that are over; answers what they were for. */
  expire(minute: number): ReadonlyArray<A> {
    const over: Array<A> = []
    for (const [key, { death, purpose }] of this.#expected) {
      if (death >= minute) continue
      this.#expected.delete(key)
      over.push(purpose)
    }
    return over
  }
}
