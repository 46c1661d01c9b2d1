/**
 * The requests of one session that still wait for an answer: u32 ids, deadlines, and a limit in each direction.
 *
 * A mutable structure owned by one layer. It never waits: `expire` is told the time, and the owner is told when the
 * next deadline is.
 */
import type { RpcAnswer } from "#schemas/rpc/RpcMessage"

/** What became of a request. */
export type Outcome =
  | { readonly _tag: "Answer"; readonly answer: RpcAnswer }
  | { readonly _tag: "Timeout" }
  | { readonly _tag: "Ended"; readonly reason: string }

export interface Pending {
  /** The frame type that its answer must come in: RPC and DHT share one id space. */
  readonly answerType: number
  /** Milliseconds. */
  readonly sentAt: number
  readonly deadline: number
  /** Whether the answer's time is a measure of the line. */
  readonly measures: boolean
  readonly settle: (outcome: Outcome) => void
}

const MAX_ID = 0xffff_ffff

export class RequestTable {
  readonly #pending = new Map<number, Pending>()
  #last = 0

  get size(): number {
    return this.#pending.size
  }

  /** Ids go round: one still in use is passed over. The owner's window keeps the table far from full. */
  add(pending: Pending): number {
    do this.#last = this.#last === MAX_ID ? 1 : this.#last + 1
    while (this.#pending.has(this.#last))
    this.#pending.set(this.#last, pending)
    return this.#last
  }

  /** The request that this answers, no longer pending; undefined for one that nobody asked, or was given up. */
  take(id: number, answerType: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined || pending.answerType !== answerType) return undefined
    this.#pending.delete(id)
    return pending
  }

  /** Gives a request up: its answer will be ignored. */
  forget(id: number): boolean {
    return this.#pending.delete(id)
  }

  /** Settles what is overdue. */
  expire(now: number): void {
    for (const [id, pending] of this.#pending) {
      if (pending.deadline > now) continue
      this.#pending.delete(id)
      pending.settle({ _tag: "Timeout" })
    }
  }

  /** Milliseconds, Infinity when nothing waits. */
  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY
    for (const pending of this.#pending.values()) if (pending.deadline < next) next = pending.deadline
    return next
  }

  /** Settles everything: the session has ended. */
  end(reason: string): void {
    const all = [...this.#pending.values()]
    this.#pending.clear()
    for (const pending of all) pending.settle({ _tag: "Ended", reason })
  }
}
