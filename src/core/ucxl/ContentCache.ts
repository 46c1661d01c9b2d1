/**
 * Decrypted content by its key: what was used least goes first when the items or their bytes are too many, and what is
 * older than its time is gone. Kept in the order of use, which a Map has for nothing.
 */

export interface CacheLimits {
  readonly items: number
  readonly bytes: number
  /** Milliseconds from when it was put. */
  readonly time: number
}

interface Held<A> {
  readonly value: A
  readonly bytes: number
  readonly at: number
}

/** One that took more than this part of all bytes would drive out too many others. */
const LARGEST_PART = 4

export class ContentCache<A> {
  readonly limits: CacheLimits
  readonly #held = new Map<string, Held<A>>()
  #bytes = 0

  constructor(limits: CacheLimits) {
    this.limits = limits
  }

  get size(): number {
    return this.#held.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Bytes of the largest that is kept. */
  get largest(): number {
    return this.limits.bytes / LARGEST_PART
  }

  /** Becomes the one used last. */
  get(key: string, now: number): A | undefined {
    const held = this.#held.get(key)
    if (held === undefined) return undefined
    this.#held.delete(key)
    if (this.#isOld(held, now)) {
      this.#bytes -= held.bytes
      return undefined
    }
    this.#held.set(key, held)
    return held.value
  }

  /** Looks without using it. */
  peek(key: string): A | undefined {
    return this.#held.get(key)?.value
  }

  /** In the place of what was there; nothing is there afterwards where it is too large. */
  put(key: string, value: A, bytes: number, now: number): void {
    this.delete(key)
    if (bytes > this.largest || this.limits.items < 1) return
    this.#held.set(key, { value, bytes, at: now })
    this.#bytes += bytes
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= this.limits.items && this.#bytes <= this.limits.bytes) return
      this.delete(oldest)
    }
  }

  delete(key: string): boolean {
    const held = this.#held.get(key)
    if (held === undefined) return false
    this.#bytes -= held.bytes
    return this.#held.delete(key)
  }

  clear(): void {
    this.#held.clear()
    this.#bytes = 0
  }

  /** Drops what is older than its time; answers how many. */
  sweep(now: number): number {
    let dropped = 0
    for (const [key, held] of this.#held) if (this.#isOld(held, now) && this.delete(key)) dropped++
    return dropped
  }

  #isOld({ at }: Held<A>, now: number): boolean {
    return now - at >= this.limits.time
  }
}
