/**
 * The own operations: each is written first and then carried out from what was written, as everybody else will do it.
 * They gather until the transaction ends, or until there are more than a record has room for.
 */

import { ByteWriter } from "#schemas/crdt/ByteWriter"
import { BATCH_LIMIT } from "#schemas/crdt/OpBatch"
import {
  BACKWARD,
  FIRST_ROOT,
  FORWARD,
  INNER,
  NEW_AUTHOR,
  NEW_ROOT,
  NOWHERE,
  OpReader,
  Ref,
  SELF
} from "#schemas/crdt/Operation"
import type { NewContainer, Plain } from "#schemas/crdt/Value"
import { type Target, writeKey, writePut, writeRemove, writeText } from "#schemas/crdt/writeOperation"
import { type Author, COUNTER_LIMIT } from "./Authors.ts"
import { applyOperation, type Recorder } from "./applyOperation.ts"
import type { Container } from "./Container.ts"
import type { OrMap } from "./OrMap.ts"
import type { Sequence } from "./Sequence.ts"
import { NO_AUTHOR } from "./Spans.ts"
import type { State } from "./State.ts"
import type { TextContainer } from "./TextContainer.ts"

/** UTF-16 units of one operation: at most three bytes each, so that it fits a batch. */
const PIECE = 16_384

export class Writer {
  readonly #state: State
  readonly me: Author
  readonly #out = new ByteWriter()
  readonly #op = new OpReader()
  readonly #ref = new Ref()
  readonly #target: Target = { same: false, container: 0, rootKind: 0, rootName: "", inner: new Ref() }
  /** By index: the number under which `me` has named an author. */
  readonly #named = new Map<number, number>()
  #depth = 0
  /** Told when a batch ends; its operations are the first so many bytes, until the next one begins. */
  readonly #finished: (bytes: Uint8Array, length: number) => void
  recorder: Recorder | undefined

  constructor(state: State, me: Author, finished: (bytes: Uint8Array, length: number) => void) {
    this.#state = state
    this.me = me
    this.#finished = finished
    for (const author of me.authors) this.#named.set(author.index, this.#named.size + 1)
  }

  get isOpen(): boolean {
    return this.#depth > 0
  }

  begin(): void {
    if (this.me.next > COUNTER_LIMIT - BATCH_LIMIT) throw new RangeError("too many ids of one author")
    this.#depth++
  }

  /** Whether the transaction is over. */
  end(): boolean {
    if (--this.#depth > 0) return false
    if (this.#out.length > 0) this.#seal(this.#out.length)
    this.recorder?.ended()
    return true
  }

  /** `place` is between code points, or right behind an element; the text is well-formed. */
  text(container: TextContainer, place: Insertion, text: string): void {
    for (let at = 0; at < text.length; ) {
      let end = Math.min(text.length, at + PIECE)
      if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
      const piece = at === 0 && end === text.length ? text : text.slice(at, end)
      const start = this.#anchor(container, at === 0 ? place : this.#behindLast())
      writeText(this.#out, this.#target, this.#ref, container.rga.isBefore, piece)
      this.#carryOut(start)
      at = end
    }
  }

  put(container: Sequence<unknown>, place: Insertion, values: ReadonlyArray<Plain | NewContainer>): void {
    if (values.length === 0) return
    const named = this.#named.size
    const start = this.#anchor(container, place)
    writePut(this.#out, this.#target, this.#ref, container.rga.isBefore, values)
    if (this.#out.length - start <= BATCH_LIMIT) {
      this.#carryOut(start)
      return
    }
    this.#takeBack(start, named)
    const half = values.length >> 1
    if (half === 0) throw new RangeError("a value too large for a batch")
    this.put(container, place, values.slice(0, half))
    this.put(container, this.#behindLast(), values.slice(half))
  }

  /** Both ends are between elements. */
  remove(container: Sequence<unknown>, position: number, units: number): void {
    for (const { author, from, to } of container.idsAt(position, units, true))
      this.removeRange(container, author, from, to)
  }

  /** Sets a key to a value, or removes it where there is none. */
  key(map: OrMap, key: string, value: Plain | NewContainer | undefined): void {
    const entries = map.entries(key)
    if (value === undefined && entries.length === 0) return
    const named = this.#named.size
    const start = this.#aim(map)
    const preds = entries.map(({ author, counter }) => this.#refTo(new Ref(), author, counter))
    writeKey(this.#out, this.#target, key, preds, value)
    if (this.#out.length - start > BATCH_LIMIT) {
      this.#takeBack(start, named)
      throw new RangeError("a value too large for a batch")
    }
    this.#carryOut(start)
  }

  /** By id, whatever of it is there still. */
  removeRange(container: Sequence<unknown>, author: number, from: number, to: number): void {
    const start = this.#aim(container)
    const { me } = this
    const isNear = author === me.removedAuthor
    const next = isNear && to === me.removedFrom ? BACKWARD : isNear && from === me.removedTo ? FORWARD : 0
    if (next === 0) this.#refTo(this.#ref, author, from)
    writeRemove(this.#out, this.#target, next, this.#ref, to - from)
    this.#carryOut(start)
  }

  /** Prepares `#target` and, for what is inserted at a position, `#ref`. */
  #anchor(container: Sequence<unknown>, place: Insertion): number {
    const start = this.#aim(container)
    const { rga } = container
    if (typeof place === "number") rga.anchor(place, this.me.index, this.me.next)
    else rga.anchorBehind(place.author, place.counter)
    this.#refTo(this.#ref, rga.parentAuthor, rga.parentCounter)
    return start
  }

  #behindLast(): Insertion {
    return { author: this.me.index, counter: this.me.next - 1 }
  }

  #aim(container: Container): number {
    const target = this.#target
    target.same = this.me.last === container
    if (target.same) return this.#out.length
    if (container.name === undefined) {
      target.container = INNER
      this.#refTo(target.inner, container.author, container.counter)
      return this.#out.length
    }
    const known = this.me.roots.indexOf(container)
    target.container = known < 0 ? NEW_ROOT : FIRST_ROOT + known
    target.rootKind = container.kind
    target.rootName = container.name
    return this.#out.length
  }

  #refTo(ref: Ref, author: number, counter: number): Ref {
    if (author === NO_AUTHOR) ref.author = NOWHERE
    else if (author === this.me.index) {
      ref.author = SELF
      ref.counter = this.me.next - counter
    } else {
      const named = this.#named.get(author)
      ref.author = named ?? NEW_AUTHOR
      ref.counter = counter
      if (named === undefined) {
        ref.key = this.#state.authors.all[author]!.key
        this.#named.set(author, this.#named.size + 1)
      }
    }
    return ref
  }

  /** What was not to be, with the authors that it named. */
  #takeBack(start: number, named: number): void {
    this.#out.length = start
    for (const [author, at] of this.#named) if (at > named) this.#named.delete(author)
  }

  #carryOut(start: number): void {
    const out = this.#out
    if (out.length > BATCH_LIMIT && start > 0) {
      const length = out.length - start
      this.#seal(start)
      out.bytes.copyWithin(0, start, start + length)
      out.length = length
      start = 0
    }
    this.#op.in.reset(out.bytes, start, out.length)
    this.#op.next()
    applyOperation(this.#state, this.me, this.#op, this.#state.lamport + 1, this.recorder)
  }

  #seal(length: number): void {
    this.me.seq++
    this.me.lamport = ++this.#state.lamport
    this.#out.length = 0
    this.#finished(this.#out.bytes, length)
  }
}

/** A position, or the element to stand right behind. */
export type Insertion = number | { readonly author: number; readonly counter: number }

const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800
