/**
 * A set of 16-byte tags in flat memory: 20 to 32 bytes a tag, and no object for any of them. It only grows; whoever owns
 * it drops it whole.
 *
 * Open addressing, in shards that grow one by one, so that no single call moves more than a 64th of the set. Tags are
 * chosen by strangers; where they stand is decided by factors that strangers do not know (multilinear hashing, Carter
 * and Wegman 1979), or they could be made to pile up in one place.
 */
export const TAG_BYTES = 16

const WORDS = TAG_BYTES / 4

const SHARD_BITS = 6

/** Tags for which a new shard has room, at most. */
const FIRST_SLOTS = 8
const GROWTH = 1.5
/** At four fifths a tag that is not there is told after a dozen slots, which stand in a row. */
const FULLEST = 0.8

/** The constants of murmur3's finalizer, which spreads over all bits what the factors made different. */
const MIX_1 = 0x85ebca6b
const MIX_2 = 0xc2b2ae35

/** A tag as four words, the first of them never zero. */
export type Tag = Uint32Array

/** From 16 secret bytes. */
export const factorsOf = (seed: Uint8Array): Uint32Array => {
  if (seed.length !== TAG_BYTES) throw new RangeError("a seed has 16 bytes")
  return readTag(seed, new Uint32Array(WORDS)).map((word) => word | 1)
}

/**
 * The first 16 bytes of `bytes` into `tag`. A first word of zero becomes one, as zero marks an empty slot; so two tags
 * may be taken for one where all their other 96 bits are equal.
 */
export const readTag = (bytes: Uint8Array, tag: Tag): Tag => {
  for (let word = 0, at = 0; word < WORDS; word++, at += 4) {
    tag[word] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }
  if (tag[0] === 0) tag[0] = 1
  return tag
}

/** Of the four words at `at`; 32 bits, unsigned. */
export const hashOf = (factors: Uint32Array, words: Uint32Array, at = 0): number => {
  let hash = 0
  for (let word = 0; word < WORDS; word++) hash = (hash + Math.imul(words[at + word]!, factors[word]!)) | 0
  hash = Math.imul(hash ^ (hash >>> 16), MIX_1)
  hash = Math.imul(hash ^ (hash >>> 13), MIX_2)
  return (hash ^ (hash >>> 16)) >>> 0
}

interface Shard {
  /** Four a slot. */
  words: Uint32Array
  count: number
}

export class TagSet {
  readonly #factors: Uint32Array
  readonly #shards: Array<Shard | undefined> = []
  #size = 0

  constructor(factors: Uint32Array) {
    this.#factors = factors
  }

  get size(): number {
    return this.#size
  }

  /** Bytes of memory that the tags take. */
  get bytes(): number {
    let bytes = 0
    for (const shard of this.#shards) bytes += shard?.words.byteLength ?? 0
    return bytes
  }

  /** `hash` is the tag's, which is computed once for several sets of the same factors. */
  has(tag: Tag, hash: number): boolean {
    const shard = this.#shards[shardOf(hash)]
    return shard !== undefined && shard.words[find(shard.words, tag, 0, hash)] !== 0
  }

  /** Only a tag that is not there. */
  add(tag: Tag, hash: number): void {
    const shard = (this.#shards[shardOf(hash)] ??= { words: new Uint32Array(FIRST_SLOTS * WORDS), count: 0 })
    if ((shard.count + 1) * WORDS > shard.words.length * FULLEST) this.#grow(shard)
    shard.words.set(tag, find(shard.words, tag, 0, hash))
    shard.count++
    this.#size++
  }

  #grow(shard: Shard): void {
    const old = shard.words
    const words = new Uint32Array(Math.ceil((old.length / WORDS) * GROWTH) * WORDS)
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at] === 0) continue
      const to = find(words, old, at, hashOf(this.#factors, old, at))
      for (let word = 0; word < WORDS; word++) words[to + word] = old[at + word]!
    }
    shard.words = words
  }
}

const shardOf = (hash: number): number => hash >>> (32 - SHARD_BITS)

/** Where the tag at `from` of `source` stands in `words`, or the empty slot where it would. */
const find = (words: Uint32Array, source: Uint32Array, from: number, hash: number): number => {
  const slots = words.length / WORDS
  // The bits that did not choose the shard, as a share of the slots.
  let at = Math.floor((((hash << SHARD_BITS) >>> 0) / 2 ** 32) * slots) * WORDS
  for (;;) {
    if (words[at] === 0) return at
    let word = 0
    while (word < WORDS && words[at + word] === source[from + word]) word++
    if (word === WORDS) return at
    at += WORDS
    if (at === words.length) at = 0
  }
}
