/** The files of one node's database as they lie on this machine, and a look into them beside the node's own handle. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { type RecordRow, toRecord } from "#layers/storage/recordRows"
import type { StoredRecord } from "#services/storage/RecordStore"
import type { Dice } from "../Dice.ts"
import { flipped } from "./flipped.ts"
import { tornWal } from "./tornWal.ts"

type Files = ReadonlyMap<string, Uint8Array>

/** With the log beside it, for until it is copied over a commit stands nowhere else. */
const SUFFIXES = ["", "-wal"]
const SQLITE_BUSY = 5

/** Replacements that are kept for whoever reads them: more than the largest group of puts makes. */
const KEPT_REPLACEMENTS = 1_024

/** Notes each record that another takes the place of. A bit that turns over changes `bytes` alone and is not noted. */
export const hearReplacements: ReadonlyArray<string> = [
  `CREATE TABLE IF NOT EXISTS replaced (n INTEGER PRIMARY KEY, key, kind, member, seq, expires, stored_by, bytes,
   new_seq, new_expires, new_stored_by, new_bytes)`,
  `CREATE TRIGGER IF NOT EXISTS hear_replaced AFTER UPDATE OF seq ON records BEGIN
   INSERT INTO replaced VALUES (NULL, OLD.key, OLD.kind, OLD.member, OLD.seq, OLD.expires, OLD.stored_by, OLD.bytes,
     NEW.seq, NEW.expires, NEW.stored_by, NEW.bytes);
   DELETE FROM replaced WHERE n <= (SELECT max(n) FROM replaced) - ${KEPT_REPLACEMENTS};
   END`
]
const heldText = "SELECT * FROM records WHERE key = ? AND kind = ? ORDER BY member"
const countText = "SELECT count(*) AS n FROM records"
const newestText = "SELECT coalesce(max(n), 0) AS n FROM replaced"
const replacedText = "SELECT * FROM replaced WHERE n > ? ORDER BY n"
const replacementText = `SELECT key, kind, member, new_seq AS seq, new_expires AS expires, new_stored_by AS stored_by,
  new_bytes AS bytes FROM replaced WHERE n > ? ORDER BY n`
const oneText = "SELECT rowid AS n, bytes FROM records WHERE size > 0 ORDER BY key, kind, member LIMIT 1 OFFSET ?"
const someText = "SELECT count(*) AS n FROM records WHERE size > 0"

export class DatabaseFiles {
  readonly #folder: string
  readonly #file: string
  #view: DatabaseSync | undefined
  #heard = 0

  constructor(folder: string) {
    this.#folder = folder
    this.#file = join(folder, "allium.db")
  }

  /** The node has opened its database: looks go to the same files from now on. */
  opened(): void {
    this.letGo()
    this.#view = new DatabaseSync(this.#file, { readOnly: true })
    this.#heard = numberOf(this.#view, newestText)
  }

  /** Closes the look into them. */
  letGo(): void {
    this.#view?.close()
    this.#view = undefined
  }

  read(): Files {
    const files = new Map<string, Uint8Array>()
    for (const suffix of SUFFIXES) {
      if (existsSync(this.#file + suffix)) files.set(suffix, readFileSync(this.#file + suffix))
    }
    return files
  }

  /** Nothing else stays in the folder. */
  restore(files: Files): void {
    rmSync(this.#folder, { recursive: true, force: true })
    mkdirSync(this.#folder, { recursive: true })
    for (const [suffix, content] of files) writeFileSync(this.#file + suffix, content)
  }

  tear(dice: Dice): void {
    const files = this.read()
    if (files.size > 0) writeFileSync(`${this.#file}-wal`, tornWal(files.get("-wal") ?? new Uint8Array(0), dice))
  }

  held(kind: number, key: Uint8Array): ReadonlyArray<StoredRecord> {
    return this.#look()?.prepare(heldText).all(key, kind).map(recordOf) ?? []
  }

  size(): number {
    const view = this.#look()
    return view === undefined ? 0 : numberOf(view, countText)
  }

  /** Those that were not asked for before, in their order. */
  replacements(): ReadonlyArray<readonly [before: StoredRecord, after: StoredRecord]> {
    if (this.#view === undefined) return []
    const before = this.#view.prepare(replacedText).all(this.#heard)
    if (before.length === 0) return []
    const after = this.#view.prepare(replacementText).all(this.#heard)
    this.#heard += before.length
    return before.map((row, at) => [recordOf(row), recordOf(after[at] ?? row)] as const)
  }

  /** False when there is nothing to flip, or the node is in the middle of a transaction. */
  flipBit(dice: Dice, mounted: boolean): boolean {
    if (!existsSync(this.#file)) return false
    if (!mounted) this.letGo()
    const db = new DatabaseSync(this.#file)
    try {
      if (!hasRecords(db)) return false
      db.exec("BEGIN IMMEDIATE")
      const row = db.prepare(oneText).get(dice.int(numberOf(db, someText)))
      if (row?.["bytes"] instanceof Uint8Array)
        db.prepare("UPDATE records SET bytes = ? WHERE rowid = ?").run(flipped(row["bytes"], dice), row["n"] ?? 0)
      db.exec("COMMIT")
      return row !== undefined
    } catch (cause) {
      if (cause instanceof Error && "errcode" in cause && Number(cause.errcode) % 256 === SQLITE_BUSY) return false
      throw cause
    } finally {
      db.close()
    }
  }

  /** While no node has them open the look is into a copy: to open the files themselves would tidy what a crash left. */
  #look(): DatabaseSync | undefined {
    if (this.#view !== undefined || !existsSync(this.#file)) return this.#view
    const copy = join(this.#folder, "look")
    rmSync(copy, { recursive: true, force: true })
    mkdirSync(copy)
    for (const [suffix, content] of this.read()) writeFileSync(join(copy, `allium.db${suffix}`), content)
    const view = new DatabaseSync(join(copy, "allium.db"))
    if (hasRecords(view)) this.#view = view
    else view.close()
    return this.#view
  }
}

type Row = ReturnType<ReturnType<DatabaseSync["prepare"]>["all"]>[number]

const numberOf = (db: DatabaseSync, text: string): number => Number(db.prepare(text).get()?.["n"])

/** A crash may have come before the tables were there. */
const hasRecords = (db: DatabaseSync): boolean =>
  numberOf(db, "SELECT count(*) AS n FROM sqlite_master WHERE name = 'records'") > 0

const recordOf = (row: Row): StoredRecord => toRecord(row as Row & RecordRow)
