import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as StoredDeliveries from "#layers/router/StoredDeliveries"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import type { MessageId } from "#schemas/router/InnerEnvelope"
import { Deliveries } from "#services/router/Deliveries"
import { UNWRITTEN_IDS } from "#services/router/Limits"
import { DeliveredStore } from "#services/storage/DeliveredStore"
import { StorageFailed } from "#services/storage/RecordStore"
import { delivered } from "../../laws/deliveredStore.ts"
import { settle } from "../../laws/sessionWorld.ts"

const idOf = (n: number) => delivered(n).id as MessageId

/** A disk that waits until it is told to go on, or refuses. */
const makeDisk = () => {
  const saved = new MemoryDeliveredStore.SavedIds()
  const memory = MemoryDeliveredStore.make(saved)
  const disk = { saved, writes: 0, full: false, gate: undefined as Deferred.Deferred<void> | undefined }
  const store = DeliveredStore.of({
    ...memory,
    add: (ids, before) =>
      Effect.gen(function* () {
        disk.writes++
        if (disk.gate !== undefined) yield* Deferred.await(disk.gate)
        if (disk.full) return yield* new StorageFailed({ operation: "add", cause: "full" })
        yield* memory.add(ids, before)
      })
  })
  return { disk, layer: Layer.succeed(DeliveredStore, store) }
}

const deliveriesOn = ({ layer }: ReturnType<typeof makeDisk>) =>
  Effect.map(Layer.build(StoredDeliveries.layer.pipe(Layer.provide(layer))), (it) => Context.get(it, Deliveries))

describe("StoredDeliveries", () => {
  it.effect("remembers at once, and says so when it is on the disk", () =>
    Effect.gen(function* () {
      const world = makeDisk()
      const deliveries = yield* deliveriesOn(world)
      world.disk.gate = yield* Deferred.make<void>()
      let durable = 0
      assert.isFalse(deliveries.has(idOf(1)))
      deliveries.remember(idOf(1), () => durable++)
      assert.isTrue(deliveries.has(idOf(1)))
      yield* settle
      assert.strictEqual(durable, 0)
      yield* Deferred.succeed(world.disk.gate, undefined)
      yield* settle
      assert.strictEqual(durable, 1)
      deliveries.remember(idOf(1), () => durable++)
      assert.strictEqual(durable, 2)
    })
  )

  it.effect("writes what comes during one commit in the next one", () =>
    Effect.gen(function* () {
      const world = makeDisk()
      const deliveries = yield* deliveriesOn(world)
      world.disk.gate = yield* Deferred.make<void>()
      let durable = 0
      for (let n = 0; n < 100; n++) {
        deliveries.remember(idOf(n), () => durable++)
        if (n === 0) yield* settle
      }
      yield* Deferred.succeed(world.disk.gate, undefined)
      yield* settle
      assert.deepStrictEqual([durable, world.disk.writes], [100, 2])
    })
  )

  it.effect("knows after a restart what was written, and for 15 minutes only", () =>
    Effect.gen(function* () {
      const world = makeDisk()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const deliveries = yield* deliveriesOn(world)
          deliveries.remember(idOf(1), () => {})
          yield* settle
        })
      )
      yield* TestClock.adjust("10 minutes")
      const again = yield* deliveriesOn(world)
      assert.deepStrictEqual([again.has(idOf(1)), again.has(idOf(2))], [true, false])
      again.remember(idOf(2), () => {})
      yield* settle
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual([again.has(idOf(1)), again.has(idOf(2))], [false, true])
      again.remember(idOf(3), () => {})
      yield* settle
      assert.strictEqual(world.disk.saved.last(0, 10).length, 2)
    })
  )

  it.effect("never says durable of what the disk refused, and writes it when the sender tries again", () =>
    Effect.gen(function* () {
      const world = makeDisk()
      const deliveries = yield* deliveriesOn(world)
      world.disk.full = true
      const heard: Array<string> = []
      deliveries.remember(idOf(1), () => heard.push("first"))
      yield* settle
      assert.isTrue(deliveries.has(idOf(1)))
      world.disk.full = false
      deliveries.remember(idOf(1), () => heard.push("second"))
      yield* settle
      assert.deepStrictEqual(heard, ["first"])
    })
  )

  it.effect("takes no more than it can write, and goes on when the disk does", () =>
    Effect.gen(function* () {
      const world = makeDisk()
      const deliveries = yield* deliveriesOn(world)
      world.disk.full = true
      for (let n = 0; n < UNWRITTEN_IDS; n++) {
        assert.isFalse(deliveries.isFull())
        deliveries.remember(idOf(n), () => {})
      }
      yield* settle
      assert.isTrue(deliveries.isFull())
      world.disk.full = false
      assert.isTrue(deliveries.isFull())
      yield* settle
      assert.isFalse(deliveries.isFull())
      assert.strictEqual(world.disk.saved.last(0, 2_000).length, UNWRITTEN_IDS)
    })
  )
})
