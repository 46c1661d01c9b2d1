import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Dice } from "#simulator/Dice"
import { memoryDisk } from "#simulator/disk/memoryDisk"
import { id, stored } from "../../laws/recordStore.ts"
import { diskPromises, storesOf } from "./promises.ts"

const disk = (fsync: number, seed = 1, quotaBytes = 1_000_000) =>
  memoryDisk({ quotaBytes, fsync, dice: new Dice(seed) })

diskPromises("memoryDisk", (quotaBytes) => Effect.sync(() => disk(0, 1, quotaBytes)))

describe("a memory disk that takes its time", () => {
  it.effect("shows a record only when it is durable, and writes all that wait as one group", () =>
    Effect.gen(function* () {
      const it = disk(5)
      const { records } = yield* storesOf(it)
      const put = (n: number) => Effect.forkChild(records.put([stored({ key: id(n) })]), { startImmediately: true })
      const first = yield* put(0)
      yield* TestClock.adjust("1 millis")
      const others = yield* Effect.forEach([1, 2, 3], put)
      assert.deepStrictEqual(yield* records.get(0, id(0)), [])
      yield* TestClock.adjust("4 millis")
      assert.isDefined(first.pollUnsafe())
      assert.strictEqual(it.size(), 1)
      yield* TestClock.adjust("5 millis")
      assert.strictEqual(it.size(), 4)
      for (const other of others) yield* Fiber.join(other)
    })
  )

  const crashes = Effect.fnUntraced(function* (after: "kept" | "torn") {
    const found = new Set<number>()
    for (let seed = 0; seed < 20; seed++) {
      const it = disk(5, seed)
      const { records } = yield* storesOf(it)
      const put = (n: number) => Effect.forkChild(records.put([stored({ key: id(n) }), stored({ key: id(n + 10) })]))
      const fibers = yield* Effect.forEach([1, 2, 3], put)
      yield* TestClock.adjust("1 millis")
      it.crash(after)
      found.add(it.size())
      yield* TestClock.adjust("1 minute")
      found.add(it.size())
      for (const fiber of fibers) {
        assert.isUndefined(fiber.pollUnsafe())
        yield* Fiber.interrupt(fiber)
      }
    }
    return [...found].sort()
  })

  it.effect("has the group that a crash finds under way whole or not at all, by its dice, and tells nobody", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* crashes("kept"), [0, 6])
    })
  )

  it.effect("has nothing of a group that was torn", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* crashes("torn"), [0])
    })
  )

  it.effect("has all that was still waiting when the program ends by itself, and takes nothing more", () =>
    Effect.gen(function* () {
      const it = disk(5)
      const { records } = yield* Effect.scoped(
        Effect.gen(function* () {
          const stores = yield* storesOf(it)
          const put = (n: number) => stores.records.put([stored({ key: id(n) })])
          yield* Effect.forkIn(put(1), yield* Effect.scope)
          yield* TestClock.adjust("1 millis")
          yield* Effect.forEach([2, 3], (n) => Effect.forkDetach(put(n), { startImmediately: true }))
          return stores
        })
      )
      assert.strictEqual(it.size(), 3)
      assert.strictEqual((yield* Effect.flip(records.put([stored()])))._tag, "StorageFailed")
    })
  )
})
