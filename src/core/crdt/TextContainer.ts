/**
 * Text: code points as elements, so that no operation can tell a surrogate pair apart; positions and lengths are in
 * UTF-16 units, as strings have them. What an author wrote lies in the order in which it came in a store of his own.
 */
import { codePointAt, codePoints, textOf } from "#schemas/crdt/utf8"
import { ContainerKind } from "#schemas/crdt/Value"
import type { Container } from "./Container.ts"
import { Sequence } from "./Sequence.ts"
import { AUTHOR, FLAGS, LENGTH, OFFSET, REMOVED, STRIDE, WIDE } from "./Spans.ts"

const FIRST_STORE = 16
/** Pieces shorter than this are copied unit by unit. */
const SHORT = 16
/** Offsets from here up to zero are in what was loaded, in the order of the text. */
const LOADED = -(2 ** 31)

const NO_UNITS = new Uint16Array(0)

const decoder = new TextDecoder("utf-16le", { ignoreBOM: true })

class Store {
  units = new Uint16Array(FIRST_STORE)
  used = 0
  /** Code points that `append` has taken. */
  taken = 0

  /** Takes code points of one width from checked UTF-8; answers where the next ones begin. */
  append(bytes: Uint8Array, from: number, to: number): number {
    if (this.used + to - from > this.units.length) this.#grow(to - from)
    const units = this.units
    const isWide = bytes[from]! >= 0xf0
    const before = this.used
    let used = before
    let at = from
    while (at < to) {
      const lead = bytes[at]!
      if (lead >= 0xf0 !== isWide) break
      if (lead < 0x80) {
        units[used++] = lead
        at++
        continue
      }
      const point = codePointAt(bytes, at)
      if (isWide) {
        units[used++] = 0xd800 + ((point - 0x10000) >> 10)
        units[used++] = 0xdc00 + ((point - 0x10000) & 0x3ff)
        at += 4
      } else {
        units[used++] = point
        at += lead < 0xe0 ? 2 : 3
      }
    }
    this.used = used
    this.taken = isWide ? (used - before) >> 1 : used - before
    return at
  }

  #grow(more: number): void {
    const grown = new Uint16Array(Math.max(2 * this.units.length, this.used + more))
    grown.set(this.units.subarray(0, this.used))
    this.units = grown
  }
}

export class TextContainer extends Sequence<string> {
  readonly kind = ContainerKind.Text
  protected readonly empty = ""
  /** By author. */
  readonly #stores: Array<Store | undefined> = []
  /** What a snapshot had, by all authors. */
  #loaded: Uint16Array = NO_UNITS
  /** Whether anything here has ever been of two units. */
  #hasPairs = false
  /** The whole text, until something changes. */
  #whole: string | undefined = ""

  /** Takes checked UTF-8 behind or before its parent. */
  write(
    author: number,
    counter: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    parentAuthor: number,
    parentCounter: number,
    isBefore: boolean
  ): void {
    const store = (this.#stores[author] ??= new Store())
    this.#whole = undefined
    for (let at = from; at < to; ) {
      const flags = bytes[at]! >= 0xf0 ? WIDE : 0
      if (flags !== 0) this.#hasPairs = true
      const offset = store.used
      at = store.append(bytes, at, to)
      const handle = this.rga.insert(author, counter, store.taken, flags, offset, parentAuthor, parentCounter, isBefore)
      if (this.isWatched) this.noteInserted(handle, counter, store.taken)
      counter += store.taken
      parentAuthor = author
      parentCounter = counter - 1
      isBefore = false
    }
  }

  override toString(): string {
    return (this.#whole ??= this.slice(0, this.length))
  }

  override toJSON(): string {
    return this.toString()
  }

  /** The units from `start` to `end`, which are within the text. */
  slice(start: number, end: number): string {
    if (start >= end) return ""
    const gathered = new Uint16Array(end - start)
    const { spans, tree } = this.rga
    let handle = tree.locate(start + 1)
    let skipped = start - tree.start
    for (let at = 0; at < gathered.length; handle = tree.after(handle)) {
      const columns = spans.columns
      const its = handle << STRIDE
      if ((columns[its + FLAGS]! & REMOVED) !== 0) continue
      const units = this.#unitsAt(columns[its + AUTHOR]!, columns[its + OFFSET]!)
      const from = startOf(columns[its + OFFSET]!) + skipped
      const length = Math.min(
        (columns[its + LENGTH]! << (columns[its + FLAGS]! & WIDE)) - skipped,
        gathered.length - at
      )
      if (length < SHORT) for (let next = 0; next < length; next++) gathered[at + next] = units[from + next]!
      else gathered.set(units.subarray(from, from + length), at)
      at += length
      skipped = 0
    }
    return decoder.decode(gathered)
  }

  /** Whether the two units around a position are one code point. */
  isInside(position: number): boolean {
    if (!this.#hasPairs || position <= 0 || position >= this.length) return false
    const { spans, tree } = this.rga
    const wide = spans.columns[(tree.locate(position) << STRIDE) + FLAGS]! & WIDE
    return wide !== 0 && ((position - tree.start) & 1) === 1
  }

  protected override content(author: number, offset: number, units: number): string {
    const from = startOf(offset)
    return decoder.decode(this.#unitsAt(author, offset).subarray(from, from + units))
  }

  protected override drop(_author: number, _offset: number, _units: number, _dying: Array<Container>): void {
    this.#whole = undefined
  }

  /** The content of all visible spans, in order; false if it is not what they have. */
  restore(bytes: Uint8Array): boolean {
    const whole = textOf(bytes, 0, bytes.length)
    // Bytes that are no UTF-8 were read as U+FFFD, which may as well stand there.
    if (whole.includes("\ufffd") && codePoints(bytes, 0, bytes.length) < 0) return false
    if (whole.length !== this.length) return false
    const isAscii = whole.length === bytes.length
    const units = isAscii ? new Uint16Array(bytes) : unitsOf(whole)
    const { spans, tree } = this.rga
    const { columns } = spans
    let at = 0
    for (const handle of tree.inOrder(spans.count)) {
      const its = handle << STRIDE
      const flags = columns[its + FLAGS]!
      if ((flags & REMOVED) !== 0) continue
      columns[its + OFFSET] = LOADED + at
      const end = at + (columns[its + LENGTH]! << (flags & WIDE))
      if (isAscii ? (flags & WIDE) !== 0 : !isAll(units, at, end, (flags & WIDE) !== 0)) return false
      at = end
    }
    this.#loaded = units
    this.#hasPairs = !isAscii
    this.#whole = whole
    return true
  }

  #unitsAt(author: number, offset: number): Uint16Array {
    return offset < 0 ? this.#loaded : this.#stores[author]!.units
  }
}

const startOf = (offset: number): number => (offset < 0 ? offset - LOADED : offset)

const unitsOf = (text: string): Uint16Array => {
  const units = new Uint16Array(text.length)
  for (let at = 0; at < units.length; at++) units[at] = text.charCodeAt(at)
  return units
}

/** Whether well-formed text is of pairs alone from `from` to `to`, or of none. */
const isAll = (units: Uint16Array, from: number, to: number, wide: boolean): boolean => {
  for (let at = from; at < to; at++) if (((units[at]! & 0xf800) === 0xd800) !== wide) return false
  return !wide || from === to || (units[from]! & 0xfc00) === 0xd800
}
