/**
 * Builds the Merkle DAG over a row of leaves as they come. It holds at most one open node a level, so its memory does
 * not grow with the content; a node is handed out to be stored as soon as it is full.
 */
import { type Cid, cidOfDigest, DAG_CBOR, RAW } from "#schemas/content/Cid"
import { CHILDREN_LIMIT, type DagChild, sizeOf, write } from "#schemas/content/DagNode"

export interface DagRoot {
  readonly cid: Cid
  /** The nodes that were still open, to be stored like the others. */
  readonly nodes: ReadonlyArray<Uint8Array>
}

export class DagBuilder {
  readonly #sha256: (bytes: Uint8Array) => Uint8Array
  /** By height: the children of the node still open there. */
  readonly #open: Array<Array<DagChild>> = [[]]

  constructor(sha256: (bytes: Uint8Array) => Uint8Array) {
    this.#sha256 = sha256
  }

  /** Adds the next leaf; answers the nodes that it completed. */
  add(leaf: Uint8Array): ReadonlyArray<Uint8Array> {
    const nodes: Array<Uint8Array> = []
    this.#push(0, { cid: cidOfDigest(RAW, this.#sha256(leaf)), size: leaf.length }, nodes)
    return nodes
  }

  /** Closes what is open, from the leaves up. At least one leaf was added; none may be afterwards. */
  finish(): DagRoot {
    const nodes: Array<Uint8Array> = []
    for (let height = 0; ; height++) {
      const children = this.#open[height]!
      const isTop = height === this.#open.length - 1
      if (isTop && children.length === 1) return { cid: children[0]!.cid, nodes }
      if (children.length > 0) this.#seal(height, nodes)
    }
  }

  #push(height: number, child: DagChild, nodes: Array<Uint8Array>): void {
    const children = this.#open[height] ?? []
    this.#open[height] = children
    children.push(child)
    if (children.length === CHILDREN_LIMIT) this.#seal(height, nodes)
  }

  #seal(height: number, nodes: Array<Uint8Array>): void {
    const node = { children: this.#open[height]! }
    const block = write(node)
    nodes.push(block)
    this.#open[height] = []
    this.#push(height + 1, { cid: cidOfDigest(DAG_CBOR, this.#sha256(block)), size: sizeOf(node) }, nodes)
  }
}
