/**
 * Takes back the own transactions, the last first, and does them again. What others wrote meanwhile stays: taken back is
 * what was inserted and is still there; what was removed is put in again, as new elements beside the old places; a key
 * gets what it held before if nobody else has set it since.
 *
 * What comes back has new ids, and a container comes back as a copy; so it is remembered what took the place of what.
 */
import { NEW_CONTAINERS, type NewContainer, type Plain } from "#schemas/crdt/Value"
import type { Recorder } from "./applyOperation.ts"
import { Container } from "./Container.ts"
import type { ListContainer } from "./ListContainer.ts"
import type { Entry, Item } from "./LwwRegister.ts"
import { OrMap } from "./OrMap.ts"
import { type Range, Sequence } from "./Sequence.ts"
import { AUTHOR, COUNTER, LENGTH, NONE, STRIDE } from "./Spans.ts"
import { TextContainer } from "./TextContainer.ts"
import type { Insertion, Writer } from "./Writer.ts"

/** Steps that are remembered unless told otherwise. */
export const UNDO_STEPS = 500

/** Pieces that came back, for each step. */
const RETURNED = 16

/** An item as it was: a container with all that was in it, for it will not come back itself. */
type Kept = Plain | KeptContainer

interface KeptContainer {
  readonly container: Container
  readonly text: string
  /** Of text and of lists: the elements. */
  readonly ids: ReadonlyArray<Range>
  readonly items: ReadonlyArray<{ readonly key: string; readonly kept: Kept; readonly entry: Entry | undefined }>
}

type Inverse = () => void

/** Elements from an id on that came back under the own counters from `start` on. */
interface Returned extends Range {
  readonly start: number
}

export class Undo {
  readonly #writer: Writer
  readonly #limit: number
  /** Ends a transaction. */
  readonly #end: () => void
  #undos: Array<ReadonlyArray<Inverse>> = []
  #redos: Array<ReadonlyArray<Inverse>> = []
  /** What takes back the transaction that is under way. */
  #step: Array<Inverse> = []
  #mode: "edit" | "undo" | "redo" = "edit"
  #returned: Array<Returned> = []
  readonly #copies = new WeakMap<Container, Container>()

  constructor(writer: Writer, end: () => void, limit = UNDO_STEPS) {
    this.#writer = writer
    this.#end = end
    this.#limit = limit
    writer.recorder = this.#recorder
  }

  get canUndo(): boolean {
    return this.#undos.length > 0
  }

  get canRedo(): boolean {
    return this.#redos.length > 0
  }

  /** Whether there was anything to take back. */
  undo(): boolean {
    return this.#carryOut(this.#undos, this.#redos, "undo")
  }

  redo(): boolean {
    return this.#carryOut(this.#redos, this.#undos, "redo")
  }

  /** Forgets everything and remembers nothing more. */
  stop(): void {
    this.#undos = []
    this.#redos = []
    this.#returned = []
    if (this.#writer.recorder === this.#recorder) this.#writer.recorder = undefined
  }

  /** The last step that still has something to it. */
  #carryOut(from: Array<ReadonlyArray<Inverse>>, to: ReadonlyArray<unknown>, mode: "undo" | "redo"): boolean {
    const before = to.length
    for (
      let step = from.pop();
      step !== undefined && to.length === before;
      step = to.length > before ? step : from.pop()
    ) {
      this.#mode = mode
      this.#writer.begin()
      try {
        for (const inverse of step.toReversed()) inverse()
      } finally {
        this.#end()
        this.#mode = "edit"
      }
    }
    return to.length > before
  }

  readonly #recorder: Recorder = {
    inserted: (sequence, counter, length) => {
      this.#step.push(() => {
        const it = this.#live(sequence)
        for (const { author, from, to } of this.#now(this.#writer.me.index, counter, counter + length)) {
          if (it.holds(author, from, to) && it.shows(author, from, to)) this.#writer.removeRange(it, author, from, to)
        }
      })
    },
    removed: (sequence, author, from, length, content) => {
      const kept = typeof content === "string" ? content : (content as ReadonlyArray<Item>).map(keep)
      this.#step.push(() => {
        const it = this.#live(sequence)
        if (it.isDead) return
        const place = this.#placeIn(it, sequence, author, from + length - 1)
        this.#cameBack([{ author, from, to: from + length }])
        if (it instanceof TextContainer) this.#writer.text(it, place, kept as string)
        else this.#put(it as Sequence<unknown> as ListContainer, place, kept as ReadonlyArray<Kept>)
      })
    },
    replaced: (map, key, before, counter) => {
      const kept = before === undefined ? undefined : keep(before.value)
      this.#step.push(() => {
        const it = this.#live(map)
        if (!it.isDead && this.#isShown(it, key, counter)) this.#set(it, key, kept, before)
      })
    },
    ended: () => {
      if (this.#step.length === 0) return
      const steps = this.#mode === "undo" ? this.#redos : this.#undos
      if (this.#mode === "edit") this.#redos.length = 0
      steps.push(this.#step)
      if (steps.length > this.#limit) steps.shift()
      if (this.#returned.length > RETURNED * this.#limit) this.#returned.shift()
      this.#step = []
    }
  }

  /** Whether a key still holds what was set under an own counter, or what took its place; nothing if nothing was. */
  #isShown(map: OrMap, key: string, counter: number | undefined): boolean {
    const shown = map.register(key)?.shown
    if (counter === undefined || shown === undefined) return counter === undefined && shown === undefined
    const [now] = this.#now(this.#writer.me.index, counter, counter + 1)
    return shown.author === now!.author && shown.counter === now!.from
  }

  /** The next own ids are those of elements that had others. */
  #cameBack(ids: ReadonlyArray<Range>): void {
    let start = this.#writer.me.next
    for (const { author, from, to } of ids) {
      this.#returned.push({ author, from, to, start })
      start += to - from
    }
  }

  /** A container, or what came back in its place. */
  #live<It extends Container>(container: It): It {
    let live: Container = container
    for (let next: Container | undefined = live; next !== undefined; next = this.#copies.get(next)) live = next
    return live as It
  }

  /** Behind an element; in a copy, behind the nearest one before it that is in the copy. */
  #placeIn(now: Sequence<unknown>, old: Sequence<unknown>, author: number, counter: number): Insertion {
    if (now === old) return { author, counter }
    const { spans, tree } = old.rga
    const own = old.rga.find(author, counter)
    for (let handle = own; handle !== NONE; handle = tree.before(handle)) {
      const at = handle << STRIDE
      const [who, first] = [spans.columns[at + AUTHOR]!, spans.columns[at + COUNTER]!]
      const last = handle === own ? counter : first + spans.columns[at + LENGTH]! - 1
      for (let next = last; next >= first; next--) {
        const [it] = this.#now(who, next, next + 1)
        if (now.rga.find(it!.author, it!.from) !== NONE) return { author: it!.author, counter: it!.from }
      }
    }
    return 0
  }

  /** Under which ids elements are now. */
  #now(author: number, from: number, to: number): ReadonlyArray<Range> {
    if (from >= to) return []
    const found = this.#returned.find((it) => it.author === author && it.from < to && from < it.to)
    if (found === undefined) return [{ author, from, to }]
    const [first, last] = [Math.max(from, found.from), Math.min(to, found.to)]
    const start = found.start + first - found.from
    const moved = this.#now(this.#writer.me.index, start, start + last - first)
    return [...this.#now(author, from, first), ...moved, ...this.#now(author, last, to)]
  }

  #put(list: ListContainer, place: Insertion, items: ReadonlyArray<Kept>): void {
    const { me } = this.#writer
    const first = me.next
    this.#writer.put(list, place, items.map(seed))
    items.forEach((item, index) => {
      this.#fill(list.get(list.placeOf(me.index, first + index)!.start), item)
    })
  }

  #set(map: OrMap, key: string, kept: Kept | undefined, before: Entry | undefined): void {
    if (before !== undefined) this.#cameBack([{ author: before.author, from: before.counter, to: before.counter + 1 }])
    this.#writer.key(map, key, kept === undefined ? undefined : seed(kept))
    if (kept !== undefined) this.#fill(map.get(key)!, kept)
  }

  /** Gives a container that was just begun what the old one had. */
  #fill(item: Item, kept: Kept): void {
    if (!(item instanceof Container) || !isContainer(kept)) return
    this.#copies.set(kept.container, item)
    if (item instanceof OrMap) {
      for (const { key, kept: inner, entry } of kept.items) this.#set(item, key, inner, entry)
      return
    }
    this.#cameBack(kept.ids)
    if (item instanceof TextContainer) this.#writer.text(item, 0, kept.text)
    else
      this.#put(
        item as ListContainer,
        0,
        kept.items.map((it) => it.kept)
      )
  }
}

const keep = (item: Item): Kept => {
  if (!(item instanceof Container)) return item
  const ids = item instanceof Sequence ? item.idsAt(0, item.length) : []
  const kept = { container: item, text: item instanceof TextContainer ? item.toString() : "", ids }
  if (item instanceof OrMap) {
    const entries = item.keys().map((key) => ({ key, entry: item.register(key)!.shown! }))
    return { ...kept, items: entries.map((it) => ({ ...it, kept: keep(it.entry.value) })) }
  }
  const items = item instanceof TextContainer ? [] : (item as ListContainer).toArray()
  return { ...kept, items: items.map((inner) => ({ key: "", kept: keep(inner), entry: undefined })) }
}

const isContainer = (kept: Kept): kept is KeptContainer =>
  typeof kept === "object" && kept !== null && !(kept instanceof Uint8Array)

const seed = (kept: Kept): Plain | NewContainer => (isContainer(kept) ? NEW_CONTAINERS[kept.container.kind]! : kept)
