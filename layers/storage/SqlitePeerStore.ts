/** The saved routing table in the node's database: replaced whole, for it is small and rarely written. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { PeerStore, type StoredPeer } from "#services/storage/PeerStore"
import { failed } from "./query.ts"

/** Contacts that are kept: more than a full table of a large network has. */
const MOST_PEERS = 1_024

interface PeerRow {
  readonly node_id: Uint8Array
  readonly record: Uint8Array
  readonly last_seen: number
}

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const insert = ({ nodeId, record, lastSeen }: StoredPeer) =>
    sql`INSERT INTO peers (node_id, record, last_seen) VALUES (${nodeId}, ${record}, ${lastSeen})
        ON CONFLICT (node_id) DO UPDATE SET record = excluded.record, last_seen = excluded.last_seen`
  return PeerStore.of({
    save: (peers) =>
      sql`DELETE FROM peers`.pipe(
        Effect.andThen(Effect.forEach(peers.slice(0, MOST_PEERS), insert, { discard: true })),
        sql.withTransaction,
        Effect.mapError(failed("save peers"))
      ),
    load: sql<PeerRow>`SELECT node_id, record, last_seen FROM peers ORDER BY last_seen DESC, node_id`.pipe(
      Effect.map((found) => found.map((row) => ({ nodeId: row.node_id, record: row.record, lastSeen: row.last_seen }))),
      Effect.mapError(failed("load peers"))
    )
  })
})

export const layer: Layer.Layer<PeerStore, never, SqlClient> = Layer.effect(PeerStore, make)
