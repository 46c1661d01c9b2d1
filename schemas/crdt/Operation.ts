/**
 * The operations of a shared document, as they stand one after the other in a batch.
 *
 *   head u8       bits 0–2 kind · 3 same container as this author's last operation · 4, 5, 6 by kind · 7 zero
 *   container     unless bit 3: 0 ‖ kind u8 ‖ text (a root not named by this author before) · 1 ‖ ref (an inner one) ·
 *                 n + 2 (the root that this author named as the nth)
 *   0 write       bit 4 goes on behind this author's last element, else ref (0: at the start) · bit 5 before it, else behind
 *                 bit 6 one code point, else uint (bytes) ‖ UTF-8
 *   1 put         bits 4 and 5 likewise · bit 6 one value, else uint (values) ‖ values
 *   2 remove      bit 4 what stands right before the ids that this author removed last · bit 5 right behind them · else ref of
 *                 the first element · bit 6 one element, else uint (elements)
 *   3 set         text (key) · preds: bit 4 one, bit 5 uint (two or more), neither: none · a ref each · value
 *   4 unset       text (key) · preds, at least one
 *
 *   ref           2n: the id n before this author's next (0: none) · 1 ‖ key 32 ‖ counter: an author not named by this
 *                 one before · 2n + 3 ‖ counter: the author that this one named as the nth
 *
 * An id is an author and a counter. Every code point written, value put and key set takes the author's next counter, so
 * ids are not written down. What an author named stays named in all its later batches.
 */
import { ByteReader } from "./ByteReader.ts"
import { codePoints, sequenceLength } from "./utf8.ts"
import { CONTAINER_KINDS, type NewContainer, type Plain, readValue } from "./Value.ts"

export const OpKind = { Write: 0, Put: 1, Remove: 2, Set: 3, Unset: 4 } as const

export const SAME = 8
export const CONTINUES = 16
export const BEFORE = 32
export const ONE = 64
export const BACKWARD = 16
export const FORWARD = 32
export const ONE_PRED = 16
export const MANY_PREDS = 32

/** Bytes of a key and of a root's name. */
export const KEY_LIMIT = 1024
export const NAME_LIMIT = 256
/** Bytes of one value, so that it surely fits a batch. */
export const VALUE_LIMIT = 48 * 1024

/** Where a reference leads: `counter` is a distance for the author itself. */
export class Ref {
  author: number = NOWHERE
  counter = 0
  key: Uint8Array | undefined
}
/** Next to what was removed last. */
export const NEXT_TO = -3
export const NOWHERE = -2
export const NEW_AUTHOR = -1
export const SELF = 0

/** What kind of field a byte belongs to, for those that compress; the kinds of operation are told apart by themselves. */
export const Column = { Head: 0, Container: 1, Ref: 2, Length: 3, Text: 4, Key: 5, Value: 6, Counter: 7 } as const

export const NEW_ROOT = 0
export const INNER = 1
export const FIRST_ROOT = 2

/** Reads operation after operation into its own fields; allocates only for values. Checks form alone. */
export class OpReader {
  readonly in: ByteReader
  head = 0
  kind = 0
  /** NEW_ROOT, INNER or FIRST_ROOT + n; meaningless if the head says SAME. */
  container = 0
  readonly inner = new Ref()
  rootKind = 0
  rootName = ""
  /** The parent of what is inserted, the first of what is removed. */
  readonly ref = new Ref()
  /** Code points, values or elements. */
  count = 0
  /** UTF-8 in `in.bytes`. */
  textFrom = 0
  textTo = 0
  values: Array<Plain | NewContainer> = []
  key = ""
  preds = 0
  readonly pred: Array<Ref> = [new Ref()]

  constructor(reader = new ByteReader()) {
    this.in = reader
  }

  /** False at the end, and where something is wrong (`in.refusal`). */
  next(): boolean {
    const from = this.in
    if (from.at >= from.end) return false
    from.column = Column.Head
    const head = from.byte()
    this.head = head
    this.kind = head & 7
    if ((head & SAME) === 0) this.#container()
    switch (this.kind) {
      case OpKind.Write:
        this.#parent()
        this.#text()
        break
      case OpKind.Put:
        this.#parent()
        this.#values()
        break
      case OpKind.Remove:
        if ((head & (BACKWARD | FORWARD)) === 0) this.#readRef(this.ref, Column.Ref)
        else this.ref.author = NEXT_TO
        if (this.ref.author === NOWHERE) from.fail("removes nothing")
        this.count = this.#count("elements")
        if ((head & BACKWARD) !== 0 && (head & FORWARD) !== 0) from.fail("unknown flags")
        break
      case OpKind.Set:
        this.#key()
        this.count = 1
        from.column = Column.Value
        this.values = [readValue(from, VALUE_LIMIT)]
        break
      case OpKind.Unset:
        this.#key()
        this.count = 0
        if (this.preds === 0) from.fail("removes nothing")
        break
      default:
        from.fail("unknown operation")
    }
    if (head > 0x7f) from.fail("unknown flags")
    return from.refusal === undefined
  }

  #container(): void {
    const from = this.in
    from.column = Column.Container
    this.container = from.uint()
    if (this.container === NEW_ROOT) {
      this.rootKind = from.byte()
      if (this.rootKind >= CONTAINER_KINDS) from.fail("unknown container")
      this.rootName = from.text(NAME_LIMIT)
    } else if (this.container === INNER) {
      this.#readRef(this.inner, Column.Container)
      if (this.inner.author === NOWHERE) from.fail("no container")
    }
  }

  #parent(): void {
    if ((this.head & CONTINUES) === 0) {
      this.#readRef(this.ref, Column.Ref)
      if ((this.head & BEFORE) !== 0) {
        if (this.ref.author === NOWHERE) this.in.fail("before nothing")
      } else if (this.ref.author === SELF && this.ref.counter === 1) this.in.fail("goes on without saying so")
      return
    }
    this.ref.author = SELF
    this.ref.counter = 1
    if ((this.head & BEFORE) !== 0) this.in.fail("unknown flags")
  }

  #text(): void {
    const from = this.in
    if ((this.head & ONE) !== 0) {
      from.column = Column.Text
      this.textFrom = from.take(1)
      if (from.refusal !== undefined) return
      const length = sequenceLength(from.bytes[this.textFrom]!)
      if (length > 1) from.take(length - 1)
      this.textTo = this.textFrom + length
      this.count = length === 1 ? 1 : codePoints(from.bytes, this.textFrom, this.textTo)
      if (this.count !== 1) from.fail("invalid UTF-8")
      return
    }
    from.column = Column.Length
    const length = from.uint()
    from.column = Column.Text
    this.textFrom = from.take(length)
    if (from.refusal !== undefined) return
    this.textTo = this.textFrom + length
    this.count = codePoints(from.bytes, this.textFrom, this.textTo)
    if (this.count < 0) from.fail("invalid UTF-8")
    else if (this.count < 2) from.fail("one told as many")
  }

  #values(): void {
    const from = this.in
    const count = this.#count("values")
    if (count > from.end - from.at) {
      from.fail("cut short")
      return
    }
    from.column = Column.Value
    this.values = []
    for (let at = 0; at < count && from.refusal === undefined; at++) this.values.push(readValue(from, VALUE_LIMIT))
    this.count = count
  }

  #count(of: string): number {
    if ((this.head & ONE) !== 0) return 1
    this.in.column = Column.Length
    const count = this.in.uint()
    return count < 2 ? this.in.fail(`fewer than two ${of}`) : count
  }

  #key(): void {
    const from = this.in
    from.column = Column.Key
    this.key = from.text(KEY_LIMIT)
    const how = this.head & (ONE_PRED | MANY_PREDS)
    if ((this.head & ONE) !== 0 || how === (ONE_PRED | MANY_PREDS)) from.fail("unknown flags")
    from.column = Column.Length
    this.preds = how === ONE_PRED ? 1 : how === MANY_PREDS ? from.uint() : 0
    if (how === MANY_PREDS && this.preds < 2) from.fail("fewer than two preds")
    if (this.preds > from.end - from.at) from.fail("cut short")
    for (let at = 0; at < this.preds && from.refusal === undefined; at++) {
      const ref = (this.pred[at] ??= new Ref())
      this.#readRef(ref, Column.Ref)
      if (ref.author === NOWHERE) from.fail("removes nothing")
    }
  }

  #readRef(ref: Ref, column: number): void {
    const from = this.in
    from.column = column
    const value = from.uint()
    if (value % 2 === 0) {
      ref.author = value === 0 ? NOWHERE : SELF
      ref.counter = value / 2
      return
    }
    ref.author = (value - 1) / 2
    if (value === 1) {
      ref.author = NEW_AUTHOR
      ref.key = from.view(32)
    }
    from.column = Column.Counter
    ref.counter = from.uint()
  }
}
