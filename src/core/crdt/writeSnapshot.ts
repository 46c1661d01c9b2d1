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
 *   map         keys and entries (mapSnapshot.ts)
 *   list        spans (sequenceSnapshot.ts) ‖ visible values
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
import { writeMap } from "./mapSnapshot.ts"
import type { OrMap } from "./OrMap.ts"
import type { State } from "./State.ts"
import { writeSpans } from "./sequenceSnapshot.ts"
import { TextContainer } from "./TextContainer.ts"

export const SNAPSHOT_VERSION = 2

/** Names that a single byte may stand for, so that a few bytes do not unfold to much. */
export const ALIKE_LIMIT = 8

const FIRST_BUFFER = 65_536

export const writeSnapshot = (state: State): Uint8Array => {
  const out = new ByteWriter(FIRST_BUFFER)
  out.byte(SNAPSHOT_VERSION)
  out.uint(state.lamport)
  const authors = state.authors.inOrder()
  const ranks: Array<number> = []
  out.uint(authors.length)
  authors.forEach(({ index, key, lamport, next, seq }, rank) => {
    ranks[index] = rank
    out.raw(key)
    out.uint(seq)
    out.uint(lamport)
    out.uint(next)
  })
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
  const places = new Map(all.map((container, at) => [container, at]))
  authors.forEach((author, rank) => {
    if (rank > 0 && namesAlike(author, authors[rank - 1]!)) out.uint(0)
    else writeNamed(out, author, ranks, places)
  })
  for (const container of all) writeBody(out, container, ranks)
  return out.taken()
}

const writeNamed = (
  out: ByteWriter,
  author: Author,
  ranks: ReadonlyArray<number>,
  places: ReadonlyMap<Container, number>
): void => {
  out.uint(1 + author.authors.length)
  for (const { index } of author.authors) out.uint(ranks[index]!)
  out.uint(author.roots.length)
  for (const root of author.roots) out.uint(places.get(root)!)
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
  a.authors.length === b.authors.length &&
  a.roots.length === b.roots.length &&
  a.authors.every((author, at) => author === b.authors[at]) &&
  a.roots.every((root, at) => root === b.roots[at])

const writeBody = (out: ByteWriter, container: Container, ranks: ReadonlyArray<number>): void => {
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
