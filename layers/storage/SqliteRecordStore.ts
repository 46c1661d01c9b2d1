/**
 * The durable RecordStore, on whatever `SqlClient` it is given (SQLite by default).
 *
 * Puts that meet share a commit, and are answered after it: what was acknowledged survives the process. Totals for each
 * storing node are kept in memory and written in the transaction that changes them.
 */
import { Clock, Effect, Layer, Semaphore } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { compareBytes, keyOf } from "#schemas/bytes/bytes"
import { Crypto } from "#services/identity/Crypto"
import { Bounds } from "#services/node/Bounds"
import {
  RecordStore,
  type RecordSummary,
  type StorageFailed,
  type StoredRecord,
  StoreFull
} from "#services/storage/RecordStore"
import { groupCommits } from "./groupCommits.ts"
import { failed, type Query, queryOf } from "./query.ts"
import * as rows from "./recordRows.ts"
import { inTransaction } from "./transaction.ts"
import { type Total, UsageChanges, UsageTotals } from "./usage.ts"

export interface RecordStoreOptions {
  /** Bytes of records that are held; 1 GiB by default. */
  readonly quotaBytes?: number
}

const QUOTA = 1024 * 1024 * 1024
const PAGE = 64
/** Puts that may wait; further ones wait for room. */
const WAITING = 1_024
/** Rows that one transaction expires. */
const EXPIRE_ROWS = 512
/** Rows that one statement lists: what is not a block is read to be hashed, 60 KiB at most. */
const LIST_ROWS = 64
/** Above every key there is. */
const LAST_KEY = new Uint8Array(32).fill(0xff)
const NOTHING = new Uint8Array(0)

interface Removed {
  readonly stored_by: Uint8Array
  readonly size: number
}

const nameOf = (it: { readonly key: Uint8Array; readonly kind: number; readonly member: Uint8Array }): string =>
  keyOf(it.key) + String.fromCharCode(it.kind) + keyOf(it.member)

export const make = Effect.fnUntraced(function* (options: RecordStoreOptions = {}) {
  const sql = yield* SqlClient
  const { sha256 } = yield* Crypto
  const clock = yield* Clock.Clock
  const quotaBytes = options.quotaBytes ?? QUOTA
  const writing = yield* Semaphore.make(1)
  const totals = new UsageTotals()
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)
  const ask = queryOf(sql)

  for (const row of yield* ask<{ stored_by: Uint8Array; records: number; bytes: number }>(rows.totalsText, []).pipe(
    Effect.mapError(failed("open"))
  ))
    totals.set(row.stored_by, { records: row.records, bytes: row.bytes })

  /** A node with nothing left here is forgotten, or the table would grow with everyone who ever stored something. */
  const writeTotals = Effect.fnUntraced(function* (query: Query, changed: ReadonlyArray<Total>) {
    for (const part of rows.inParts(changed)) yield* query(rows.usageText(part.length), part.flat())
    for (const [storedBy, records] of changed) if (records === 0) yield* query(rows.forgetText, [storedBy])
  })

  /** One transaction; the totals in memory follow it only when it has committed, and nobody writes in between. */
  const transact = <A>(operation: string, body: (query: Query, changes: UsageChanges) => Effect.Effect<A, SqlError>) =>
    Effect.suspend(() => {
      const changes = new UsageChanges()
      const write = (query: Query) =>
        Effect.flatMap(body(query, changes), (answer) =>
          Effect.as(
            Effect.suspend(() => writeTotals(query, changes.onto(totals))),
            answer
          )
        )
      return Effect.map(inTransaction(sql, write), (answer) => {
        for (const [storedBy, records, bytes] of changes.onto(totals)) totals.set(storedBy, { records, bytes })
        return answer
      })
    }).pipe(Effect.mapError(failed(operation)), Effect.uninterruptible, Semaphore.withPermit(writing))

  const removed = (changes: UsageChanges) => (gone: ReadonlyArray<Removed>) => {
    for (const row of gone) changes.charge(row.stored_by, row.size, -1)
    return gone.length
  }

  const expireSome = (query: Query, changes: UsageChanges, now: number) =>
    Effect.map(query<Removed>(rows.expireText, [now, EXPIRE_ROWS]), removed(changes))

  const expire = (now: number): Effect.Effect<number, StorageFailed> =>
    Effect.flatMap(
      transact("expire", (query, changes) => expireSome(query, changes, now)),
      (gone) => (gone < EXPIRE_ROWS ? Effect.succeed(gone) : Effect.map(expire(now), (more) => gone + more))
    )

  /** Decides on each call by the totals, writes what is accepted, and says of each whether it was refused. */
  const writeCalls = (calls: ReadonlyArray<ReadonlyArray<StoredRecord>>) =>
    transact(
      "put",
      Effect.fnUntraced(function* (query, changes) {
        const names = new Map<string, StoredRecord>()
        for (const record of calls.flat()) names.set(nameOf(record), record)
        const held = new Map<string, rows.ChargeRow>()
        const load = Effect.forEach(rows.inParts([...names.values()]), (part) =>
          query<rows.ChargeRow>(
            rows.heldText(part.length),
            part.flatMap((it) => [it.key, it.kind, it.member])
          )
        )
        const reload = Effect.map(load, (parts) => {
          held.clear()
          for (const row of parts.flat()) held.set(nameOf(row), row)
        })
        yield* reload
        const most = calls.flat().reduce((sum, { bytes }) => sum + bytes.length, 0)
        if (totals.all().bytes + most > quotaBytes) {
          yield* expireSome(query, changes, seconds())
          yield* reload
        }
        const accepted = new Map<string, StoredRecord>()
        const refused = calls.map((records) => {
          const fresh = new Map(records.map((record) => [nameOf(record), record]))
          let growth = 0
          for (const [name, record] of fresh) growth += record.bytes.length - sizeNow(name, accepted, held)
          if (totals.all().bytes + changes.bytes + growth > quotaBytes) return true
          for (const [name, record] of fresh) {
            charge(changes, name, accepted, held, -1)
            accepted.set(name, record)
            changes.charge(record.storedBy, record.bytes.length, 1)
          }
          return false
        })
        for (const part of rows.inParts([...accepted.values()]))
          yield* query(rows.insertText(part.length), part.flatMap(rows.toParameters))
        return refused
      })
    )

  const bounds = yield* Bounds
  yield* bounds.watch("stored bytes", quotaBytes, () => totals.all().bytes)
  const grouped = yield* groupCommits<ReadonlyArray<StoredRecord>, boolean>({
    operation: "put",
    name: "puts waiting for the disk",
    waiting: WAITING,
    write: writeCalls
  })

  const read = (text: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(ask<rows.RecordRow>(text, parameters), (found) => found.map(rows.toRecord))

  return RecordStore.of({
    put: (records) =>
      Effect.flatMap(
        Effect.suspend(() => grouped(records.map(copy))),
        (isRefused) => (isRefused ? new StoreFull({ usedBytes: totals.all().bytes, quotaBytes }) : Effect.void)
      ),
    get: (kind, key, page) =>
      Effect.suspend(() => {
        const limit = page?.limit ?? PAGE
        return page?.after === undefined
          ? read(rows.pageText, [key, kind, seconds(), limit])
          : read(rows.pageAfterText, [key, kind, seconds(), page.after, limit])
      }).pipe(Effect.mapError(failed("get"))),
    remove: (kind, key, member) =>
      transact("remove", (query, changes) =>
        (member === undefined
          ? query<Removed>(rows.removeText, [key, kind])
          : query<Removed>(rows.removeMemberText, [key, kind, member])
        ).pipe(Effect.map(removed(changes)), Effect.asVoid)
      ),
    expire,
    scan: Effect.fnUntraced(
      function* (afterKey, limit) {
        const page = yield* read(rows.scanText, [afterKey ?? NOTHING, limit])
        const last = page.at(-1)
        if (last === undefined || page.length < limit) return page
        return [...page, ...(yield* read(rows.scanRestText, [last.key, last.kind, last.member]))]
      },
      Effect.mapError(failed("scan"))
    ),
    list: Effect.fnUntraced(
      function* (range, limit, after) {
        const found: Array<RecordSummary> = []
        const to = range.to ?? LAST_KEY
        let last = after !== undefined && compareBytes(after.key, range.from ?? NOTHING) >= 0 ? after : undefined
        while (found.length < limit) {
          const count = Math.min(LIST_ROWS, limit - found.length)
          const page = yield* last === undefined
            ? ask<rows.SummaryRow>(rows.listText, [range.from ?? NOTHING, to, count])
            : ask<rows.SummaryRow>(rows.listAfterText, [last.key, last.kind, last.member, to, count])
          for (const row of page) found.push(rows.toSummary(row, sha256))
          if (page.length < count) break
          last = found.at(-1)
        }
        return found
      },
      Effect.mapError(failed("list"))
    ),
    usage: (storedBy) => Effect.sync(() => (storedBy === undefined ? totals.all() : totals.of(storedBy)))
  })
})

export const layer = (options?: RecordStoreOptions): Layer.Layer<RecordStore, StorageFailed, SqlClient | Crypto> =>
  Layer.effect(RecordStore, make(options))

type Held = ReadonlyMap<string, rows.ChargeRow>
type Accepted = ReadonlyMap<string, StoredRecord>

const sizeNow = (name: string, accepted: Accepted, held: Held): number =>
  accepted.get(name)?.bytes.length ?? held.get(name)?.size ?? 0

/** Takes off what a record that is about to be replaced was charged. */
const charge = (changes: UsageChanges, name: string, accepted: Accepted, held: Held, sign: -1): void => {
  const fresh = accepted.get(name)
  const old = held.get(name)
  if (fresh !== undefined) changes.charge(fresh.storedBy, fresh.bytes.length, sign)
  else if (old !== undefined) changes.charge(old.stored_by, old.size, sign)
}

/** The caller's buffers may change while a put waits for its turn. */
const copy = (record: StoredRecord): StoredRecord => ({
  ...record,
  key: record.key.slice(),
  member: record.member.slice(),
  storedBy: record.storedBy.slice(),
  bytes: record.bytes.slice()
})
