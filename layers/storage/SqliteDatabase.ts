/**
 * Opens the node's embedded database, `allium.db` in its data folder, and keeps every other node out of that folder.
 *
 * The lock is a file lock of the kernel, taken through SQLite on an empty file beside the database: it ends with the
 * process however that ends, so there is no stale lock to judge by process ids. A damaged database is set aside and
 * the node starts empty: what it held has other holders, and a node that will not start heals nothing.
 */
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { Clock, Effect, Layer } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { SqlClient } from "effect/sql/SqlClient"
import { DatabaseUnusable, DataFolderInUse } from "#services/storage/DataFolder"
import { migrate } from "./migrations.ts"

export interface DatabaseOptions {
  readonly folder: string
  /** `full` (default) survives a power cut, `normal` only the end of the process; both survive kill -9. */
  readonly synchronous?: "full" | "normal"
}

/** Milliseconds to wait for another program (a backup) that holds the database for a moment. */
const BUSY_TIMEOUT = 5_000
/** Larger files are only opened at start, not read through: 32 MiB are checked in about 50 ms. */
const CHECK_AT_MOST = 32 * 1024 * 1024
/** Primary result codes (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

const codeOf = (cause: unknown): number =>
  cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number" ? cause.errcode & 0xff : 0

const unusable =
  (file: string) =>
  (cause: unknown): DatabaseUnusable =>
    new DatabaseUnusable({ file, reason: cause instanceof Error ? cause.message : String(cause) })

/** What is wrong with the file, if it is damaged; throws when it cannot be judged. */
const damageOf = (file: string): string | undefined => {
  if (!existsSync(file)) return undefined
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
    const all = statSync(file).size <= CHECK_AT_MOST
    const [row] = db.prepare(all ? "PRAGMA quick_check(1)" : "SELECT 'ok' FROM sqlite_master LIMIT 1").all()
    const verdict = row === undefined ? "ok" : String(Object.values(row)[0])
    return verdict === "ok" ? undefined : verdict
  } catch (cause) {
    const code = codeOf(cause)
    if (code !== SQLITE_CORRUPT && code !== SQLITE_NOTADB) throw cause
    return cause instanceof Error ? cause.message : "damaged"
  } finally {
    if (db?.isOpen === true) db.close()
  }
}

/** The journal goes with its database: left behind, it would be replayed into the new one. */
const setAside = (file: string, name: string): void => {
  for (const suffix of ["", "-wal", "-shm"]) {
    if (existsSync(file + suffix)) renameSync(file + suffix, name + suffix)
  }
}

const openLock = (folder: string): DatabaseSync => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(folder, "allium.lock"))
  try {
    lock.exec("BEGIN EXCLUSIVE")
  } catch (cause) {
    lock.close()
    throw cause
  }
  return lock
}

/** Holds the folder until the scope closes. */
export const lockFolder = (folder: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => openLock(folder),
      catch: (cause) =>
        codeOf(cause) === SQLITE_BUSY ? new DataFolderInUse({ folder }) : unusable(join(folder, "allium.lock"))(cause)
    }),
    (lock) => Effect.sync(() => lock.close())
  )

export const make = Effect.fnUntraced(function* (options: DatabaseOptions) {
  yield* lockFolder(options.folder)
  const file = join(options.folder, "allium.db")
  const damage = yield* Effect.try({ try: () => damageOf(file), catch: unusable(file) })
  if (damage !== undefined) {
    const aside = `${file}.damaged-${Math.floor((yield* Clock.currentTimeMillis) / 1000)}`
    yield* Effect.try({ try: () => setAside(file, aside), catch: unusable(file) })
    yield* Effect.logWarning("the database was damaged and has been set aside; starting with an empty one").pipe(
      Effect.annotateLogs({ file, aside, damage })
    )
  }
  const client = yield* SqliteClient.make({ filename: file }).pipe(
    Effect.provideServiceEffect(Reactivity.Reactivity, Reactivity.make),
    Effect.catchDefect((cause) => Effect.fail(unusable(file)(cause)))
  )
  yield* Effect.all([
    client.unsafe(`PRAGMA synchronous = ${options.synchronous === "normal" ? "NORMAL" : "FULL"}`),
    client.unsafe(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`),
    Effect.provideService(migrate, SqlClient, client)
  ]).pipe(Effect.mapError(unusable(file)))
  return client
})

export const layer = (options: DatabaseOptions): Layer.Layer<SqlClient, DataFolderInUse | DatabaseUnusable> =>
  Layer.effect(SqlClient, make(options))
