/**
 * Operations that came before what they build upon. Each waits for one thing at a time, so that what arrives wakes those
 * who wait for it and nobody else.
 *
 * Bounded by count and bytes, of all authors together: when it is full, the author who takes the most loses the one
 * that is furthest ahead. What was lost is fetched again when its turn has come.
 */
import type { Missing } from "./OpGraph.ts"
import type { OpNode } from "./OpNode.ts"

export interface EarlyLimits {
  readonly count: number
  readonly bytes: number
}

export interface Early<Node extends EarlyNode = OpNode> {
  readonly op: Node
  /** Lamports of parents that were found on disk or have come since. */
  readonly found: Map<string, number>
  missing: Missing
  /** When it came. */
  readonly since: number
}

type EarlyNode = Pick<OpNode, "key" | "authorKey" | "seq" | "bytes">

export class EarlyBuffer<Node extends EarlyNode = OpNode> {
  readonly #limits: EarlyLimits
  readonly #held = new Map<string, Early<Node>>()
  readonly #waiting = new Map<Missing, Set<Early<Node>>>()
  readonly #ofAuthor = new Map<string, Set<Early<Node>>>()
  #bytes = 0

  constructor(limits: EarlyLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#held.size
  }

  get bytes(): number {
    return this.#bytes
  }

  has(key: string): boolean {
    return this.#held.has(key)
  }

  /** Answers those that had to leave, itself perhaps. */
  add(early: Early<Node>): ReadonlyArray<Node> {
    if (this.#held.has(early.op.key)) return []
    this.#held.set(early.op.key, early)
    addTo(this.#waiting, early.missing, early)
    addTo(this.#ofAuthor, early.op.authorKey, early)
    this.#bytes += early.op.bytes.length
    const left: Array<Node> = []
    while (this.#held.size > this.#limits.count || this.#bytes > this.#limits.bytes) {
      const least = this.#leastUseful()
      this.#remove(least)
      left.push(least.op)
    }
    return left
  }

  /** Takes it out, so that it can be judged by what is known now. */
  forget(key: string): void {
    const early = this.#held.get(key)
    if (early !== undefined) this.#remove(early)
  }

  /** Takes out those that waited for this. */
  wake(missing: Missing): ReadonlyArray<Early<Node>> {
    const woken = [...(this.#waiting.get(missing) ?? [])]
    for (const early of woken) this.#remove(early)
    return woken
  }

  /** Takes out those that came before `time`. */
  since(time: number): ReadonlyArray<Early<Node>> {
    const old = [...this.#held.values()].filter(({ since }) => since < time)
    for (const early of old) this.#remove(early)
    return old
  }

  /** Takes out all, in the order in which they came. */
  drain(): ReadonlyArray<Early<Node>> {
    return this.since(Number.POSITIVE_INFINITY)
  }

  all(): Iterable<Early<Node>> {
    return this.#held.values()
  }

  /** What is waited for. */
  missing(): ReadonlyArray<Missing> {
    return [...this.#waiting.keys()]
  }

  #leastUseful(): Early<Node> {
    let most: Set<Early<Node>> | undefined
    for (const some of this.#ofAuthor.values()) if (most === undefined || some.size > most.size) most = some
    let least: Early<Node> | undefined
    for (const early of most!) if (least === undefined || early.op.seq > least.op.seq) least = early
    return least!
  }

  #remove(early: Early<Node>): void {
    const { authorKey, bytes, key } = early.op
    this.#held.delete(key)
    this.#bytes -= bytes.length
    removeFrom(this.#waiting, early.missing, early)
    removeFrom(this.#ofAuthor, authorKey, early)
  }
}

const addTo = <V>(sets: Map<string, Set<V>>, key: string, value: V): void => {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([value]))
  else set.add(value)
}

const removeFrom = <V>(sets: Map<string, Set<V>>, key: string, value: V): void => {
  const set = sets.get(key)
  if (set?.delete(value) === true && set.size === 0) sets.delete(key)
}
