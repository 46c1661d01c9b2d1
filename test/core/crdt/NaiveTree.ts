/** The model of a text: every code point is a node of a tree, children are sorted lists, and nothing is remembered. */
import { compareBytes, keyOf } from "#schemas/bytes/bytes"
import type { OpBatchFields } from "#schemas/crdt/OpBatch"
import { BEFORE, FORWARD, NEW_AUTHOR, NEXT_TO, NOWHERE, OpKind, OpReader, SELF } from "#schemas/crdt/Operation"
import { textOf } from "#schemas/crdt/utf8"

interface Node {
  readonly author: Uint8Array
  readonly counter: number
  readonly text: string
  removed: boolean
  readonly left: Array<Node>
  readonly right: Array<Node>
}

interface Known {
  next: number
  removed: readonly [author: Uint8Array, from: number, to: number] | undefined
  readonly authors: Array<Uint8Array>
}

const nodeOf = (author: Uint8Array, counter: number, text: string): Node => ({
  author,
  counter,
  text,
  removed: false,
  left: [],
  right: []
})

export class NaiveTree {
  readonly #root = nodeOf(new Uint8Array(32), -1, "")
  readonly #nodes = new Map<string, Node>()
  readonly #known = new Map<string, Known>()

  /** Batches that only write in and remove from one text, each behind those it builds on. */
  apply({ author, operations }: OpBatchFields): void {
    const known = this.#known.get(keyOf(author)) ?? { next: 0, removed: undefined, authors: [] }
    this.#known.set(keyOf(author), known)
    const op = new OpReader()
    op.in.reset(operations)
    while (op.next()) {
      const [first, counter] = this.#resolve(author, known, op)
      if (op.kind === OpKind.Remove) {
        known.removed = [first, counter, counter + op.count]
        for (let at = 0; at < op.count; at++) this.#nodes.get(`${keyOf(first)} ${counter + at}`)!.removed = true
        continue
      }
      let parent = op.ref.author === NOWHERE ? this.#root : this.#nodes.get(`${keyOf(first)} ${counter}`)!
      let isLeft = (op.head & BEFORE) !== 0
      for (const text of textOf(op.in.bytes, op.textFrom, op.textTo)) {
        const node = nodeOf(author, known.next++, text)
        this.#nodes.set(`${keyOf(author)} ${node.counter}`, node)
        const siblings = isLeft ? parent.left : parent.right
        siblings.push(node)
        siblings.sort((a, b) => compareBytes(a.author, b.author) || a.counter - b.counter)
        parent = node
        isLeft = false
      }
    }
  }

  toString(): string {
    const read = (node: Node): string =>
      node.left.map(read).join("") + (node.removed ? "" : node.text) + node.right.map(read).join("")
    return read(this.#root)
  }

  #resolve(author: Uint8Array, known: Known, { count, head, ref }: OpReader): [Uint8Array, number] {
    if (ref.author === NEXT_TO) {
      const [removed, from, to] = known.removed!
      return [removed, (head & FORWARD) !== 0 ? to : from - count]
    }
    if (ref.author === SELF) return [author, known.next - ref.counter]
    if (ref.author === NOWHERE) return [author, 0]
    if (ref.author === NEW_AUTHOR) known.authors.push(ref.key!.slice())
    return [ref.author === NEW_AUTHOR ? ref.key! : known.authors[ref.author - 1]!, ref.counter]
  }
}
