/**
 * How far a log has come: the last operation of each author, and the heads, which nobody has built upon yet. That is all
 * there is in memory of a log of any length.
 *
 * Every author's operations are a row without gaps, so the last of each author says which operations are there. An
 * operation comes in when its parents and its author's one before have; until then it waits in an `EarlyBuffer`.
 */
import { bytesOfKey, compareBytes } from "#schemas/bytes/bytes"
import { PARENTS_LIMIT } from "#schemas/dht/Op"
import type { OpLinks } from "./OpNode.ts"

/** Ids remembered beside the heads: nearly every parent is among them, so that the disk is asked for few. */
const RECENT = 1_024

export interface AuthorState {
  /** The lowest that the log still has: those before are in a snapshot. */
  readonly first: number
  readonly seq: number
  readonly lamport: number
  /** Key of the id of the last; empty where only a snapshot has it. */
  readonly last: string
}

/** What an operation waits for: the key of a parent's id, or a place in its author's row. */
export type Missing = string

export type Judgement =
  | { readonly _tag: "next" }
  | { readonly _tag: "known" }
  /** Its place in its author's row is taken; who has the record there can tell whether by this one. */
  | { readonly _tag: "taken" }
  | { readonly _tag: "equivocation" }
  | { readonly _tag: "early"; readonly missing: Missing }
  | { readonly _tag: "refused"; readonly word: string }

const NEXT: Judgement = { _tag: "next" }
const KNOWN: Judgement = { _tag: "known" }
const refused = (word: string): Judgement => ({ _tag: "refused", word })

/** The place of an operation in its author's row, among what others may wait for. */
export const placeOf = (authorKey: string, seq: number): Missing => `${authorKey}/${seq}`

export class OpGraph {
  readonly authors = new Map<string, AuthorState>()
  /** Key of the id to lamport. */
  readonly heads = new Map<string, number>()
  /** The largest lamport of what only a snapshot has; 0 where the log is whole. */
  baseLamport = 0
  /** Authors who stand still, since an operation of theirs cannot be carried out: at this seq. */
  readonly halted = new Map<string, number>()
  readonly #recent = new Map<string, number>()

  /** Lamport of an operation that is here, as far as memory knows. */
  lamportOf(key: string): number | undefined {
    return this.heads.get(key) ?? this.#recent.get(key)
  }

  /**
   * `found` has the lamports of parents that were found on disk. With `assumed` an unknown parent is taken to be one of
   * those that only a snapshot has.
   */
  judge(op: OpLinks, found: ReadonlyMap<string, number>, assumed = false): Judgement {
    const author = this.authors.get(op.authorKey)
    const last = author?.seq ?? 0
    if (op.seq === last) return author?.last === op.key ? KNOWN : { _tag: "equivocation" }
    if (op.seq < last) return { _tag: "taken" }
    if (op.seq >= (this.halted.get(op.authorKey) ?? Number.POSITIVE_INFINITY)) return refused("its author stands still")
    if (op.seq > last + 1) return { _tag: "early", missing: placeOf(op.authorKey, op.seq - 1) }
    if (op.lamport <= (author?.lamport ?? 0)) return refused("lamport not above its author's last")
    return this.#judgeParents(op, found, assumed && this.baseLamport > 0)
  }

  /** The operation is in; it was `next`. */
  accept({ authorKey, key, lamport, parents, seq }: OpLinks): void {
    const first = this.authors.get(authorKey)?.first ?? seq
    this.authors.set(authorKey, { first, seq, lamport, last: key })
    for (const parent of parents) {
      const head = this.heads.get(parent)
      // A head that was loaded is nowhere else in memory, and others may have built upon it, too.
      if (head !== undefined) this.#remember(parent, head)
      this.heads.delete(parent)
    }
    this.heads.set(key, lamport)
    this.#remember(key, lamport)
  }

  /** What stood at these heads is here as a snapshot; authors that have come further stay where they are. */
  restart(
    authors: ReadonlyMap<string, Pick<AuthorState, "seq" | "lamport">>,
    heads: ReadonlyMap<string, number>
  ): void {
    for (const [key, { lamport, seq }] of authors) {
      const held = this.authors.get(key)
      if (held === undefined || held.seq < seq) this.authors.set(key, { first: seq + 1, seq, lamport, last: "" })
      else this.authors.set(key, { ...held, first: Math.max(held.first, seq + 1) })
      this.baseLamport = Math.max(this.baseLamport, lamport)
    }
    for (const [key, lamport] of heads) this.heads.set(key, lamport)
  }

  /** What this author's next operation has to say of itself. */
  nextOf(authorKey: string): { readonly seq: number; readonly lamport: number; readonly parents: Array<Uint8Array> } {
    const author = this.authors.get(authorKey)
    const heads = [...this.heads].sort(([a, x], [b, y]) => ownFirst(author, a, b) || y - x || (a < b ? -1 : 1))
    const parents = heads.slice(0, PARENTS_LIMIT)
    let lamport = 0
    for (const [, of] of parents) lamport = Math.max(lamport, of)
    const ids = parents.map(([key]) => bytesOfKey(key)).sort(compareBytes)
    return { seq: (author?.seq ?? 0) + 1, lamport: lamport + 1, parents: ids }
  }

  #remember(key: string, lamport: number): void {
    this.#recent.set(key, lamport)
    if (this.#recent.size > RECENT) this.#recent.delete(this.#recent.keys().next().value!)
  }

  #judgeParents(op: OpLinks, found: ReadonlyMap<string, number>, assumed: boolean): Judgement {
    let largest = 0
    let unknown: string | undefined
    for (const parent of op.parents) {
      const lamport = this.lamportOf(parent) ?? found.get(parent)
      if (lamport === undefined) unknown ??= parent
      else largest = Math.max(largest, lamport)
    }
    if (unknown === undefined) return op.lamport === largest + 1 ? NEXT : refused("lamport not one above its parents'")
    if (op.lamport <= largest) return refused("lamport not one above its parents'")
    if (!assumed) return { _tag: "early", missing: unknown }
    return op.lamport <= Math.max(largest, this.baseLamport) + 1 ? NEXT : { _tag: "early", missing: unknown }
  }
}

/** The author's own last is always named, so that its row is a path of the graph. */
const ownFirst = (author: AuthorState | undefined, a: string, b: string): number =>
  a === author?.last ? -1 : b === author?.last ? 1 : 0
