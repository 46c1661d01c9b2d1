/**
 * A state from the bytes of a snapshot. They come sealed from a member, who is believed in what the document says; but no
 * bytes whatever make this fail otherwise than with a word, or take memory out of proportion.
 */
import { Result } from "effect"
import { ByteReader } from "#schemas/crdt/ByteReader"
import { KEY_LIMIT, NAME_LIMIT, VALUE_LIMIT } from "#schemas/crdt/Operation"
import { codePoints } from "#schemas/crdt/utf8"
import { CONTAINER_KINDS, type ContainerKind, NewContainer, readValue } from "#schemas/crdt/Value"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { AUTHORS_LIMIT, type Author, COUNTER_LIMIT } from "./Authors.ts"
import { type Container, DEPTH_LIMIT } from "./Container.ts"
import { ListContainer } from "./ListContainer.ts"
import type { Item } from "./LwwRegister.ts"
import type { OrMap } from "./OrMap.ts"
import { idOf, rootKey, State } from "./State.ts"
import { readSpans } from "./sequenceSnapshot.ts"
import { TextContainer } from "./TextContainer.ts"
import { SNAPSHOT_VERSION } from "./writeSnapshot.ts"

export const readSnapshot = (bytes: Uint8Array): Result.Result<State, string> => {
  const from = new ByteReader(bytes)
  const state = new State()
  if (from.byte() !== SNAPSHOT_VERSION) return Result.fail(from.refusal ?? "another version of snapshot")
  state.lamport = from.uint()
  const authors = readAuthors(from, state)
  const all: Array<Container> = []
  for (let left = countOf(from, 2); left > 0 && from.refusal === undefined; left--) all.push(readRoot(from, state))
  const roots = all.length
  for (let left = countOf(from, 4); left > 0 && from.refusal === undefined; left--) {
    const container = readInner(from, state, authors)
    if (container !== undefined) all.push(container)
  }
  for (const author of authors) readNamed(from, author, authors, all, roots)
  /** Inner containers whose place was found: each has one. */
  const placed = new Set<Container>()
  for (const container of all) if (from.refusal === undefined) readBody(from, state, authors, container, placed)
  if (from.at < from.end) from.fail("bytes behind the end")
  return from.refusal === undefined ? Result.succeed(state) : Result.fail(from.refusal)
}

/** A number of things, each of which takes at least so many bytes. */
const countOf = (from: ByteReader, bytes: number): number => {
  const count = from.uint()
  return count * bytes > from.end - from.at ? from.fail("cut short") : count
}

const readAuthors = (from: ByteReader, state: State): ReadonlyArray<Author> => {
  const count = countOf(from, 35)
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
  authors: ReadonlyArray<Author>,
  all: ReadonlyArray<Container>,
  roots: number
): void => {
  const take = <T>(things: ReadonlyArray<T>, end: number, into: Array<T>): void => {
    for (let left = countOf(from, 1); left > 0 && from.refusal === undefined; left--) {
      const at = from.uint()
      if (at < end) into.push(things[at]!)
      else from.fail("names nobody")
    }
  }
  take(authors, authors.length, author.authors)
  take(all, roots, author.roots)
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

const readBody = (
  from: ByteReader,
  state: State,
  authors: ReadonlyArray<Author>,
  container: Container,
  placed: Set<Container>
): void => {
  const item = (author: number, counter: number): Item => {
    const value = readValue(from, VALUE_LIMIT)
    if (!(value instanceof NewContainer)) return value
    const inner = state.inner.get(idOf(author, counter))
    if (inner?.kind === value.kind && inner.depth === container.depth + 1 && !placed.has(inner)) {
      placed.add(inner)
      return inner
    }
    from.fail("no container of that place")
    return null
  }
  if (container instanceof TextContainer) {
    readSpans(from, container.rga, authors)
    const length = from.uint()
    const text = from.view(length)
    if (from.refusal !== undefined) return
    if (codePoints(text, 0, text.length) < 0) from.fail("invalid UTF-8")
    else if (!container.restore(text)) from.fail("text that does not fit its spans")
  } else if (container instanceof ListContainer) {
    readSpans(from, container.rga, authors)
    if (from.refusal === undefined && container.length > from.end - from.at) from.fail("cut short")
    if (from.refusal === undefined) container.restore(item)
  } else readMap(from, authors, container as OrMap, item)
}

const readMap = (
  from: ByteReader,
  authors: ReadonlyArray<Author>,
  map: OrMap,
  item: (author: number, counter: number) => Item
): void => {
  let [counter, ahead] = [0, 0]
  for (let keys = countOf(from, 6); keys > 0 && from.refusal === undefined; keys--) {
    const key = from.text(KEY_LIMIT)
    const count = countOf(from, 4)
    if (count === 0 || map.get(key) !== undefined) from.fail("malformed key")
    for (let left = count; left > 0 && from.refusal === undefined; left--) {
      const author = authors[from.uint()]
      counter += from.int()
      ahead += from.int()
      if (author === undefined || counter < 0 || counter >= author.next) {
        from.fail("id that is not given")
        return
      }
      const value = item(author.index, counter)
      map.add(key, { author: author.index, counter, lamport: ahead + counter, value })
    }
  }
}
