/**
 * Carries out one operation that was checked, or was just written here: the one way in which a document changes. The
 * order of concurrent operations makes no difference to what comes of them.
 */
import {
  BEFORE,
  FIRST_ROOT,
  FORWARD,
  INNER,
  NEW_AUTHOR,
  NEXT_TO,
  NOWHERE,
  OpKind,
  type OpReader,
  type Ref,
  SAME,
  SELF
} from "#schemas/crdt/Operation"
import { type ContainerKind, NewContainer } from "#schemas/crdt/Value"
import type { Author } from "./Authors.ts"
import { Container } from "./Container.ts"
import type { ListContainer } from "./ListContainer.ts"
import type { Entry, Item } from "./LwwRegister.ts"
import type { OrMap } from "./OrMap.ts"
import type { Sequence } from "./Sequence.ts"
import { NO_AUTHOR, REMOVED } from "./Spans.ts"
import { authorOf, idOf, type State } from "./State.ts"
import type { TextContainer } from "./TextContainer.ts"

/** Hears what an author's own operation did, so that it can be undone. */
export interface Recorder {
  readonly inserted: (sequence: Sequence<unknown>, counter: number, length: number) => void
  /** Before it happens: so many elements and their content. */
  readonly removed: (
    sequence: Sequence<unknown>,
    author: number,
    counter: number,
    length: number,
    content: unknown
  ) => void
  /** Before it happens. `counter` is that of the new value, if there is one. */
  readonly replaced: (map: OrMap, key: string, before: Entry | undefined, counter: number | undefined) => void
  /** The transaction is over. */
  readonly ended: () => void
}

export const applyOperation = (state: State, me: Author, op: OpReader, lamport: number, recorder?: Recorder): void => {
  const container = targetOf(state, me, op)
  me.last = container
  if (container.isWatched) state.changed.add(container)
  if (op.kind <= OpKind.Put) insert(state, me, op, container, recorder)
  else if (op.kind === OpKind.Remove) remove(state, me, op, container as Sequence<unknown>, recorder)
  else setKey(state, me, op, container as OrMap, lamport, recorder)
}

const targetOf = (state: State, me: Author, op: OpReader): Container => {
  if ((op.head & SAME) !== 0) return me.last!
  if (op.container >= FIRST_ROOT) return me.roots[op.container - FIRST_ROOT]!
  if (op.container === INNER) return state.inner.get(resolve(state, me, op.inner))!
  const root = state.root(op.rootKind as ContainerKind, op.rootName)
  me.roots.push(root)
  return root
}

/** The id as a number; the author is named from here on. */
const resolve = (state: State, me: Author, ref: Ref): number => {
  const author = authorOf(me, ref, state.authors)
  if (ref.author === NEW_AUTHOR) me.authors.push(author)
  resolvedAuthor = author.index
  resolvedCounter = ref.author === SELF ? me.next - ref.counter : ref.counter
  return idOf(resolvedAuthor, resolvedCounter)
}

/** What `resolve` found; synchronous code of one thread reads it at once. */
let resolvedAuthor = 0
let resolvedCounter = 0

const insert = (state: State, me: Author, op: OpReader, container: Container, recorder: Recorder | undefined): void => {
  if (op.ref.author === NOWHERE) resolvedAuthor = NO_AUTHOR
  else resolve(state, me, op.ref)
  const { index, next } = me
  const isBefore = (op.head & BEFORE) !== 0
  const [author, counter] = [resolvedAuthor, resolvedCounter]
  me.next += op.count
  if (op.kind === OpKind.Write) {
    const text = container as TextContainer
    if (text.isDead) text.rga.insert(index, next, op.count, REMOVED, 0, author, counter, isBefore)
    else text.write(index, next, op.in.bytes, op.textFrom, op.textTo, author, counter, isBefore)
  } else {
    const list = container as ListContainer
    const items = itemsOf(state, me, op, next, list)
    if (list.isDead) list.rga.insert(index, next, op.count, REMOVED, 0, author, counter, isBefore)
    else list.put(index, next, items, author, counter, isBefore)
  }
  recorder?.inserted(container as Sequence<unknown>, next, op.count)
}

const remove = (
  state: State,
  me: Author,
  op: OpReader,
  sequence: Sequence<unknown>,
  recorder: Recorder | undefined
): void => {
  if (op.ref.author !== NEXT_TO) resolve(state, me, op.ref)
  else {
    resolvedAuthor = me.removedAuthor
    resolvedCounter = (op.head & FORWARD) !== 0 ? me.removedTo : me.removedFrom - op.count
  }
  me.removedAuthor = resolvedAuthor
  me.removedFrom = resolvedCounter
  me.removedTo = resolvedCounter + op.count
  const dying: Array<Container> = []
  const heard =
    recorder === undefined
      ? undefined
      : (author: number, counter: number, length: number, content: unknown) =>
          recorder.removed(sequence, author, counter, length, content)
  sequence.remove(resolvedAuthor, resolvedCounter, resolvedCounter + op.count, dying, heard)
  state.bury(dying)
}

const setKey = (
  state: State,
  me: Author,
  op: OpReader,
  map: OrMap,
  lamport: number,
  recorder: Recorder | undefined
): void => {
  const before = map.register(op.key)?.shown
  recorder?.replaced(map, op.key, before, op.kind === OpKind.Set ? me.next : undefined)
  const dying: Array<Container> = []
  for (let at = 0; at < op.preds; at++) {
    resolve(state, me, op.pred[at]!)
    const removed = map.remove(op.key, resolvedAuthor, resolvedCounter)
    if (removed !== undefined && removed.value instanceof Container) dying.push(removed.value)
  }
  if (op.kind === OpKind.Set) {
    const counter = me.next++
    const value = itemsOf(state, me, op, counter, map)[0]!
    if (!map.isDead) map.add(op.key, { author: me.index, counter, lamport, value })
  }
  if (map.isWatched) map.note(op.key, before?.value)
  state.bury(dying)
}

/** The values, with containers begun; those in a dead one are born dead. */
const itemsOf = (state: State, me: Author, op: OpReader, counter: number, parent: Container): ReadonlyArray<Item> => {
  const values = op.values
  if (values.length === 1 && !(values[0] instanceof NewContainer)) return values as ReadonlyArray<Item>
  return values.map((value, at) => {
    if (!(value instanceof NewContainer)) return value
    const container = state.begin(value.kind, me.index, counter + at, parent.depth + 1)
    container.isDead = parent.isDead
    return container
  })
}
