import { mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as rows from "#layers/storage/recordRows"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteDeliveredStore from "#layers/storage/SqliteDeliveredStore"
import * as SqliteGuardStore from "#layers/storage/SqliteGuardStore"
import * as SqliteOpStore from "#layers/storage/SqliteOpStore"
import * as SqliteOutboxStore from "#layers/storage/SqliteOutboxStore"
import * as SqlitePeerStore from "#layers/storage/SqlitePeerStore"
import * as SqlitePinStore from "#layers/storage/SqlitePinStore"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import { RecordStore } from "#services/storage/RecordStore"
import { deliveredStoreLaws } from "../../laws/deliveredStore.ts"
import { guardStoreLaws } from "../../laws/guardStore.ts"
import { opStoreLaws } from "../../laws/opStore.ts"
import { peerStoreLaws } from "../../laws/peerStore.ts"
import { pinStoreLaws } from "../../laws/pinStore.ts"
import { id, recordStoreLaws, stored } from "../../laws/recordStore.ts"
import { runThenKill } from "./killing.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-store-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const storeIn = (folder: string, quotaBytes = 1_000_000) =>
  SqliteRecordStore.layer({ quotaBytes }).pipe(
    Layer.provide([SqliteDatabase.layer({ folder, synchronous: "normal" }), NodeCrypto.layer])
  )

recordStoreLaws("SqliteRecordStore", ({ quotaBytes }) =>
  Layer.unwrap(Effect.map(temporaryFolder, (folder) => storeIn(folder, quotaBytes)))
)
peerStoreLaws(
  "SqlitePeerStore",
  Layer.unwrap(
    Effect.map(temporaryFolder, (folder) => SqlitePeerStore.layer.pipe(Layer.provide(SqliteDatabase.layer({ folder }))))
  )
)
pinStoreLaws(
  "SqlitePinStore",
  Layer.unwrap(
    Effect.map(temporaryFolder, (folder) => SqlitePinStore.layer.pipe(Layer.provide(SqliteDatabase.layer({ folder }))))
  )
)
opStoreLaws(
  "SqliteOpStore",
  Layer.unwrap(
    Effect.map(temporaryFolder, (folder) => SqliteOpStore.layer.pipe(Layer.provide(SqliteDatabase.layer({ folder }))))
  )
)
guardStoreLaws(
  "SqliteGuardStore",
  Layer.unwrap(
    Effect.map(temporaryFolder, (folder) =>
      SqliteGuardStore.layer.pipe(Layer.provide(SqliteDatabase.layer({ folder })))
    )
  )
)
deliveredStoreLaws(
  "SqliteDeliveredStore",
  Layer.unwrap(
    Effect.map(temporaryFolder, (folder) =>
      SqliteDeliveredStore.layer.pipe(Layer.provide(SqliteDatabase.layer({ folder })))
    )
  )
)

const using = <A, E>(folder: string, body: (store: RecordStore["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(RecordStore, body).pipe(Effect.provide(storeIn(folder), { local: true }))

const putThenKill = (folder: string, count: number) =>
  runThenKill(join(import.meta.dirname, "keepPutting.ts"), folder, count)

/** The steps by which SQLite answers a statement. */
const planOf = (text: string, parameters: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const values = Array<Uint8Array>(parameters).fill(new Uint8Array(32))
    const steps = yield* sql.unsafe<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`, values)
    return steps.map(({ detail }) => detail)
  })

describe("the embedded database", () => {
  it.effect("answers everything that is asked of many rows by walking along an index, and sorts nothing", () =>
    Effect.gen(function* () {
      const asked: ReadonlyArray<readonly [text: string, index: string]> = [
        [rows.pageText, "records_name"],
        [rows.pageAfterText, "records_name"],
        [rows.scanText, "records_name"],
        [rows.scanRestText, "records_name"],
        [rows.listText, "records_name"],
        [rows.listAfterText, "records_name"],
        [rows.expireText, "records_expires"],
        [SqliteOpStore.rangeText, "ops_place"],
        [SqliteOpStore.extentsText, "op_authors_name"],
        [SqliteOpStore.headsText, "op_heads_name"],
        [SqliteOpStore.proofsText, "op_proofs_place"],
        [SqliteOutboxStore.nextText, "outbox_place"],
        [SqliteOutboxStore.findText, "outbox_name"],
        [SqlitePinStore.dueText, "pins_due"],
        [SqlitePinStore.highestText, "pins_due"],
        [SqlitePinStore.nextPriorityText, "pins_due"],
        [SqlitePinStore.firstText, "pins_name"],
        [SqlitePinStore.listText, "pins_name"]
      ]
      for (const [text, index] of asked) {
        const steps = yield* planOf(text, text.split("?").length - 1)
        assert.isTrue(
          steps.some((step) => step.includes(index)),
          `${text}: ${steps.join("; ")}`
        )
        for (const step of steps) assert.notMatch(step, /TEMP B-TREE|SCAN (?!.*USING)/, text)
      }
    }).pipe(Effect.provide(Layer.unwrap(Effect.map(temporaryFolder, (folder) => SqliteDatabase.layer({ folder })))))
  )

  it.live("still holds after kill -9 everything that was acknowledged, and lets the next node in", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const acknowledged = yield* putThenKill(folder, 200)
      assert.isAtLeast(acknowledged, 200)
      yield* using(
        folder,
        Effect.fnUntraced(function* (store) {
          for (let n = 0; n < acknowledged; n++) assert.strictEqual((yield* store.get(0, id(n))).length, 1, `put ${n}`)
          const { records } = yield* store.usage()
          assert.strictEqual((yield* store.scan(undefined, 100_000)).length, records)
        })
      )
    })
  )

  it.effect("keeps records and totals from one start to the next", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(folder, (store) => store.put([stored(), stored({ key: id(2), storedBy: id(7) })]))
      yield* using(
        folder,
        Effect.fnUntraced(function* (store) {
          assert.deepStrictEqual(yield* store.get(0, id(1)), [stored()])
          assert.deepStrictEqual(yield* store.usage(id(7)), { records: 1, bytes: 3 })
        })
      )
    })
  )

  it.effect("refuses a second node on the same folder while the first runs, and names the folder", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const refused = yield* using(folder, () => Effect.flip(using(folder, () => Effect.void)))
      assert.strictEqual(refused._tag, "DataFolderInUse")
      assert.include(refused.message, folder)
      yield* using(folder, () => Effect.void)
    })
  )

  const damages: ReadonlyArray<readonly [string, (file: string) => void]> = [
    ["is no database", (file) => writeFileSync(file, "once upon a time ".repeat(500))],
    [
      "has pages overwritten",
      (file) => {
        const handle = openSync(file, "r+")
        writeSync(handle, Buffer.alloc(12_000, 0x5a), 0, 12_000, 4_096)
      }
    ]
  ]
  for (const [what, damage] of damages) {
    it.effect(`sets a file aside that ${what}, starts empty and warns once`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        yield* using(folder, (store) => store.put(Array.from({ length: 40 }, (_, n) => stored({ key: id(n) }))))
        damage(join(folder, "allium.db"))
        writeFileSync(join(folder, "allium.db-wal"), "left behind")
        const warnings: Array<unknown> = []
        const collect = Logger.layer([Logger.make(({ message }) => void warnings.push(message))])
        const found = yield* using(folder, (store) => store.scan(undefined, 10)).pipe(Effect.provide(collect))
        assert.deepStrictEqual(found, [])
        assert.strictEqual(warnings.length, 1)
        assert.isTrue(readdirSync(folder).includes("allium.db.damaged-0"))
        yield* using(folder, (store) => store.put([stored()]))
      })
    )
  }

  it.effect("says what is wrong when the database cannot be opened at all", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "file"), "")
      const refused = yield* Effect.flip(using(join(folder, "file"), () => Effect.void))
      assert.strictEqual(refused._tag, "DatabaseUnusable")
    })
  )
})
