/**
 * The outbox in the node's database: a row a write, in the order of their places. How full it is, and which place is next,
 * is kept beside it in memory: adding would else count all rows each time.
 */
import { Effect, Layer, Semaphore } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { coalesce } from "#core/dht/coalesce"
import {
  OUTBOX_BYTES,
  OutboxStore,
  type RefusedWrite,
  SET_ASIDE,
  type WaitingWrite,
  WRITE_BYTES
} from "#services/storage/OutboxStore"
import { type StorageFailed, StoreFull } from "#services/storage/RecordStore"
import { longest } from "./MemoryOutboxStore.ts"
import { failed, queryOf } from "./query.ts"
import { inTransaction } from "./transaction.ts"

interface Row extends Omit<WaitingWrite, "keep"> {
  readonly keep: number
}

interface Totals {
  readonly waiting: number
  readonly bytes: number
  readonly oldest: number | null
  readonly place: number
}

const COLUMNS = "kind, key, member, seq, bytes, expires, factor, keep, queued"

export const nextText = `SELECT place, ${COLUMNS} FROM outbox WHERE place > ? ORDER BY place LIMIT ?`
export const findText = `SELECT place, ${COLUMNS} FROM outbox WHERE key = ? AND kind = ? ORDER BY member`
const waitingText = `SELECT place, ${COLUMNS} FROM outbox WHERE key = ? AND kind = ? AND member = ?`
const insertText = `INSERT INTO outbox (place, ${COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)`
const dropText = "DELETE FROM outbox WHERE place = ?"
const prolongText = "UPDATE outbox SET expires = ?, factor = ?, keep = ? WHERE place = ?"
const totalsText = `SELECT count(*) AS waiting, coalesce(sum(length(bytes) + ${WRITE_BYTES}), 0) AS bytes,
  min(queued) AS oldest, coalesce(max(place), 0) AS place FROM outbox`
const refuseText = "INSERT INTO outbox_refused (place, kind, key, queued, reason, bytes) VALUES (?,?,?,?,?,?)"
const forgetText = `DELETE FROM outbox_refused WHERE place NOT IN
  (SELECT place FROM outbox_refused ORDER BY place DESC LIMIT ${SET_ASIDE})`
const refusedText = "SELECT kind, key, reason, queued FROM outbox_refused ORDER BY place DESC"
const refusedPlaceText = "SELECT count(*) AS refused, coalesce(max(place), 0) AS place FROM outbox_refused"

const toWrite = (row: Row): WaitingWrite => ({ ...row, keep: row.keep !== 0 })

const sizeOf = ({ bytes }: Pick<WaitingWrite, "bytes">): number => bytes.length + WRITE_BYTES

export const make = Effect.fnUntraced(function* (limit: number = OUTBOX_BYTES) {
  const sql = yield* SqlClient
  const ask = queryOf(sql)
  const read = (text: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(ask<Row>(text, parameters), (rows) => rows.map(toWrite))
  const totals = Effect.map(
    ask<Totals>(totalsText, []),
    ([row]) => row ?? { waiting: 0, bytes: 0, oldest: null, place: 0 }
  )
  const places = ask<{ refused: number; place: number }>(refusedPlaceText, [])

  const begun = yield* Effect.orDie(totals)
  let used = begun.bytes
  let last = Math.max(begun.place, (yield* Effect.orDie(places))[0]?.place ?? 0)
  /** One change at a time, so that what is in memory is what is on the disk. */
  const changing = Semaphore.withPermit(yield* Semaphore.make(1))

  const add = Effect.fnUntraced(function* (
    write: Omit<WaitingWrite, "place">
  ): Effect.fn.Return<void, StorageFailed | StoreFull> {
    const orFail = Effect.mapError(failed("queue write"))
    const { bytes, expires, factor, keep, key, kind, member, queued, seq } = write
    const [before] = yield* orFail(read(waitingText, [key, kind, member]))
    const becomes = before === undefined ? "GivesWay" : coalesce(before, write)
    if (becomes === "Stays") return
    if (before !== undefined && becomes === "LivesLonger") {
      const now = longest(before, write)
      return yield* orFail(Effect.asVoid(ask(prolongText, [now.expires, now.factor, now.keep ? 1 : 0, before.place])))
    }
    const full = used - (before === undefined ? 0 : sizeOf(before)) + sizeOf(write)
    if (full > limit) return yield* new StoreFull({ usedBytes: used, quotaBytes: limit })
    const values = [last + 1, kind, key, member, seq, bytes, expires, factor, keep ? 1 : 0, queued]
    yield* orFail(
      inTransaction(sql, (query) =>
        Effect.andThen(before === undefined ? Effect.void : query(dropText, [before.place]), query(insertText, values))
      )
    )
    last++
    used = full
  })

  /** Undefined where it waits no more. */
  const at = (place: number) =>
    Effect.map(read(nextText, [place - 1, 1]), ([row]) => (row?.place === place ? row : undefined))

  return OutboxStore.of({
    add: (write) => changing(Effect.uninterruptible(add(write))),
    next: (after, most) => Effect.mapError(read(nextText, [after, most]), failed("read outbox")),
    find: (kind, key) => Effect.mapError(read(findText, [key, kind]), failed("read outbox")),
    remove: ({ expires, place }) =>
      Effect.gen(function* () {
        const row = yield* at(place)
        if (row?.expires !== expires) return
        yield* ask(dropText, [place])
        used -= sizeOf(row)
      }).pipe(Effect.uninterruptible, changing, Effect.mapError(failed("remove from outbox"))),
    setAside: ({ place }, reason) =>
      Effect.gen(function* () {
        const row = yield* at(place)
        if (row === undefined) return
        const values = [++last, row.kind, row.key, row.queued, reason, row.bytes]
        yield* inTransaction(sql, (query) =>
          Effect.all([query(dropText, [row.place]), query(refuseText, values), query(forgetText, [])])
        )
        used -= sizeOf(row)
      }).pipe(Effect.uninterruptible, changing, Effect.mapError(failed("set a write aside"))),
    refused: Effect.mapError(ask<RefusedWrite>(refusedText, []), failed("read outbox")),
    status: Effect.gen(function* () {
      const { bytes, oldest, waiting } = yield* totals
      const refused = (yield* places)[0]?.refused ?? 0
      return { waiting, bytes, oldest: oldest ?? undefined, refused }
    }).pipe(Effect.mapError(failed("read outbox")))
  })
})

export const layerOf = (bytes: number): Layer.Layer<OutboxStore, never, SqlClient> =>
  Layer.effect(OutboxStore, make(bytes))

export const layer = layerOf(OUTBOX_BYTES)
