import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteOutboxStore from "#layers/storage/SqliteOutboxStore"
import { OutboxStore, WRITE_BYTES } from "#services/storage/OutboxStore"
import { outboxStoreLaws, write } from "../../laws/outboxStore.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-outbox-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const storeIn = (folder: string, bytes = 1_000_000) =>
  SqliteOutboxStore.layerOf(bytes).pipe(Layer.provide(SqliteDatabase.layer({ folder, synchronous: "normal" })))

outboxStoreLaws("SqliteOutboxStore", (bytes) =>
  Layer.unwrap(Effect.map(temporaryFolder, (folder) => storeIn(folder, bytes)))
)

const using = <A, E>(folder: string, body: (store: OutboxStore["Service"]) => Effect.Effect<A, E>, bytes?: number) =>
  Effect.flatMap(OutboxStore, body).pipe(Effect.provide(storeIn(folder, bytes), { local: true }))

describe("SqliteOutboxStore", () => {
  it.effect("keeps what waits, its order and how full it is from one start to the next", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const limit = 2 * (WRITE_BYTES + 2)
      yield* using(
        folder,
        Effect.fnUntraced(function* (store) {
          yield* store.add(write(3))
          yield* store.setAside((yield* store.next(0, 1))[0]!, "no")
          yield* store.add(write(2))
          yield* store.add(write(1))
        }),
        limit
      )
      yield* using(
        folder,
        Effect.fnUntraced(function* (store) {
          assert.deepStrictEqual(
            (yield* store.next(0, 9)).map(({ key }) => key[31]),
            [2, 1]
          )
          assert.strictEqual((yield* Effect.flip(store.add(write(4))))._tag, "StoreFull")
          yield* store.remove((yield* store.next(0, 1))[0]!)
          yield* store.add(write(4))
          assert.deepStrictEqual(
            (yield* store.next(0, 9)).map(({ key }) => key[31]),
            [1, 4]
          )
          assert.strictEqual((yield* store.status).refused, 1)
        }),
        limit
      )
    })
  )
})
