/** Single statements to the node's database, and what their failure is to whoever asked for something. */
import type { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { StorageFailed } from "#services/storage/RecordStore"

export type Query = <Row extends object>(
  text: string,
  parameters: ReadonlyArray<unknown>
) => Effect.Effect<ReadonlyArray<Row>, SqlError>

/** For what may run beside a transaction: borrows the connection for this one statement. */
export const queryOf =
  (sql: SqlClient): Query =>
  <Row extends object>(text: string, parameters: ReadonlyArray<unknown>) =>
    sql.unsafe<Row>(text, parameters).withoutTransform

export const failed = (operation: string) => (cause: unknown) => new StorageFailed({ operation, cause })
