/**
 * The keys of a map in a snapshot, and what they hold:
 *
 *   uint       keys ‖ each, in order:
 *   shared     uint: UTF-16 units that the key before begins with, too, at most 63 ‖ text: the rest
 *   uint       entries ‖ each, by author and counter:
 *   uint       8 · code + 1 (another author) + 2 (another counter) + 4 (another lead); then those, in this order
 *   uint       the author, or else the next of all; at the first entry of a key, that of the first entry before
 *   int        counter, less that of the entry before; or else the same
 *   int        lead: lamport − counter, less that of the entry before; or else the same
 *   value      code 0–4, 6–10: as Value.ts has it behind its first byte · 11 + 2n: what the author's text before in this
 *              map begins with, as much of it as was taken then, and n bytes of UTF-8 · 12 + 2n: as much as uint says
 *
 * So what many set at once, each in his way, costs a byte or two besides what is new in it. Each entry takes a byte at
 * least, and takes 63 units from others at most.
 */
import { utf8 } from "#schemas/bytes/bytes"
import type { ByteReader } from "#schemas/crdt/ByteReader"
import type { ByteWriter } from "#schemas/crdt/ByteWriter"
import { KEY_LIMIT, VALUE_LIMIT } from "#schemas/crdt/Operation"
import { NEW_CONTAINERS, NewContainer, type Plain, readTagged, tagOf, writeTagged } from "#schemas/crdt/Value"
import type { Author } from "./Authors.ts"
import { Container } from "./Container.ts"
import type { Entry, Item } from "./LwwRegister.ts"
import type { OrMap } from "./OrMap.ts"

const SHARED_LIMIT = 63
const TEXT_CODE = 11

/** Units that are written one by one. */
const SHORT = 32

const OTHER_AUTHOR = 1
const OTHER_COUNTER = 2
const OTHER_LEAD = 4

/** What stood before, in this map. */
class Before {
  key = ""
  /** The number of the author of a key's first entry. */
  first = 0
  counter = 0
  lead = 0
  /** By number of the author: his text, and how much of the one before was taken for it. */
  readonly texts: Array<string | undefined> = []
  readonly shared: Array<number | undefined> = []

  /** Before a map, and behind it, so that nothing of it is kept. */
  reset(): void {
    this.key = ""
    this.first = 0
    this.counter = 0
    this.lead = 0
    this.texts.length = 0
    this.shared.length = 0
  }
}

/** One for all maps: V8 forgets what it has learnt of a shape with the last object of it. */
const before = new Before()

/** `ranks`: the number in the snapshot of each author. */
export const writeMap = (out: ByteWriter, map: OrMap, ranks: Int32Array): void => {
  before.reset()
  const keys = map.keys()
  out.uint(keys.length)
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!
    const shared = sharedOf(before.key, key)
    out.uint(shared)
    out.text(shared === 0 ? key : key.slice(shared))
    before.key = key
    writeEntries(out, map.entries(key), ranks)
  }
  before.reset()
}

const writeEntries = (out: ByteWriter, entries: ReadonlyArray<Entry>, ranks: Int32Array): void => {
  const count = entries.length
  out.uint(count)
  if (count === 1) {
    writeFirst(out, entries[0]!, ranks)
    return
  }
  const sorted = inOrder(entries, ranks)
  writeFirst(out, sorted[0]!, ranks)
  for (let at = 1, rank = before.first; at < count; at++) {
    const entry = sorted[at]!
    const expected = rank + 1
    rank = ranks[entry.author]!
    writeEntry(out, entry, rank, rank === expected)
  }
}

const writeFirst = (out: ByteWriter, entry: Entry, ranks: Int32Array): void => {
  const rank = ranks[entry.author]!
  const isExpected = rank === before.first
  before.first = rank
  writeEntry(out, entry, rank, isExpected)
}

/** By author; of one author, who is told no better, by counter. */
const inOrder = (entries: ReadonlyArray<Entry>, ranks: Int32Array): ReadonlyArray<Entry> => {
  const count = entries.length
  // Numbers alone are sorted faster than with a comparison.
  const keys = new Float64Array(count)
  for (let at = 0; at < count; at++) keys[at] = ranks[entries[at]!.author]! * count + at
  keys.sort()
  const sorted: Array<Entry> = []
  for (let at = 0, author = -1; at < count; at++) {
    const key = keys[at]!
    const entry = entries[key - Math.floor(key / count) * count]!
    if (entry.author === author)
      return [...entries].sort((a, b) => ranks[a.author]! - ranks[b.author]! || a.counter - b.counter)
    author = entry.author
    sorted.push(entry)
  }
  return sorted
}

const writeEntry = (out: ByteWriter, entry: Entry, rank: number, isExpected: boolean): void => {
  const { counter, value } = entry
  const lead = entry.lamport - counter
  const others =
    (isExpected ? 0 : OTHER_AUTHOR) +
    (counter === before.counter ? 0 : OTHER_COUNTER) +
    (lead === before.lead ? 0 : OTHER_LEAD)
  if (typeof value === "string") writeText(out, value, entry, rank, others)
  else {
    const plain = value instanceof Container ? NEW_CONTAINERS[value.kind]! : value
    const code = tagOf(plain)
    writeHead(out, code, others, entry, rank)
    writeTagged(out, code, plain)
  }
  before.counter = counter
  before.lead = lead
}

const writeHead = (out: ByteWriter, code: number, others: number, entry: Entry, rank: number): void => {
  out.uint(8 * code + others)
  if ((others & OTHER_AUTHOR) !== 0) out.uint(rank)
  if ((others & OTHER_COUNTER) !== 0) out.int(entry.counter - before.counter)
  if ((others & OTHER_LEAD) !== 0) out.int(entry.lamport - entry.counter - before.lead)
}

const writeText = (out: ByteWriter, text: string, entry: Entry, rank: number, others: number): void => {
  const last = before.texts[rank]
  const shared = last === undefined ? 0 : sharedOf(last, text)
  const isSame = shared === (before.shared[rank] ?? 0)
  const code = TEXT_CODE + (isSame ? 0 : 1)
  const start = out.length
  const units = text.length - shared
  let isWritten = false
  if (units <= SHORT) {
    writeHead(out, code + 2 * units, others, entry, rank)
    if (!isSame) out.uint(shared)
    isWritten = putAscii(out, text, shared)
  }
  if (!isWritten) {
    out.length = start
    const rest = utf8(text.slice(shared))
    writeHead(out, code + 2 * rest.length, others, entry, rank)
    if (!isSame) out.uint(shared)
    out.raw(rest)
  }
  before.texts[rank] = text
  before.shared[rank] = shared
}

/** False where something is not ASCII, for then there are more bytes than units. */
const putAscii = (out: ByteWriter, text: string, from: number): boolean => {
  const bytes = out.room(text.length)
  let to = out.length
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit >= 0x80) return false
    bytes[to++] = unit
  }
  out.length = to
  return true
}

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

/** Units that both begin with; a surrogate pair is taken whole or not at all. */
const sharedOf = (before: string, text: string): number => {
  const limit = Math.min(SHARED_LIMIT, before.length, text.length)
  let shared = 0
  while (shared < limit && before.charCodeAt(shared) === text.charCodeAt(shared)) shared++
  return shared > 0 && isHighSurrogate(text.charCodeAt(shared - 1)) ? shared - 1 : shared
}

const joined = (from: ByteReader, before: string, shared: number, text: string, max: number): string => {
  if (shared === 0) return text
  const parts = shared <= before.length && isHighSurrogate(before.charCodeAt(shared - 1))
  if (shared > SHARED_LIMIT || shared > before.length || parts) from.fail("shares more than there is")
  const whole = before.slice(0, shared) + text
  if (whole.length * 3 > max && utf8(whole).length > max) from.fail("text too long")
  return whole
}

const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800
