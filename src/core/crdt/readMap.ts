/** The keys of a map from a snapshot, as writeMap.ts has them. */
import { utf8 } from "#schemas/bytes/bytes"
import type { ByteReader } from "#schemas/crdt/ByteReader"
import { KEY_LIMIT, VALUE_LIMIT } from "#schemas/crdt/Operation"
import { NewContainer, type Plain, readTagged } from "#schemas/crdt/Value"
import type { Author } from "./Authors.ts"
import type { Item } from "./LwwRegister.ts"
import {
  before,
  isHighSurrogate,
  OTHER_AUTHOR,
  OTHER_COUNTER,
  OTHER_LEAD,
  SHARED_LIMIT,
  TEXT_CODE
} from "./mapContext.ts"
import type { OrMap } from "./OrMap.ts"

/** `place` gives the container that began under an id, or null and a refusal. */
export const readMap = (
  from: ByteReader,
  authors: ReadonlyArray<Author>,
  map: OrMap,
  place: (value: NewContainer, author: number, counter: number) => Item
): void => {
  before.reset()
  readKeys(from, authors, map, place)
  before.reset()
}

const readKeys = (
  from: ByteReader,
  authors: ReadonlyArray<Author>,
  map: OrMap,
  place: (value: NewContainer, author: number, counter: number) => Item
): void => {
  for (let keys = from.count(4); keys > 0 && from.refusal === undefined; keys--) {
    const shared = from.uint()
    const key = joined(from, before.key, shared, from.text(KEY_LIMIT), KEY_LIMIT)
    before.key = key
    const entries = from.count(1)
    if (entries === 0 || map.get(key) !== undefined) from.fail("malformed key")
    let rank = -1
    for (let left = entries; left > 0 && from.refusal === undefined; left--) {
      const head = from.uint()
      const isFirst = rank < 0
      rank = (head & OTHER_AUTHOR) !== 0 ? from.uint() : isFirst ? before.first : rank + 1
      if (isFirst) before.first = rank
      if ((head & OTHER_COUNTER) !== 0) before.counter += from.int()
      if ((head & OTHER_LEAD) !== 0) before.lead += from.int()
      const author = authors[rank]
      const { counter, lead } = before
      if (author === undefined || counter < 0 || counter >= author.next) {
        from.fail("id that is not given")
        return
      }
      const code = Math.floor(head / 8)
      const plain = code < TEXT_CODE ? readTagged(from, code, VALUE_LIMIT) : readText(from, code, rank)
      const value = plain instanceof NewContainer ? place(plain, author.index, counter) : plain
      map.add(key, { author: author.index, counter, lamport: lead + counter, value })
    }
  }
}

const readText = (from: ByteReader, code: number, rank: number): Plain => {
  const shared = code % 2 === 0 ? from.uint() : (before.shared[rank] ?? 0)
  const length = Math.floor((code - TEXT_CODE) / 2)
  const text = joined(from, before.texts[rank] ?? "", shared, from.utf8(length, VALUE_LIMIT), VALUE_LIMIT)
  before.texts[rank] = text
  before.shared[rank] = shared
  return text
}

const joined = (from: ByteReader, before: string, shared: number, text: string, max: number): string => {
  if (shared === 0) return text
  const parts = shared <= before.length && isHighSurrogate(before.charCodeAt(shared - 1))
  if (shared > SHARED_LIMIT || shared > before.length || parts) from.fail("shares more than there is")
  const whole = before.slice(0, shared) + text
  if (whole.length * 3 > max && utf8(whole).length > max) from.fail("text too long")
  return whole
}
