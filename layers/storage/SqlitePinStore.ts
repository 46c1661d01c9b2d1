/**
 * The pins in the node's database: a row each, written through at once.
 *
 * What is due is asked for one priority after the other, so that each question is one walk along the index, however
 * many pins there are and however many of them wait (checked with EXPLAIN QUERY PLAN).
 */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { type Pin, PinStore } from "#services/storage/PinStore"
import { failed, queryOf } from "./query.ts"
import { inTransaction } from "./transaction.ts"

interface PinRow extends Omit<Pin, "tree"> {
  readonly tree: number
}

const COLUMNS = "kind, key, tree, factor, priority, created, refreshed, due, size, copies, proven"

export const putText = `INSERT INTO pins (${COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)
  ON CONFLICT (kind, key) DO UPDATE SET tree = excluded.tree, factor = excluded.factor, priority = excluded.priority,
  created = excluded.created, refreshed = excluded.refreshed, due = excluded.due, size = excluded.size,
  copies = excluded.copies, proven = excluded.proven`
export const findText = `SELECT ${COLUMNS} FROM pins WHERE kind = ? AND key = ?`
export const removeText = "DELETE FROM pins WHERE kind = ? AND key = ?"
export const highestText = "SELECT max(priority) AS priority FROM pins"
export const nextPriorityText = "SELECT max(priority) AS priority FROM pins WHERE priority < ?"
export const dueText = `SELECT ${COLUMNS} FROM pins WHERE priority = ? AND due <= ? ORDER BY due, kind, key LIMIT ?`
export const firstText = `SELECT ${COLUMNS} FROM pins ORDER BY kind, key LIMIT ?`
export const listText = `SELECT ${COLUMNS} FROM pins WHERE (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?`
export const countText = "SELECT count(*) AS pins FROM pins"

const toPin = (row: PinRow): Pin => ({ ...row, tree: row.tree !== 0 })

const toParameters = (pin: Pin): ReadonlyArray<unknown> => [
  pin.kind,
  pin.key,
  pin.tree ? 1 : 0,
  pin.factor,
  pin.priority,
  pin.created,
  pin.refreshed,
  pin.due,
  pin.size,
  pin.copies,
  pin.proven
]

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const ask = queryOf(sql)
  const read = (text: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(ask<PinRow>(text, parameters), (rows) => rows.map(toPin))
  const priorityBelow = (priority: number | undefined) =>
    Effect.map(
      priority === undefined
        ? ask<{ priority: number | null }>(highestText, [])
        : ask<{ priority: number | null }>(nextPriorityText, [priority]),
      ([row]) => row?.priority ?? undefined
    )

  return PinStore.of({
    put: (pins) =>
      inTransaction(sql, (query) =>
        Effect.forEach(pins, (pin) => query(putText, toParameters(pin)), { discard: true })
      ).pipe(Effect.uninterruptible, Effect.mapError(failed("put pins"))),
    find: (kind, key) =>
      Effect.mapError(
        Effect.map(read(findText, [kind, key]), ([pin]) => pin),
        failed("find pin")
      ),
    remove: (kind, key) => Effect.mapError(Effect.asVoid(ask(removeText, [kind, key])), failed("remove pin")),
    due: Effect.fnUntraced(
      function* (now, limit) {
        const found: Array<Pin> = []
        let priority = yield* priorityBelow(undefined)
        while (priority !== undefined && found.length < limit) {
          found.push(...(yield* read(dueText, [priority, now, limit - found.length])))
          priority = yield* priorityBelow(priority)
        }
        return found
      },
      Effect.mapError(failed("due pins"))
    ),
    list: (after, limit) =>
      Effect.mapError(
        after === undefined ? read(firstText, [limit]) : read(listText, [after.kind, after.key, limit]),
        failed("list pins")
      ),
    count: ask<{ pins: number }>(countText, []).pipe(
      Effect.map(([row]) => row?.pins ?? 0),
      Effect.mapError(failed("count pins"))
    )
  })
})

export const layer: Layer.Layer<PinStore, never, SqlClient> = Layer.effect(PinStore, make)
