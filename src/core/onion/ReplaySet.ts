/**
 * Which cells this node has peeled: for each the first 16 bytes of its ephemeral key, until the cell's ttl is over
 * (WIRE §4). Tags that die in one minute stand in one set, which is dropped whole when the minute is over.
 *
 * When it is full, cells are refused, not forgotten: somebody who fills it can stop traffic but never repeat a cell.
 * Replies live longer, so they have at most half of it. It lives and dies with the onion keys: neither is written down.
 */
import { REPLY_MINUTES, SKEW_MINUTES } from "./minutes.ts"
import { factorsOf, hashOf, readTag, TAG_BYTES, TagSet } from "./TagSet.ts"

/** Some 60 MiB when full: 2,900 cells a second, each of which lives twelve minutes. */
export const TAGS_LIMIT = 2 ** 21

const FURTHEST = REPLY_MINUTES + SKEW_MINUTES

export type Entered = "entered" | "replayed" | "full" | "expired"

interface Generation {
  readonly tags: TagSet
  replies: number
}

export class ReplaySet {
  readonly #factors: Uint32Array
  readonly #limit: number
  readonly #replyLimit: number
  /** By the minute of death. */
  readonly #generations = new Map<number, Generation>()
  readonly #tag = new Uint32Array(TAG_BYTES / 4)
  /** Of the latest minute that was ever named: what died before it is forgotten, and must not come again. */
  #latest = 0
  #size = 0
  #replies = 0

  /** `seed`: 16 secret bytes. */
  constructor(seed: Uint8Array, limit = TAGS_LIMIT, replyLimit = Math.floor(limit / 2)) {
    this.#factors = factorsOf(seed)
    this.#limit = limit
    this.#replyLimit = replyLimit
  }

  get size(): number {
    return this.#size
  }

  get replies(): number {
    return this.#replies
  }

  /** Bytes of memory that the tags take. */
  get bytes(): number {
    let bytes = 0
    for (const { tags } of this.#generations.values()) bytes += tags.bytes
    return bytes
  }

  /**
   * The tag at the start of `key`, with the minute of its death, which is at most twelve minutes away. A clock that was
   * put back makes cells expire early: their tags may be forgotten already.
   */
  enter(key: Uint8Array, death: number, reply: boolean, minute: number): Entered {
    if (death > minute + FURTHEST) throw new RangeError("a cell that dies so late is not entered")
    this.expire(minute)
    if (death < this.#latest) return "expired"
    const tag = readTag(key, this.#tag)
    const hash = hashOf(this.#factors, tag)
    for (const { tags } of this.#generations.values()) if (tags.has(tag, hash)) return "replayed"
    if (this.#size >= this.#limit || (reply && this.#replies >= this.#replyLimit)) return "full"
    let generation = this.#generations.get(death)
    if (generation === undefined) {
      generation = { tags: new TagSet(this.#factors), replies: 0 }
      this.#generations.set(death, generation)
    }
    generation.tags.add(tag, hash)
    this.#size++
    if (reply) {
      generation.replies++
      this.#replies++
    }
    return "entered"
  }

  /** Drops what died before this minute. Called by `enter`, and by whoever wants the memory back while nothing comes. */
  expire(minute: number): void {
    if (minute <= this.#latest) return
    this.#latest = minute
    for (const [death, { replies, tags }] of this.#generations) {
      if (death >= minute) continue
      this.#generations.delete(death)
      this.#size -= tags.size
      this.#replies -= replies
    }
  }
}
