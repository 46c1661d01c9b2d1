/**
 * Judges a batch before anything of it is carried out, so that a refused one leaves no trace. What it names must exist,
 * be of the right kind and stand in the right container; that never changes, so every replica judges alike, whatever
 * else it has seen by then.
 */
import { equalBytes } from "#schemas/bytes/bytes"
import {
  FIRST_ROOT,
  FORWARD,
  INNER,
  NEW_AUTHOR,
  NEW_ROOT,
  NEXT_TO,
  NOWHERE,
  OpKind,
  type OpReader,
  type Ref,
  SAME,
  SELF
} from "#schemas/crdt/Operation"
import { ContainerKind, NewContainer } from "#schemas/crdt/Value"
import { type Author, COUNTER_LIMIT } from "./Authors.ts"
import { type Container, DEPTH_LIMIT } from "./Container.ts"
import { Sequence } from "./Sequence.ts"
import { idOf, newContainer, rootKey, type State } from "./State.ts"

/**
 * `malformed` stays so. `missing`: something that it builds on has not come yet; it may be offered again after other
 * batches.
 */
export interface Refusal {
  readonly reason: "malformed" | "missing"
  readonly word: string
}

/** Elements that the batch itself inserts. */
interface Fresh {
  readonly from: number
  to: number
  readonly container: Container
}

/** Used again for every batch: most have one operation, and cost next to nothing. */
export class Checker {
  readonly #state: State
  readonly #op: OpReader
  #me: Author
  /** As the author would have them so far. */
  #next = 0
  #last: Container | undefined
  #removedAuthor = 0
  #removedFrom = 0
  #removedTo = 0
  readonly #named: Array<Author> = []
  readonly #roots: Array<Container> = []
  readonly #fresh: Array<Fresh> = []
  readonly #begun = new Map<number, Container>()
  #refusal: Refusal | undefined
  /** What `#resolve` found. */
  #author = 0
  #counter = 0

  constructor(state: State, op: OpReader, me: Author) {
    this.#state = state
    this.#op = op
    this.#me = me
  }

  /** What is wrong with the operations of this author's next batch, if anything. */
  judge(me: Author, operations: Uint8Array): Refusal | undefined {
    this.#me = me
    this.#next = me.next
    this.#last = me.last
    this.#removedAuthor = me.removedAuthor
    this.#removedFrom = me.removedFrom
    this.#removedTo = me.removedTo
    this.#refusal = undefined
    this.#op.in.reset(operations)
    while (this.#refusal === undefined && this.#op.next()) this.#operation()
    if (this.#op.in.refusal !== undefined) this.#malformed(this.#op.in.refusal)
    if (this.#named.length > 0) this.#named.length = 0
    if (this.#roots.length > 0) this.#roots.length = 0
    if (this.#fresh.length > 0) this.#fresh.length = 0
    if (this.#begun.size > 0) this.#begun.clear()
    return this.#refusal
  }

  #operation(): undefined {
    const container = this.#target()
    if (container === undefined) return undefined
    this.#last = container
    const { kind } = this.#op
    if (kind <= OpKind.Put) this.#insert(container)
    else if (kind === OpKind.Remove) this.#remove(container)
    else this.#setKey(container)
    if (this.#next > COUNTER_LIMIT) this.#malformed("too many ids")
  }

  #malformed(word: string): undefined {
    this.#refusal ??= { reason: "malformed", word }
    return undefined
  }

  #missing(word: string): undefined {
    this.#refusal ??= { reason: "missing", word }
    return undefined
  }

  #target(): Container | undefined {
    const op = this.#op
    if ((op.head & SAME) !== 0) return this.#last ?? this.#malformed("no last container")
    if (op.container === NEW_ROOT) return this.#newRoot()
    if (op.container === INNER) {
      if (!this.#resolve(op.inner)) return undefined
      const id = idOf(this.#author, this.#counter)
      return this.#begun.get(id) ?? this.#state.inner.get(id) ?? this.#malformed("not a container")
    }
    const known = this.#me.roots.length
    const at = op.container - FIRST_ROOT
    return (at < known ? this.#me.roots[at] : this.#roots[at - known]) ?? this.#malformed("unknown root")
  }

  #newRoot(): Container | undefined {
    const { rootKind, rootName } = this.#op
    const kind = rootKind as ContainerKind
    const isSame = (root: Container) => root.kind === kind && root.name === rootName
    if (this.#me.roots.some(isSame) || this.#roots.some(isSame)) return this.#malformed("root named twice")
    const place = { name: rootName, author: -1, counter: 0, depth: 1 }
    const root = this.#state.roots.get(rootKey(kind, rootName)) ?? newContainer(this.#state.authors, kind, place)
    this.#roots.push(root)
    return root
  }

  #insert(container: Container): undefined {
    const { kind, ref, count, values } = this.#op
    const wanted = kind === OpKind.Write ? ContainerKind.Text : ContainerKind.List
    if (container.kind !== wanted) return this.#malformed("another kind of container")
    if (ref.author !== NOWHERE) {
      if (!this.#resolve(ref)) return undefined
      if (!this.#holds(container, this.#counter, this.#counter + 1)) return this.#malformed("no element there")
    }
    if (kind === OpKind.Put) for (let at = 0; at < count; at++) this.#value(container, values[at], this.#next + at)
    const last = this.#fresh.at(-1)
    if (last !== undefined && last.container === container && last.to === this.#next) last.to += count
    else this.#fresh.push({ from: this.#next, to: this.#next + count, container })
    this.#next += count
  }

  #remove(container: Container): undefined {
    const { ref, count } = this.#op
    if (!(container instanceof Sequence)) return this.#malformed("another kind of container")
    if (ref.author === NEXT_TO ? !this.#resolveNext(count) : !this.#resolve(ref, count)) return undefined
    this.#removedAuthor = this.#author
    this.#removedFrom = this.#counter
    this.#removedTo = this.#counter + count
    if (!this.#holds(container, this.#counter, this.#counter + count)) this.#malformed("no element there")
  }

  #setKey(container: Container): undefined {
    const { kind, key, preds, pred, values } = this.#op
    if (container instanceof Sequence) return this.#malformed("another kind of container")
    if (container.kind === ContainerKind.Register && key !== "") return this.#malformed("key of a register")
    for (let at = 0; at < preds; at++) if (!this.#resolve(pred[at]!)) return undefined
    if (kind === OpKind.Set) this.#value(container, values[0], this.#next++)
  }

  #value(parent: Container, value: unknown, counter: number): undefined {
    if (!(value instanceof NewContainer)) return undefined
    const depth = parent.depth + 1
    if (depth > DEPTH_LIMIT) return this.#malformed("too deep")
    const place = { name: undefined, author: this.#me.index, counter, depth }
    this.#begun.set(idOf(this.#me.index, counter), newContainer(this.#state.authors, value.kind, place))
  }

  /** The ids from `#counter` of `#author` on have all been given away. */
  #resolve(ref: Ref, count = 1): boolean {
    const me = this.#me
    if (ref.author === SELF) {
      this.#author = me.index
      this.#counter = this.#next - ref.counter
      if (this.#counter >= 0 && ref.counter >= count) return true
      this.#malformed("no id of the author")
      return false
    }
    const author = ref.author === NEW_AUTHOR ? this.#name(ref.key!) : this.#known(ref.author - 1)
    if (author === undefined) return false
    this.#author = author.index
    this.#counter = ref.counter
    if (ref.counter + count <= author.next) return true
    this.#missing("id that is not here yet")
    return false
  }

  #resolveNext(count: number): boolean {
    this.#author = this.#removedAuthor
    this.#counter = (this.#op.head & FORWARD) !== 0 ? this.#removedTo : this.#removedFrom - count
    if (this.#author < 0 || this.#counter < 0) {
      this.#malformed("next to nothing")
      return false
    }
    const next = this.#author === this.#me.index ? this.#next : this.#state.authors.all[this.#author]!.next
    if (this.#counter + count <= next) return true
    this.#missing("id that is not here yet")
    return false
  }

  #known(at: number): Author | undefined {
    const known = this.#me.authors.length
    return (at < known ? this.#me.authors[at] : this.#named[at - known]) ?? this.#malformed("unknown author")
  }

  #name(key: Uint8Array): Author | undefined {
    const author = this.#state.authors.find(key)
    if (equalBytes(key, this.#me.key)) return this.#malformed("names itself")
    if (author === undefined) return this.#missing("author who is not here yet")
    if (this.#me.authors.includes(author) || this.#named.includes(author)) return this.#malformed("author named twice")
    this.#named.push(author)
    return author
  }

  #holds(container: Container, from: number, to: number): boolean {
    const sequence = container as Sequence<unknown>
    const split = this.#author === this.#me.index ? Math.min(to, Math.max(from, this.#me.next)) : to
    return sequence.holds(this.#author, from, split) && this.#holdsFresh(container, split, to)
  }

  /** Neighbours of one container were joined, so one entry has them all or none has. */
  #holdsFresh(container: Container, from: number, to: number): boolean {
    if (from >= to) return true
    let [low, high] = [0, this.#fresh.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#fresh[middle]!.from <= from) low = middle
      else high = middle - 1
    }
    const fresh = this.#fresh[low]
    return fresh !== undefined && fresh.container === container && fresh.from <= from && fresh.to >= to
  }
}
