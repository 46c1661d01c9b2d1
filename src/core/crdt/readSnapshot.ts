/**
 * A state from the bytes of a snapshot. They come sealed from a member, who is believed in what the document says; but no
 * bytes whatever make this fail otherwise than with a word, or take memory out of proportion.
 */
import { Result } from "effect"
import { ByteReader } from "#schemas/crdt/ByteReader"
import { NAME_LIMIT, VALUE_LIMIT } from "#schemas/crdt/Operation"
import { CONTAINER_KINDS, type ContainerKind, NewContainer, readValue } from "#schemas/crdt/Value"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { AUTHORS_LIMIT, type Author, COUNTER_LIMIT } from "./Authors.ts"
import { type Container, DEPTH_LIMIT } from "./Container.ts"
import { ListContainer } from "./ListContainer.ts"
import type { Item } from "./LwwRegister.ts"
import type { OrMap } from "./OrMap.ts"
import { readMap } from "./readMap.ts"
import { readSpans } from "./readSpans.ts"
import { idOf, rootKey, State } from "./State.ts"
import { TextContainer } from "./TextContainer.ts"
import { ALIKE_LIMIT, SNAPSHOT_VERSION } from "./writeSnapshot.ts"

export const readSnapshot = (bytes: Uint8Array): Result.Result<State, string> => {
  const from = new ByteReader(bytes)
  const state = new State()
  if (from.byte() !== SNAPSHOT_VERSION) return Result.fail(from.refusal ?? "another version of snapshot")
  state.lamport = from.uint()
  const authors = readAuthors(from, state)
  const all: Array<Container> = []
  for (let left = from.count(2); left > 0 && from.refusal === undefined; left--) all.push(readRoot(from, state))
  const roots = all.length
  for (let left = from.count(4); left > 0 && from.refusal === undefined; left--) {
    const container = readInner(from, state, authors)
    if (container !== undefined) all.push(container)
  }
  authors.forEach((author, rank) => {
    readNamed(from, author, authors[rank - 1], authors, all, roots)
  })
  /** Inner containers whose place was found: each has one. */
  const placed = new Set<Container>()
  for (const container of all) if (from.refusal === undefined) readBody(from, state, authors, container, placed)
  if (from.at < from.end) from.fail("bytes behind the end")
  return from.refusal === undefined ? Result.succeed(state) : Result.fail(from.refusal)
}

const readAuthors = (from: ByteReader, state: State): ReadonlyArray<Author> => {
  const count = from.count(35)
  if (count >= AUTHORS_LIMIT) from.fail("too many authors")
  for (let left = count; left > 0 && from.refusal === undefined; left--) {
    const key = new Uint8Array(from.view(32)) as PublicKey
    if (state.authors.find(key) !== undefined) from.fail("author given twice")
    const author = state.authors.add(key)
    author.seq = from.uint()
    author.lamport = from.uint()
    author.next = from.uint()
    if (author.seq === 0 || author.lamport > state.lamport || author.next > COUNTER_LIMIT) from.fail("malformed author")
  }
  return state.authors.all.slice()
}

const readRoot = (from: ByteReader, state: State): Container => {
  const kind = from.byte() as ContainerKind
  const name = from.text(NAME_LIMIT)
  if (kind >= CONTAINER_KINDS) from.fail("unknown container")
  else if (state.roots.has(rootKey(kind, name))) from.fail("root given twice")
  return state.root(kind, name)
}

const readInner = (from: ByteReader, state: State, authors: ReadonlyArray<Author>): Container | undefined => {
  const author = authors[from.uint()]
  const counter = from.uint()
  const code = from.byte()
  const depth = from.uint()
  if (author === undefined || counter >= author.next || code >= 2 * CONTAINER_KINDS) from.fail("malformed container")
  else if (depth < 2 || depth > DEPTH_LIMIT) from.fail("malformed depth")
  else if (state.inner.has(idOf(author.index, counter))) from.fail("container given twice")
  else {
    const container = state.begin((code >> 1) as ContainerKind, author.index, counter, depth)
    container.isDead = (code & 1) === 1
    return container
  }
  return undefined
}

const readNamed = (
  from: ByteReader,
  author: Author,
  before: Author | undefined,
  authors: ReadonlyArray<Author>,
  all: ReadonlyArray<Container>,
  roots: number
): void => {
  const named = from.uint()
  if (named === 0) {
    if (before === undefined || before.authors.length + before.roots.length > ALIKE_LIMIT) from.fail("as nobody before")
    else nameAlike(author, before)
    return
  }
  const take = <T>(things: ReadonlyArray<T>, end: number, count: number, into: Array<T>): void => {
    if (count > from.end - from.at) from.fail("cut short")
    for (let left = count; left > 0 && from.refusal === undefined; left--) {
      const at = from.uint()
      if (at < end) into.push(things[at]!)
      else from.fail("names nobody")
    }
  }
  take(authors, authors.length, named - 1, author.authors)
  take(all, roots, from.uint(), author.roots)
  const last = from.uint()
  if (last > all.length) from.fail("no last container")
  author.last = last === 0 ? undefined : all[last - 1]
  const removed = from.uint()
  const removedAuthor = authors[removed - 1]
  author.removedAuthor = removedAuthor?.index ?? -1
  author.removedFrom = from.uint()
  author.removedTo = author.removedFrom + from.uint()
  if (author.removedTo > (removedAuthor?.next ?? 0) || removed > authors.length) from.fail("removed nothing")
}

const nameAlike = (author: Author, before: Author): void => {
  author.authors.push(...before.authors)
  author.roots.push(...before.roots)
  author.last = before.last
  author.removedAuthor = before.removedAuthor
  author.removedFrom = before.removedFrom
  author.removedTo = before.removedTo
}

const readBody = (
  from: ByteReader,
  state: State,
  authors: ReadonlyArray<Author>,
  container: Container,
  placed: Set<Container>
): void => {
  const place = (value: NewContainer, author: number, counter: number): Item => {
    const inner = state.inner.get(idOf(author, counter))
    if (inner?.kind === value.kind && inner.depth === container.depth + 1 && !placed.has(inner)) {
      placed.add(inner)
      return inner
    }
    from.fail("no container of that place")
    return null
  }
  const item = (author: number, counter: number): Item => {
    const value = readValue(from, VALUE_LIMIT)
    return value instanceof NewContainer ? place(value, author, counter) : value
  }
  if (container instanceof TextContainer) {
    readSpans(from, container.rga, authors)
    const length = from.uint()
    const text = from.view(length)
    if (from.refusal !== undefined) return
    if (!container.restore(text)) from.fail("text that does not fit its spans")
  } else if (container instanceof ListContainer) {
    readSpans(from, container.rga, authors)
    if (from.refusal === undefined && container.length > from.end - from.at) from.fail("cut short")
    if (from.refusal === undefined) container.restore(item)
  } else readMap(from, authors, container as OrMap, place)
}
