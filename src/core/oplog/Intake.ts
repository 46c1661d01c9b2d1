/**
 * The way of operations into a log, whatever order they come in: judged, kept waiting, and handed out one after the other
 * as each becomes the next. The caller carries each out before it asks for another, and says how that went.
 */
import { EarlyBuffer, type EarlyLimits } from "./EarlyBuffer.ts"
import { type Judgement, OpGraph, placeOf } from "./OpGraph.ts"
import type { OpNode } from "./OpNode.ts"

/** What became of an operation that was offered; `next` ones are to be taken. */
export type Offered = Exclude<Judgement["_tag"], "early"> | "waits" | "full"

export type IntakeNode = Pick<OpNode, "key" | "authorKey" | "seq" | "lamport" | "parents" | "bytes">

export class Intake<Node extends IntakeNode = OpNode> {
  readonly graph: OpGraph
  readonly early: EarlyBuffer<Node>
  /** Came early, and found their place in their author's row taken: for whoever keeps proofs to empty. */
  readonly conflicts: Array<Node> = []
  readonly #ready: Array<{ readonly op: Node; readonly found: Map<string, number> }> = []

  constructor(limits: EarlyLimits, graph = new OpGraph()) {
    this.graph = graph
    this.early = new EarlyBuffer<Node>(limits)
  }

  /** Parents of which memory does not know whether they are here. */
  unsure(op: Pick<Node, "parents">): ReadonlyArray<string> {
    return op.parents.filter((parent) => this.graph.lamportOf(parent) === undefined)
  }

  /** Parents of those that wait, as many as `limit`, that are neither here nor waiting themselves. */
  wanted(limit: number): ReadonlyArray<string> {
    const wanted = new Set<string>()
    for (const { found, op } of this.early.all()) {
      for (const parent of op.parents) {
        if (wanted.size === limit) return [...wanted]
        if (!found.has(parent) && !this.early.has(parent) && this.graph.lamportOf(parent) === undefined)
          wanted.add(parent)
      }
    }
    return [...wanted]
  }

  /** `found` is kept. `now` in any unit, the one of `EarlyBuffer.since`. */
  offer(op: Node, found: Map<string, number>, now: number): { readonly as: Offered; readonly word?: string } {
    const judgement = this.graph.judge(op, found)
    switch (judgement._tag) {
      case "next":
        this.#ready.push({ op, found })
        return { as: "next" }
      case "early": {
        if (this.early.has(op.key)) return { as: "waits" }
        const left = this.early.add({ op, found, missing: judgement.missing, since: now })
        return { as: left.includes(op) ? "full" : "waits" }
      }
      case "refused":
        return { as: "refused", word: judgement.word }
      default:
        return { as: judgement._tag }
    }
  }

  /** Undefined where all that is left waits for something. */
  take(): Node | undefined {
    for (let entry = this.#ready.pop(); entry !== undefined; entry = this.#ready.pop()) {
      // What was next when it was offered may have been overtaken by a copy of itself, or by another in its place.
      const { _tag } = this.graph.judge(entry.op, entry.found, true)
      if (_tag === "next") return entry.op
      if (_tag === "equivocation") this.conflicts.push(entry.op)
    }
    return undefined
  }

  /** It has been carried out; those that waited for it go on. */
  accept(op: Node): void {
    this.graph.accept(op)
    for (const missing of [op.key, placeOf(op.authorKey, op.seq)]) {
      for (const early of this.early.wake(missing)) {
        early.found.set(op.key, op.lamport)
        this.#again(early.op, early.found, early.since, false)
      }
    }
  }

  /** It cannot be carried out, here or anywhere: its author stands still. */
  halt(op: Node): void {
    this.graph.halted.set(op.authorKey, op.seq)
  }

  /** It cannot be carried out yet although its parents are here: it waits for somebody's next operation. */
  putOff(op: Node, now: number): void {
    this.early.add({ op, found: new Map(), missing: "anything", since: now })
  }

  /** Gives those a second try that were put off, or wait for what may be in a snapshot. */
  retry(assumed: boolean): void {
    const some = assumed ? this.early.drain() : this.early.wake("anything")
    for (const { found, op, since } of some) this.#again(op, found, since, assumed)
  }

  #again(op: Node, found: Map<string, number>, since: number, assumed: boolean): void {
    const judgement = this.graph.judge(op, found, assumed)
    if (judgement._tag === "next") this.#ready.push({ op, found })
    else if (judgement._tag === "early") this.early.add({ op, found, missing: judgement.missing, since })
    else if (judgement._tag === "equivocation") this.conflicts.push(op)
  }
}
