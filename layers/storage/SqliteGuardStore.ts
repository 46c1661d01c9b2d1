/** The guards in the node's database: replaced whole, for they are few and change every few weeks. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { GuardStore, type StoredGuard } from "#services/storage/GuardStore"
import { failed } from "./query.ts"
import { inTransaction } from "./transaction.ts"

const MOST_GUARDS = 32

interface GuardRow extends Omit<StoredGuard, "nodeId"> {
  readonly node_id: Uint8Array
}

const clearText = "DELETE FROM guards"
const insertText = "INSERT INTO guards (place, node_id, record, chosen, until, lost) VALUES (?,?,?,?,?,?)"
const loadText = "SELECT node_id, record, chosen, until, lost FROM guards ORDER BY place"

const toGuard = ({ chosen, lost, node_id, record, until }: GuardRow): StoredGuard => ({
  nodeId: node_id,
  record,
  chosen,
  until,
  lost
})

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  return GuardStore.of({
    save: (guards) =>
      inTransaction(sql, (query) =>
        Effect.andThen(
          query(clearText, []),
          Effect.forEach(
            guards.slice(0, MOST_GUARDS),
            ({ chosen, lost, nodeId, record, until }, place) =>
              query(insertText, [place, nodeId, record, chosen, until, lost]),
            { discard: true }
          )
        )
      ).pipe(Effect.uninterruptible, Effect.mapError(failed("save guards"))),
    load: sql.unsafe<GuardRow>(loadText, []).withoutTransform.pipe(
      Effect.map((rows) => rows.map(toGuard)),
      Effect.mapError(failed("load guards"))
    )
  })
})

export const layer: Layer.Layer<GuardStore, never, SqlClient> = Layer.effect(GuardStore, make)
