import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as rows from "#layers/ucxl/contentRows"
import * as SqliteContentIndex from "#layers/ucxl/SqliteContentIndex"
import { ContentIndex } from "#services/ucxl/ContentIndex"
import { damagedRows } from "#services/ucxl/Metrics"
import { contentIndexLaws, type IndexOptions, item } from "../../laws/contentIndex.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-index-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const indexIn = (folder: string, options?: IndexOptions) =>
  SqliteContentIndex.layer(options).pipe(Layer.provideMerge(SqliteDatabase.layer({ folder, synchronous: "normal" })))

contentIndexLaws("SqliteContentIndex", (options) =>
  Layer.unwrap(Effect.map(temporaryFolder, (folder) => indexIn(folder, options)))
)

const using = <A, E>(folder: string, body: (index: ContentIndex["Service"], sql: SqlClient) => Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    return yield* body(yield* ContentIndex, yield* SqlClient)
  }).pipe(Effect.provide(indexIn(folder), { local: true }))

const bytesIn = (folder: string): Buffer =>
  Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))

describe("SqliteContentIndex", () => {
  it.effect("keeps items from one start to the next, and no words", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(folder, (index) => index.put(item("a"), "porcupine"))
      yield* using(
        folder,
        Effect.fnUntraced(function* (index) {
          assert.deepStrictEqual(yield* index.search({ agent: "ada" }, undefined, 10), [item("a")])
          assert.deepStrictEqual(yield* index.search({ text: "porcupine" }, undefined, 10), [])
          assert.deepStrictEqual(yield* index.count, { items: 1, texts: 0 })
          yield* index.put(item("a"), "porcupine")
          assert.strictEqual((yield* index.search({ text: "porcupine" }, undefined, 10)).length, 1)
        })
      )
    })
  )

  it.effect("writes no word of any content into a file, neither while it runs nor when it has ended", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(
        folder,
        Effect.fnUntraced(function* (index) {
          for (let n = 0; n < 50; n++) yield* index.put(item(`t${n}`), `zyzzyva number${n} ${"filler ".repeat(200)}`)
          yield* index.put(item("t1", { seq: 2 }), "quokka")
          assert.strictEqual((yield* index.search({ text: "zyz*" }, undefined, 100)).length, 49)
          assert.isTrue(bytesIn(folder).includes("ucxl://ada/developer/allium/t7/decision"))
          for (const word of ["zyzzyva", "quokka", "filler"]) assert.isFalse(bytesIn(folder).includes(word), word)
        })
      )
      for (const word of ["zyzzyva", "quokka", "filler"]) assert.isFalse(bytesIn(folder).includes(word), word)
    })
  )

  it.effect("says that the disk refused, and counts right once it takes items again", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(
        folder,
        Effect.fnUntraced(function* (index, sql) {
          yield* index.put(item("a"), "one")
          yield* sql.unsafe("PRAGMA query_only = ON")
          assert.strictEqual((yield* Effect.flip(index.put(item("b"), "two")))._tag, "StorageFailed")
          yield* sql.unsafe("PRAGMA query_only = OFF")
          assert.deepStrictEqual(yield* index.count, { items: 1, texts: 1 })
          yield* index.put(item("b"), "two")
          assert.deepStrictEqual(yield* index.count, { items: 2, texts: 2 })
          assert.strictEqual((yield* index.search({ text: "two" }, undefined, 9)).length, 1)
        })
      )
    })
  )

  it.effect("answers every search by a walk along an index, and sorts nothing that was not found by its words", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* using(
        folder,
        Effect.fnUntraced(function* (_, sql) {
          const criteria = {
            ...{ agent: "a", role: "b", project: "c", task: "d", type: "e", creatorRole: "f", contentType: "g" },
            createdAfter: 5
          }
          const stretch = rows.stretchOf(criteria, { timestamp: 9, address: "a" })
          for (const way of [...rows.ways(criteria), ...rows.ways({})]) {
            for (const { parameters, text } of [
              rows.search(way, criteria, stretch, 10),
              rows.probe(way, criteria, stretch, 10)
            ]) {
              const steps = yield* sql.unsafe<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`, parameters)
              const plan = steps.map(({ detail }) => detail).join("; ")
              assert.match(
                plan,
                new RegExp(`SEARCH ucxl_items USING (COVERING )?INDEX ucxl_items_${way ?? "newness"} `)
              )
              assert.notMatch(plan, /TEMP B-TREE/)
            }
          }
          const others: ReadonlyArray<readonly [string, string, ReadonlyArray<unknown>]> = [
            [rows.staleText, "ucxl_items_stale", ["r", "a", "b", 1]],
            [rows.findText, "ucxl_items_address", ["a"]],
            [rows.leaveText, "ucxl_items_foreign", [1]]
          ]
          for (const [text, index, parameters] of others) {
            const steps = yield* sql.unsafe<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`, parameters)
            const plan = steps.map(({ detail }) => detail).join("; ")
            assert.include(plan, index)
            assert.notMatch(plan, /TEMP B-TREE/)
          }
        })
      )
    })
  )

  const damages: ReadonlyArray<readonly [string, string]> = [
    ["is cut short", "item = substr(item, 1, 40)"],
    ["is no item", "item = x'00'"],
    ["is text", "item = 'damaged'"],
    ["is of another time", "newness = newness + 1"],
    ["has a time that is none", "newness = 'never'"],
    ["has numbers beyond all bounds", "newness = 9e18, deleted = 1 << 62"],
    ["is a number", "item = 1 << 62"]
  ]
  for (const [what, change] of damages) {
    it.effect(`passes over a row that ${what}, and fills the page with others`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        yield* using(
          folder,
          Effect.fnUntraced(function* (index, sql) {
            for (let n = 0; n < 6; n++) yield* index.put(item(`t${n}`, { timestamp: 10 * n, own: true }))
            yield* sql.unsafe(`UPDATE ucxl_items SET ${change} WHERE task IN ('t4', 't3')`)
            const before = (yield* Metric.value(damagedRows)).count
            const page = yield* index.search({}, undefined, 3)
            assert.deepStrictEqual(page, [
              item("t5", { timestamp: 50, own: true }),
              ...[2, 1].map((n) => item(`t${n}`, { timestamp: 10 * n, own: true }))
            ])
            assert.isUndefined(yield* index.find(item("t4").address))
            assert.strictEqual((yield* index.stale("developer", "r", "", 4)).length, 4)
            assert.isAbove((yield* Metric.value(damagedRows)).count, before)
            yield* index.put(item("t4", { timestamp: 40 }))
            assert.deepStrictEqual(yield* index.find(item("t4").address), item("t4", { timestamp: 40 }))
          })
        )
      })
    )
  }
})
