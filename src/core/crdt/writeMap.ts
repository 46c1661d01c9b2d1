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
import type { ByteWriter } from "#schemas/crdt/ByteWriter"
import { NEW_CONTAINERS, tagOf, writeTagged } from "#schemas/crdt/Value"
import { Container } from "./Container.ts"
import type { Entry } from "./LwwRegister.ts"
import { before, OTHER_AUTHOR, OTHER_COUNTER, OTHER_LEAD, sharedOf, TEXT_CODE } from "./mapContext.ts"
import type { OrMap } from "./OrMap.ts"

/** Units that are written one by one. */
const SHORT = 32

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
