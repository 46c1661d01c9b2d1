/**
 * Delivered ids in the node's database. What is over goes in the transaction that adds others, so that nobody has to
 * sweep: a node that gets nothing has at most the rows of its last quarter of an hour.
 */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { type DeliveredId, DeliveredStore } from "#services/storage/DeliveredStore"
import { failed } from "./query.ts"
import { inTransaction } from "./transaction.ts"

/** Rows of one statement. */
const ROWS = 64

const addText = (rows: number) =>
  `INSERT INTO delivered (id, until) VALUES ${Array(rows).fill("(?,?)").join(",")}
   ON CONFLICT (id) DO UPDATE SET until = excluded.until`
const forgetText = "DELETE FROM delivered WHERE until <= ?"
const loadText = `SELECT id, until FROM
  (SELECT id, until FROM delivered WHERE until > ? ORDER BY until DESC, id DESC LIMIT ?) AS latest ORDER BY until, id`

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  return DeliveredStore.of({
    add: (ids, before) =>
      inTransaction(
        sql,
        Effect.fnUntraced(function* (query) {
          yield* query(forgetText, [before])
          for (let at = 0; at < ids.length; at += ROWS) {
            const rows = ids.slice(at, at + ROWS)
            yield* query(
              addText(rows.length),
              rows.flatMap(({ id, until }) => [id, until])
            )
          }
        })
      ).pipe(Effect.uninterruptible, Effect.mapError(failed("add delivered"))),
    load: (after, limit) =>
      Effect.mapError(sql.unsafe<DeliveredId>(loadText, [after, limit]).withoutTransform, failed("load delivered"))
  })
})

export const layer: Layer.Layer<DeliveredStore, never, SqlClient> = Layer.effect(DeliveredStore, make)
