/**
 * The logs of shared documents in the node's database. What an append changes (records, how far each author has come,
 * heads) changes in one transaction, so that a crash leaves the log as it was before or after it.
 */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { keyOf } from "#schemas/bytes/bytes"
import {
  OpStore,
  type StoredExtent,
  type StoredHead,
  type StoredOp,
  type StoredProof,
  type StoredSnapshot
} from "#services/storage/OpStore"
import { failed, type Query, queryOf } from "./query.ts"
import { inTransaction } from "./transaction.ts"

/** Rows of one statement. */
const ROWS = 64

const rowsOf = (count: number, columns: number): string => {
  const row = `(${Array(columns).fill("?").join(",")})`
  return Array(count).fill(row).join(",")
}

const addText = (count: number) =>
  `INSERT INTO ops (channel, author, seq, lamport, id, bytes) VALUES ${rowsOf(count, 6)} ON CONFLICT DO NOTHING`
const addHeadsText = (count: number) =>
  `INSERT INTO op_heads (channel, id, lamport) VALUES ${rowsOf(count, 3)} ON CONFLICT DO NOTHING`
const dropHeadsText = (count: number) => `DELETE FROM op_heads WHERE channel = ? AND id IN ${rowsOf(1, count)}`
const clearHeadsText = "DELETE FROM op_heads WHERE channel = ?"
export const findText = (count: number) =>
  `SELECT id, lamport FROM ops WHERE channel = ? AND id IN ${rowsOf(1, count)}
   UNION SELECT id, lamport FROM op_heads WHERE channel = ? AND id IN ${rowsOf(1, count)}`
const extentText = "SELECT author, first, seq, lamport, last FROM op_authors WHERE channel = ? AND author = ?"
export const extentsText = "SELECT author, first, seq, lamport, last FROM op_authors WHERE channel = ? ORDER BY author"
const putExtentText = `INSERT INTO op_authors (channel, author, first, seq, lamport, last) VALUES (?,?,?,?,?,?)
  ON CONFLICT (channel, author) DO UPDATE SET first = excluded.first, seq = excluded.seq, lamport = excluded.lamport,
  last = excluded.last`
export const headsText = "SELECT id, lamport FROM op_heads WHERE channel = ? ORDER BY id"
export const rangeText = `SELECT author, seq, lamport, id, bytes FROM ops
  WHERE channel = ? AND author = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT ?`
const pruneText = "DELETE FROM ops WHERE channel = ? AND author = ? AND seq <= ?"
const putGenesisText = `INSERT INTO op_channels (channel, genesis) VALUES (?,?)
  ON CONFLICT (channel) DO UPDATE SET genesis = excluded.genesis`
const genesisText = "SELECT genesis FROM op_channels WHERE channel = ?"
const putSnapshotText = `INSERT INTO op_snapshots (channel, record, bytes) VALUES (?,?,?)
  ON CONFLICT (channel) DO UPDATE SET record = excluded.record, bytes = excluded.bytes`
const snapshotText = "SELECT record, bytes FROM op_snapshots WHERE channel = ?"
const countProofsText = "SELECT count(*) AS n FROM op_proofs WHERE channel = ?"
const proveText = `INSERT INTO op_proofs (channel, author, seq, one, other) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING`
export const proofsText = "SELECT author, seq, one, other FROM op_proofs WHERE channel = ? ORDER BY author, seq"
const TABLES = ["ops", "op_heads", "op_authors", "op_snapshots", "op_proofs", "op_channels"]

const NO_ID = new Uint8Array(0)

const inParts = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const parts: Array<ReadonlyArray<A>> = []
  for (let at = 0; at < all.length; at += ROWS) parts.push(all.slice(at, at + ROWS))
  return parts
}

const extentOf = (query: Query, channel: Uint8Array, author: Uint8Array) =>
  Effect.map(query<StoredExtent>(extentText, [channel, author]), ([row]) => row)

const putExtent = (query: Query, channel: Uint8Array, { author, first, lamport, last, seq }: StoredExtent) =>
  query(putExtentText, [channel, author, first, seq, lamport, last])

/** Those that are not there yet, and how far each of their authors comes with them. */
const freshOf = Effect.fnUntraced(function* (query: Query, channel: Uint8Array, ops: ReadonlyArray<StoredOp>) {
  const extents = new Map<string, StoredExtent>()
  const fresh: Array<StoredOp> = []
  for (const op of ops) {
    const key = keyOf(op.author)
    const extent = extents.get(key) ?? (yield* extentOf(query, channel, op.author))
    if (op.seq <= (extent?.seq ?? 0)) continue
    const { author, id, lamport, seq } = op
    extents.set(key, { author, first: extent?.first ?? seq, seq, lamport, last: id })
    fresh.push(op)
  }
  return { fresh, extents: [...extents.values()] }
})

const append = Effect.fnUntraced(function* (query: Query, channel: Uint8Array, ops: ReadonlyArray<StoredOp>) {
  const { extents, fresh } = yield* freshOf(query, channel, ops)
  for (const part of inParts(fresh)) {
    const values = part.flatMap(({ author, bytes, id, lamport, seq }) => [channel, author, seq, lamport, id, bytes])
    yield* query(addText(part.length), values)
  }
  for (const extent of extents) yield* putExtent(query, channel, extent)
  const named = new Map(fresh.flatMap(({ parents }) => parents).map((parent) => [keyOf(parent), parent]))
  for (const part of inParts([...named.values()])) yield* query(dropHeadsText(part.length), [channel, ...part])
  yield* addHeads(
    query,
    channel,
    fresh.filter(({ id }) => !named.has(keyOf(id)))
  )
})

const addHeads = Effect.fnUntraced(function* (query: Query, channel: Uint8Array, heads: ReadonlyArray<StoredHead>) {
  for (const part of inParts(heads)) {
    yield* query(
      addHeadsText(part.length),
      part.flatMap(({ id, lamport }) => [channel, id, lamport])
    )
  }
})

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const ask = queryOf(sql)
  const transact = <A>(operation: string, body: Parameters<typeof inTransaction<A>>[1]) =>
    inTransaction(sql, body).pipe(Effect.uninterruptible, Effect.mapError(failed(operation)))

  return OpStore.of({
    keepGenesis: (channel, genesis) =>
      Effect.mapError(Effect.asVoid(ask(putGenesisText, [channel, genesis])), failed("keep genesis")),
    genesis: (channel) =>
      ask<{ genesis: Uint8Array }>(genesisText, [channel]).pipe(
        Effect.map(([row]) => row?.genesis),
        Effect.mapError(failed("find genesis"))
      ),
    append: (channel, ops) => transact("append operations", (query) => append(query, channel, ops)),
    extents: (channel) => Effect.mapError(ask<StoredExtent>(extentsText, [channel]), failed("list extents")),
    heads: (channel) => Effect.mapError(ask<StoredHead>(headsText, [channel]), failed("list heads")),
    find: (channel, ids) =>
      Effect.forEach(inParts(ids), (part) =>
        ask<StoredHead>(findText(part.length), [channel, ...part, channel, ...part])
      ).pipe(
        Effect.map((pages) => pages.flat()),
        Effect.mapError(failed("find operations"))
      ),
    range: (channel, author, { from, to }, limit) =>
      Effect.mapError(
        ask<Omit<StoredOp, "parents">>(rangeText, [channel, author, from, to, limit]),
        failed("read operations")
      ),
    compact: (channel, snapshot, frontier, heads) =>
      transact(
        "compact",
        Effect.fnUntraced(function* (query) {
          yield* query(putSnapshotText, [channel, snapshot.record, snapshot.bytes])
          for (const { author, lamport, seq } of frontier) {
            yield* query(pruneText, [channel, author, seq])
            const held = yield* extentOf(query, channel, author)
            const extent =
              held === undefined || held.seq < seq
                ? { author, first: seq + 1, seq, lamport, last: NO_ID }
                : { ...held, first: Math.max(held.first, seq + 1) }
            yield* putExtent(query, channel, extent)
          }
          yield* query(clearHeadsText, [channel])
          yield* addHeads(query, channel, heads)
        })
      ),
    snapshot: (channel) =>
      ask<StoredSnapshot>(snapshotText, [channel]).pipe(
        Effect.map(([row]) => row),
        Effect.mapError(failed("read snapshot"))
      ),
    prove: (channel, { author, one, other, seq }, limit) =>
      transact(
        "keep proof",
        Effect.fnUntraced(function* (query) {
          const [row] = yield* query<{ n: number }>(countProofsText, [channel])
          if (Number(row?.n ?? 0) < limit) yield* query(proveText, [channel, author, seq, one, other])
        })
      ),
    proofs: (channel) => Effect.mapError(ask<StoredProof>(proofsText, [channel]), failed("list proofs")),
    forget: (channel) =>
      transact("forget channel", (query) =>
        Effect.forEach(TABLES, (table) => query(`DELETE FROM ${table} WHERE channel = ?`, [channel]), { discard: true })
      )
  })
})

export const layer: Layer.Layer<OpStore, never, SqlClient> = Layer.effect(OpStore, make)
