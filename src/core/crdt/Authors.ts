/**
 * Who has written in a document: each author once, with an index for its ids, and with what it has named in its batches
 * so far, so that a name costs one byte from then on.
 */
import { compareBytes, equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { Container } from "./Container.ts"

/** Ids of one author, at most: counters live in 32 bits. */
export const COUNTER_LIMIT = 2 ** 31 - 1

/** Authors of one document, at most: an id is one number, 22 bits of author and 31 of counter. */
export const AUTHORS_LIMIT = 2 ** 22

export class Author {
  readonly index: number
  readonly key: PublicKey
  /** Of the last batch. */
  seq = 0
  lamport = 0
  /** The counter of the next id. */
  next = 0
  /** In the order in which they were named. */
  readonly authors: Array<Author> = []
  readonly roots: Array<Container> = []
  /** What the last operation was about. */
  last: Container | undefined
  /** The ids that were removed last; of nobody at first. */
  removedAuthor = -1
  removedFrom = 0
  removedTo = 0

  constructor(index: number, key: PublicKey) {
    this.index = index
    this.key = key
  }
}

export class Authors {
  /** By index. */
  readonly all: Array<Author> = []
  readonly #byKey = new Map<string, Author>()
  #recent: Author | undefined
  #marks = new Int32Array(0)
  /** By key, as they were when they were last asked for. */
  #sorted: ReadonlyArray<Author> = []

  find(key: Uint8Array): Author | undefined {
    const recent = this.#recent
    if (recent !== undefined && (recent.key === key || equalBytes(recent.key, key))) return recent
    const found = this.#byKey.get(keyOf(key))
    if (found !== undefined) this.#recent = found
    return found
  }

  /** The key is kept. */
  add(key: PublicKey): Author {
    const author = new Author(this.all.length, key)
    this.all.push(author)
    this.#byKey.set(keyOf(key), author)
    return author
  }

  /** Those who have written, by key. */
  inOrder(): Array<Author> {
    if (this.#sorted.length !== this.all.length) this.#sorted = sortedByKey(this.all)
    const written: Array<Author> = []
    for (let at = 0; at < this.#sorted.length; at++) {
      const author = this.#sorted[at]!
      if (author.seq > 0) written.push(author)
    }
    return written
  }

  /** −1 for each, by index: whoever writes in it leaves it so. A part that few have written in costs no look at them all. */
  get marks(): Int32Array {
    if (this.#marks.length < this.all.length) this.#marks = new Int32Array(2 * this.all.length).fill(-1)
    return this.#marks
  }

  /** Whether the first of two ids comes first: how concurrent elements at one place are ordered everywhere. */
  precedes(author: number, counter: number, otherAuthor: number, otherCounter: number): boolean {
    if (author === otherAuthor) return counter < otherCounter
    return compareBytes(this.all[author]!.key, this.all[otherAuthor]!.key) < 0
  }
}

/** By the first 31 bits of the key in a number with the index, for numbers alone are sorted faster than with a comparison. */
const sortedByKey = (authors: ReadonlyArray<Author>): Array<Author> => {
  const numbers = new Float64Array(authors.length)
  for (let index = 0; index < numbers.length; index++) {
    const { key } = authors[index]!
    const bits = (key[0]! << 23) | (key[1]! << 15) | (key[2]! << 7) | (key[3]! >> 1)
    numbers[index] = bits * AUTHORS_LIMIT + index
  }
  numbers.sort()
  const sorted: Array<Author> = []
  for (let at = 0; at < numbers.length; at++) {
    const author = authors[numbers[at]! % AUTHORS_LIMIT]!
    // Keys that begin alike are told apart by what follows; that is for tests and for those who look for such keys.
    if (at > 0 && compareBytes(sorted[at - 1]!.key, author.key) > 0) return [...authors].sort(byKey)
    sorted.push(author)
  }
  return sorted
}

const byKey = (a: Author, b: Author): number => compareBytes(a.key, b.key)
