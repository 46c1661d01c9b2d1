/**
 * A document's state as bytes, the same for the same state. Numbers are uint, texts uint ‖ UTF-8.
 *
 *   version u8 2 ‖ lamport
 *   authors     number ‖ each, by key: key 32 ‖ seq ‖ lamport ‖ next counter
 *   roots       number ‖ each, by kind and name: kind u8 ‖ name
 *   inner       number ‖ each, by author and counter: author ‖ counter ‖ 2 · kind + dead ‖ depth
 *   named       of each author: 0 (as the author before: 8 names at most) or 1 + number ‖ authors · number ‖ roots · 0 or 1 + last container (roots, then inner ones) ·
 *               what it removed last: 0 or 1 + author ‖ counter ‖ ids
 *   bodies      of each container, roots first
 *
 *   map         keys and entries (writeMap.ts)
 *   list        spans (writeSpans.ts) ‖ visible values
 *   text        spans ‖ visible text
 *
 * What was removed is not in it, except for the places where it stood.
 */
import { ByteWriter } from "#schemas/crdt/ByteWriter"
import { NEW_CONTAINERS, writeValue } from "#schemas/crdt/Value"
import type { Author } from "./Authors.ts"
import { Container } from "./Container.ts"
import { ListContainer } from "./ListContainer.ts"
import type { Item } from "./LwwRegister.ts"
import type { OrMap } from "./OrMap.ts"
import type { State } from "./State.ts"
import { TextContainer } from "./TextContainer.ts"
import { writeMap } from "./writeMap.ts"
import { writeSpans } from "./writeSpans.ts"

export const SNAPSHOT_VERSION = 2

/** Names that a single byte may stand for, so that a few bytes do not unfold to much. */
export const ALIKE_LIMIT = 8

const FIRST_BUFFER = 65_536

export const writeSnapshot = (state: State): Uint8Array => {
  const out = new ByteWriter(FIRST_BUFFER)
  out.byte(SNAPSHOT_VERSION)
  out.uint(state.lamport)
  const authors = state.authors.inOrder()
  const ranks = new Int32Array(state.authors.all.length)
  out.uint(authors.length)
  for (let rank = 0; rank < authors.length; rank++) {
    const author = authors[rank]!
    ranks[author.index] = rank
    out.raw(author.key)
    out.uint(author.seq)
    out.uint(author.lamport)
    out.uint(author.next)
  }
  const roots = state.rootsInOrder()
  out.uint(roots.length)
  for (const { kind, name } of roots) {
    out.byte(kind)
    out.text(name!)
  }
  const inner = [...state.inner.values()].sort((a, b) => ranks[a.author]! - ranks[b.author]! || a.counter - b.counter)
  out.uint(inner.length)
  for (const { author, counter, depth, isDead, kind } of inner) {
    out.uint(ranks[author]!)
    out.uint(counter)
    out.byte(2 * kind + (isDead ? 1 : 0))
    out.uint(depth)
  }
  const all = [...roots, ...inner]
  const places = new Map<Container, number>()
  for (let at = 0; at < all.length; at++) places.set(all[at]!, at)
  for (let rank = 0; rank < authors.length; rank++) {
    const author = authors[rank]!
    if (rank > 0 && namesAlike(author, authors[rank - 1]!)) out.uint(0)
    else writeNamed(out, author, ranks, places)
  }
  for (let at = 0; at < all.length; at++) writeBody(out, all[at]!, ranks)
  return out.taken()
}

const writeNamed = (
  out: ByteWriter,
  author: Author,
  ranks: Int32Array,
  places: ReadonlyMap<Container, number>
): void => {
  const { authors, roots } = author
  out.uint(1 + authors.length)
  for (let at = 0; at < authors.length; at++) out.uint(ranks[authors[at]!.index]!)
  out.uint(roots.length)
  for (let at = 0; at < roots.length; at++) out.uint(places.get(roots[at]!)!)
  out.uint(author.last === undefined ? 0 : 1 + places.get(author.last)!)
  out.uint(author.removedAuthor < 0 ? 0 : 1 + ranks[author.removedAuthor]!)
  out.uint(author.removedFrom)
  out.uint(author.removedTo - author.removedFrom)
}

/** Many who have edited a document in one way each name the same few. */
const namesAlike = (a: Author, b: Author): boolean =>
  a.authors.length + a.roots.length <= ALIKE_LIMIT &&
  a.last === b.last &&
  a.removedAuthor === b.removedAuthor &&
  a.removedFrom === b.removedFrom &&
  a.removedTo === b.removedTo &&
  areSame(a.authors, b.authors) &&
  areSame(a.roots, b.roots)

const areSame = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>): boolean => {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

const writeBody = (out: ByteWriter, container: Container, ranks: Int32Array): void => {
  if (container instanceof TextContainer) {
    writeSpans(out, container.rga, ranks)
    out.text(container.toString())
  } else if (container instanceof ListContainer) {
    writeSpans(out, container.rga, ranks)
    for (const item of container.toArray()) writeItem(out, item)
  } else writeMap(out, container as OrMap, ranks)
}

/** A container is known by the id of its place. */
const writeItem = (out: ByteWriter, item: Item): void =>
  writeValue(out, item instanceof Container ? NEW_CONTAINERS[item.kind]! : item)
