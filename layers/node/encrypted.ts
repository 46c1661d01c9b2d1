/**
 * Encrypted content on a node of a real network: the roles, the store, and its index and log of audit in the database.
 * Without an authority in the settings there is no content, so the index stands in memory and nothing runs; what was
 * written to the log before stays readable.
 */
import { Layer } from "effect"
import type { SqlClient } from "effect/sql"
import * as AgeEncryptedStore from "#layers/ucxl/AgeEncryptedStore"
import * as MemoryContentIndex from "#layers/ucxl/MemoryContentIndex"
import * as SqliteAuditLog from "#layers/ucxl/SqliteAuditLog"
import * as SqliteContentIndex from "#layers/ucxl/SqliteContentIndex"
import type { Settings } from "#schemas/node/Settings"
import * as roles from "./roles.ts"
import { stack } from "./stack.ts"

/** `database`: the node's, which its storage has as well. */
export const layer = <E>(
  settings: Pick<Settings, "authority" | "dataFolder">,
  database: Layer.Layer<SqlClient.SqlClient, E>
) => {
  const index = settings.authority === "" ? MemoryContentIndex.layer() : SqliteContentIndex.layer()
  return stack(
    roles.layer(settings),
    Layer.provide(Layer.merge(index, SqliteAuditLog.layer()), database),
    AgeEncryptedStore.layer()
  )
}
