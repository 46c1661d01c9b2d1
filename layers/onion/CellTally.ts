/** What becomes of cells, counted for whoever asks this node and for its operator. */
import { type Context, Metric } from "effect"
import * as Metrics from "#services/onion/Metrics"
import type { CellDropped, OnionStats } from "#services/onion/OnionCells"

export type CellTaken = keyof typeof taken

export class CellTally {
  readonly #context: Context.Context<never>
  #forwarded = 0
  #arrived = 0
  readonly #dropped: Partial<Record<CellDropped, number>> = {}

  constructor(context: Context.Context<never>) {
    this.#context = context
  }

  took(what: CellTaken): void {
    if (what === "forwarded") this.#forwarded++
    else if (what !== "sent") this.#arrived++
    taken[what].updateUnsafe(1, this.#context)
  }

  dropped(reason: CellDropped): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1
    dropped(reason).updateUnsafe(1, this.#context)
  }

  dialled(outcome: keyof typeof dials): void {
    dials[outcome].updateUnsafe(1, this.#context)
  }

  stats(): OnionStats {
    return { forwarded: this.#forwarded, arrived: this.#arrived, dropped: { ...this.#dropped } }
  }
}

const taken = {
  forwarded: Metric.withAttributes(Metrics.cells, { outcome: "forwarded" }),
  delivered: Metric.withAttributes(Metrics.cells, { outcome: "delivered" }),
  handed: Metric.withAttributes(Metrics.cells, { outcome: "handed" }),
  answered: Metric.withAttributes(Metrics.cells, { outcome: "answered" }),
  sent: Metric.withAttributes(Metrics.cells, { outcome: "sent" })
}

const dials = {
  open: Metric.withAttributes(Metrics.dials, { outcome: "open" }),
  failed: Metric.withAttributes(Metrics.dials, { outcome: "failed" }),
  refused: Metric.withAttributes(Metrics.dials, { outcome: "refused" })
}

/** One counter a reason, made when it first happens; the reasons are few. */
const reasons = new Map<CellDropped, Metric.Metric<number, unknown>>()

const dropped = (reason: CellDropped): Metric.Metric<number, unknown> => {
  const known = reasons.get(reason)
  if (known !== undefined) return known
  const counter = Metric.withAttributes(Metrics.dropped, { reason })
  reasons.set(reason, counter)
  return counter
}
