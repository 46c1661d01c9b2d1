/**
 * Pages of a log: operations of several authors' ranges with parents before children, as many as fit an answer. By lamport
 * they are in such an order, and within a range they have it already, so a merge of the ranges does it.
 */
import { Effect } from "effect"
import type { OpRange } from "#core/oplog/vectors"
import { compareBytes } from "#schemas/bytes/bytes"
import { PAGE_BYTES, PAGE_RECORDS } from "#services/crdt/Limits"
import type { OpStore, StoredOp } from "#services/storage/OpStore"

/** Bytes that CBOR puts before a record. */
const HEAD = 5

type Row = Omit<StoredOp, "parents">

/** What was read ahead of one range. */
interface Lane {
  readonly range: OpRange
  rows: ReadonlyArray<Row>
  at: number
  from: number
}

export const makePages = (store: OpStore["Service"], channel: Uint8Array) => {
  const refill = Effect.fnUntraced(function* (lane: Lane, count: number) {
    if (lane.at < lane.rows.length || lane.from > lane.range.to) return
    lane.rows = yield* store.range(channel, lane.range.author, { from: lane.from, to: lane.range.to }, count)
    lane.at = 0
    const last = lane.rows.at(-1)
    // Each row goes on from where it was asked for; a hole means that the rest is in a snapshot.
    lane.from = last === undefined || lane.rows[0]!.seq !== lane.from ? lane.range.to + 1 : last.seq + 1
  })

  /** Rows of these ranges, as many as `limits` allow. */
  return Effect.fnUntraced(function* (
    ranges: ReadonlyArray<OpRange>,
    limits: { readonly bytes: number; readonly records: number } = { bytes: PAGE_BYTES, records: PAGE_RECORDS }
  ) {
    const ahead = Math.max(4, Math.ceil(limits.records / Math.max(1, ranges.length)))
    const lanes: Array<Lane> = ranges.map((range) => ({ range, rows: [], at: 0, from: range.from }))
    for (const lane of lanes) yield* refill(lane, ahead)
    const page: Array<Row> = []
    let bytes = 0
    while (page.length < limits.records) {
      const lane = earliest(lanes)
      if (lane === undefined) break
      const row = lane.rows[lane.at]!
      if (page.length > 0 && bytes + row.bytes.length + HEAD > limits.bytes) break
      bytes += row.bytes.length + HEAD
      page.push(row)
      lane.at++
      yield* refill(lane, ahead)
    }
    return page
  })
}

const earliest = (lanes: ReadonlyArray<Lane>): Lane | undefined => {
  let best: Lane | undefined
  for (const lane of lanes) {
    const row = lane.rows[lane.at]
    if (row === undefined) continue
    const other = best?.rows[best.at]
    if (other === undefined || comesFirst(row, other)) best = lane
  }
  return best
}

const comesFirst = (a: Row, b: Row): boolean =>
  a.lamport < b.lamport || (a.lamport === b.lamport && compareBytes(a.author, b.author) < 0)
