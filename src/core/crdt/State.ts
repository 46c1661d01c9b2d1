/** What a document is made of: its authors, and its containers by name and by id. */
import { type Ref, SELF } from "#schemas/crdt/Operation"
import { ContainerKind } from "#schemas/crdt/Value"
import { type Author, Authors } from "./Authors.ts"
import type { Container, Place } from "./Container.ts"
import { ListContainer } from "./ListContainer.ts"
import { OrMap } from "./OrMap.ts"
import { TextContainer } from "./TextContainer.ts"

/** An id as one number. */
export const idOf = (author: number, counter: number): number => author * 2 ** 31 + counter

export class State {
  readonly authors = new Authors()
  readonly roots = new Map<string, Container>()
  /** Those that began in a place, by its id. */
  readonly inner = new Map<number, Container>()
  /** The largest of all batches. */
  lamport = 0
  /** Watched containers in which something has changed. */
  readonly changed = new Set<Container>()

  /** The root of this name, which begins its life here if there is none yet. */
  root(kind: ContainerKind, name: string): Container {
    const key = rootKey(kind, name)
    let root = this.roots.get(key)
    if (root === undefined) {
      root = newContainer(this.authors, kind, { name, author: -1, counter: 0, depth: 1 })
      this.roots.set(key, root)
    }
    return root
  }

  /** By kind, then by name. Roots that nobody has written in are left out: they are here because somebody looked. */
  rootsInOrder(): Array<Container> {
    const named = new Set<Container>()
    const { all } = this.authors
    for (let at = 0; at < all.length; at++) {
      const { roots } = all[at]!
      for (let root = 0; root < roots.length; root++) named.add(roots[root]!)
    }
    return [...named].sort((a, b) => a.kind - b.kind || (a.name! < b.name! ? -1 : 1))
  }

  /** An empty container in a place of another one. */
  begin(kind: ContainerKind, author: number, counter: number, depth: number): Container {
    const container = newContainer(this.authors, kind, { name: undefined, author, counter, depth })
    this.inner.set(idOf(author, counter), container)
    return container
  }

  /** These, and everything in them. */
  bury(dying: Array<Container>): void {
    for (let container = dying.pop(); container !== undefined; container = dying.pop()) {
      if (container.isDead) continue
      container.isDead = true
      if (container.isWatched) this.changed.add(container)
      container.clear(dying)
    }
  }
}

/** A kind has names of its own: a map and a text of one name are two roots. */
export const rootKey = (kind: ContainerKind, name: string): string => `${kind}${name}`

/** The author that a checked reference leads to. */
export const authorOf = (me: Author, ref: Ref, authors: Authors): Author =>
  ref.author === SELF ? me : ref.author > 0 ? me.authors[ref.author - 1]! : authors.find(ref.key!)!

export const newContainer = (authors: Authors, kind: ContainerKind, place: Place): Container => {
  if (kind === ContainerKind.Text) return new TextContainer(place, authors)
  if (kind === ContainerKind.List) return new ListContainer(place, authors)
  return new OrMap(place, authors, kind)
}
