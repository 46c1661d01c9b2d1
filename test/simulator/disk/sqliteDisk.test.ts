import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Dice } from "#simulator/Dice"
import { sqliteDisk } from "#simulator/disk/sqliteDisk"
import { tornWal } from "#simulator/disk/tornWal"
import { id, stored } from "../../laws/recordStore.ts"
import { diskPromises, storesOf } from "./promises.ts"

const disk = (quotaBytes = 1_000_000) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "allium-disk-"))
      return Object.assign(sqliteDisk({ folder, quotaBytes, dice: new Dice("torn") }), { folder })
    }),
    (it) =>
      Effect.sync(() => {
        it.close()
        rmSync(it.folder, { recursive: true, force: true })
      })
  )

diskPromises("sqliteDisk", disk)

describe("a SQLite disk", () => {
  it.effect("keeps the log of a crash as it was, without what closing does to it", () =>
    Effect.gen(function* () {
      const it = yield* disk()
      const { records } = yield* storesOf(it)
      yield* records.put([stored()])
      const log = readFileSync(join(it.folder, "allium.db-wal"))
      it.crash("kept")
      assert.deepStrictEqual(readFileSync(join(it.folder, "allium.db-wal")), log)
      assert.strictEqual(it.size(), 1)
      assert.deepStrictEqual(readFileSync(join(it.folder, "allium.db-wal")), log)
    })
  )

  it.effect("opens again after each of many torn ends, with all that was acknowledged", () =>
    Effect.gen(function* () {
      const it = yield* disk()
      for (let n = 0; n < 25; n++) {
        const { records } = yield* storesOf(it)
        yield* records.put([stored({ key: id(n), bytes: new Uint8Array(3_000) })])
        const log = readFileSync(join(it.folder, "allium.db-wal"))
        it.crash("torn")
        assert.notDeepEqual(readFileSync(join(it.folder, "allium.db-wal")), log)
        assert.strictEqual(it.size(), n + 1)
      }
    })
  )

  it.effect("holds nothing where a crash came before the tables, and can be mounted then", () =>
    Effect.gen(function* () {
      const it = yield* disk()
      writeFileSync(join(it.folder, "allium.db"), "")
      assert.strictEqual(it.size(), 0)
      assert.deepStrictEqual(it.held(0, id(1)), [])
      assert.isFalse(it.flipBit(new Dice(1)))
      const { records } = yield* storesOf(it)
      yield* records.put([stored()])
      assert.strictEqual(it.size(), 1)
    })
  )

  it.effect("tells a put that a crash cut off neither that it succeeded nor that it failed", () =>
    Effect.gen(function* () {
      const it = yield* disk()
      const { records } = yield* storesOf(it)
      const put = yield* Effect.forkChild(records.put([stored()]), { startImmediately: true })
      it.crash("kept")
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(put.pollUnsafe())
      assert.strictEqual(it.size(), 0)
    })
  )

  it.effect("leaves no file behind of what was lost", () =>
    Effect.gen(function* () {
      const it = yield* disk()
      const { records } = yield* storesOf(it)
      yield* records.put([stored()])
      it.crash("lost")
      assert.isFalse(existsSync(join(it.folder, "allium.db")))
      assert.isFalse(existsSync(join(it.folder, "allium.db-wal")))
    })
  )
})

describe("a torn log", () => {
  it("is as it was up to the end of its last frame, and longer or changed from there on", () => {
    const page = 64
    const log = new Uint8Array(32 + 3 * (24 + page)).fill(7)
    new DataView(log.buffer).setUint32(8, page)
    // The third frame is of an older log.
    log.fill(1, 32 + 2 * (24 + page) + 8, 32 + 2 * (24 + page) + 16)
    const end = 32 + 2 * (24 + page)
    const torn = tornWal(log, new Dice(3))
    assert.deepStrictEqual(torn.subarray(0, end), log.subarray(0, end))
    assert.deepStrictEqual(torn.subarray(end + 8, end + 16), log.subarray(16, 24))
    assert.strictEqual(torn.length, log.length)
  })
})
