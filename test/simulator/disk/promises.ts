/** What every simulated disk keeps, whatever it is made of. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import type { DiskAfterCrash } from "#schemas/simulation/Fault"
import { DeliveredStore } from "#services/storage/DeliveredStore"
import { GuardStore } from "#services/storage/GuardStore"
import { PeerStore } from "#services/storage/PeerStore"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { Dice } from "#simulator/Dice"
import type { Disk } from "#simulator/disk/Disk"
import { delivered, deliveredStoreLaws } from "../../laws/deliveredStore.ts"
import { guard, guardStoreLaws } from "../../laws/guardStore.ts"
import { opStoreLaws } from "../../laws/opStore.ts"
import { peerStoreLaws } from "../../laws/peerStore.ts"
import { pin, pinStoreLaws } from "../../laws/pinStore.ts"
import { id, recordStoreLaws, stored } from "../../laws/recordStore.ts"

type Make = (quotaBytes: number) => Effect.Effect<Disk, never, Scope.Scope>

const mountOf = (disk: Disk) => Layer.provide(disk.mount, NodeCrypto.layer)

/** The stores of one run of a program, which ends with the scope. */
export const storesOf = Effect.fnUntraced(function* (disk: Disk) {
  const stores = yield* Layer.build(mountOf(disk))
  return {
    records: Context.get(stores, RecordStore),
    peers: Context.get(stores, PeerStore),
    pins: Context.get(stores, PinStore),
    guards: Context.get(stores, GuardStore),
    delivered: Context.get(stores, DeliveredStore)
  }
})

const peer = { nodeId: id(1), record: Uint8Array.of(1, 2), lastSeen: 5 }
const many = (count: number) =>
  Array.from({ length: count }, (_, n) => stored({ key: id(n), bytes: new Uint8Array(40) }))
const bitsThatDiffer = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, byte, at) => sum + (byte ^ (b[at] ?? 0)).toString(2).replaceAll("0", "").length, 0)

export const diskPromises = (name: string, make: Make) => {
  const layer = (quotaBytes: number) => Layer.unwrap(Effect.map(make(quotaBytes), mountOf))
  recordStoreLaws(name, ({ quotaBytes }) => layer(quotaBytes))
  peerStoreLaws(name, layer(1_000_000))
  pinStoreLaws(name, layer(1_000_000))
  opStoreLaws(name, layer(1_000_000))
  guardStoreLaws(name, layer(1_000_000))
  deliveredStoreLaws(name, layer(1_000_000))

  describe(`${name} fails as disks do`, () => {
    for (const after of ["kept", "torn"] satisfies ReadonlyArray<typeof DiskAfterCrash.Type>) {
      it.effect(`gives all that was acknowledged back after a crash that leaves it ${after}`, () =>
        Effect.gen(function* () {
          const disk = yield* make(1_000_000)
          const before = yield* storesOf(disk)
          for (const record of many(50)) yield* before.records.put([record])
          yield* before.records.remove(0, id(0))
          yield* before.peers.save([peer])
          yield* before.pins.put([pin(1), pin(2)])
          yield* before.pins.remove(0, id(2))
          yield* before.guards.save([guard(2), guard(1)])
          yield* before.delivered.add([delivered(1)], 0)
          disk.crash(after)
          assert.strictEqual(disk.size(), 49)
          assert.deepStrictEqual(disk.held(0, id(7)), many(8).slice(7))
          const stores = yield* storesOf(disk)
          assert.deepStrictEqual(yield* stores.delivered.load(0, 10), [delivered(1)])
          const { guards, records, peers, pins } = stores
          assert.deepStrictEqual(yield* records.scan(undefined, 100), many(50).slice(1))
          assert.deepStrictEqual(yield* records.usage(), { records: 49, bytes: 49 * 40 })
          assert.deepStrictEqual(yield* peers.load, [peer])
          assert.deepStrictEqual(yield* pins.list(undefined, 10), [pin(1)])
          assert.deepStrictEqual(yield* guards.load, [guard(2), guard(1)])
          yield* records.put([stored({ key: id(0) })])
          assert.strictEqual(disk.size(), 50)
        })
      )
    }

    it.effect("holds nothing after a crash that loses it, and takes new records", () =>
      Effect.gen(function* () {
        const disk = yield* make(1_000_000)
        const before = yield* storesOf(disk)
        yield* before.records.put(many(3))
        yield* before.peers.save([peer])
        yield* before.pins.put([pin(1)])
        yield* before.guards.save([guard(1)])
        yield* before.delivered.add([delivered(1)], 0)
        disk.crash("lost")
        assert.strictEqual(disk.size(), 0)
        const { guards, records, peers, pins, ...others } = yield* storesOf(disk)
        assert.deepStrictEqual(yield* others.delivered.load(0, 10), [])
        assert.strictEqual(yield* pins.count, 0)
        assert.deepStrictEqual(yield* guards.load, [])
        assert.deepStrictEqual(yield* records.scan(undefined, 10), [])
        assert.deepStrictEqual(yield* records.usage(), { records: 0, bytes: 0 })
        assert.deepStrictEqual(yield* peers.load, [])
        yield* records.put([stored()])
        assert.strictEqual(disk.size(), 1)
      })
    )

    it.effect("keeps everything when the program ends by itself, and then takes nothing more from it", () =>
      Effect.gen(function* () {
        const disk = yield* make(1_000_000)
        const run = Effect.tap(storesOf(disk), ({ records }) => records.put(many(3)))
        const ended = yield* Effect.scoped(run)
        assert.strictEqual((yield* Effect.flip(ended.records.put([stored({ key: id(9) })])))._tag, "StorageFailed")
        assert.strictEqual(disk.size(), 3)
        const { records } = yield* storesOf(disk)
        assert.strictEqual((yield* records.scan(undefined, 10)).length, 3)
      })
    )

    it.effect("takes nothing from a run that a crash or a later run cut off, and answers it nothing", () =>
      Effect.gen(function* () {
        const disk = yield* make(1_000_000)
        for (const end of [() => disk.crash("kept"), () => {}]) {
          const old = yield* storesOf(disk)
          end()
          const { records } = yield* storesOf(disk)
          const fibers = yield* Effect.forEach(
            [old.records.put([stored()]), old.peers.save([peer]), old.records.get(0, id(1)), old.records.expire(9)],
            (ask) => Effect.forkChild(ask, { startImmediately: true })
          )
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(
            fibers.map((fiber) => fiber.pollUnsafe()),
            fibers.map(() => undefined)
          )
          assert.strictEqual(disk.size(), 0)
          assert.deepStrictEqual(yield* records.scan(undefined, 10), [])
          for (const fiber of fibers) yield* Fiber.interrupt(fiber)
        }
      })
    )

    it.effect("fails writes with StorageFailed while it is full, and reads and writes as before afterwards", () =>
      Effect.gen(function* () {
        const disk = yield* make(1_000_000)
        const { guards, records, peers, pins, ...others } = yield* storesOf(disk)
        yield* records.put([stored()])
        disk.full(true)
        assert.strictEqual((yield* Effect.flip(records.put([stored({ key: id(2) })])))._tag, "StorageFailed")
        assert.strictEqual((yield* Effect.flip(peers.save([peer])))._tag, "StorageFailed")
        assert.strictEqual((yield* Effect.flip(pins.put([pin(1)])))._tag, "StorageFailed")
        assert.strictEqual((yield* Effect.flip(guards.save([guard(1)])))._tag, "StorageFailed")
        assert.strictEqual((yield* Effect.flip(others.delivered.add([delivered(1)], 0)))._tag, "StorageFailed")
        assert.deepStrictEqual(yield* records.get(0, id(1)), [stored()])
        disk.full(false)
        yield* records.put([stored({ key: id(2) })])
        assert.strictEqual(disk.size(), 2)
      })
    )

    it.effect("acknowledges a write only after it was slow, in virtual time, and is fast again when told", () =>
      Effect.gen(function* () {
        const disk = yield* make(1_000_000)
        const { records } = yield* storesOf(disk)
        disk.slow(2_000)
        const put = yield* Effect.forkChild(records.put([stored()]), { startImmediately: true })
        yield* TestClock.adjust("1999 millis")
        assert.isUndefined(put.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.await(put))._tag, "Success")
        disk.slow(0)
        yield* records.put([stored({ key: id(2) })])
        assert.strictEqual(disk.size(), 2)
      })
    )

    it.effect("turns exactly one bit of one record, mounted or not, unheard", () =>
      Effect.gen(function* () {
        const disk = yield* make(1_000_000)
        const dice = new Dice("bits")
        assert.isFalse(disk.flipBit(dice))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { records } = yield* storesOf(disk)
            yield* records.put(many(20))
            disk.onReplace = () => assert.fail("a flipped bit was heard")
            for (let turn = 1; turn <= 3; turn++) {
              assert.isTrue(disk.flipBit(dice))
              const changed = (yield* records.scan(undefined, 100)).map((it) =>
                bitsThatDiffer(it.bytes, new Uint8Array(40))
              )
              assert.strictEqual(
                changed.reduce((a, b) => a + b),
                turn
              )
            }
          })
        )
        assert.isTrue(disk.flipBit(dice))
        const { records } = yield* storesOf(disk)
        const rows = yield* records.scan(undefined, 100)
        assert.strictEqual(
          rows.reduce((sum, it) => sum + bitsThatDiffer(it.bytes, new Uint8Array(40)), 0),
          4
        )
        assert.deepStrictEqual(yield* records.usage(), { records: 20, bytes: 800 })
      })
    )

    it.effect("tells of each record that takes another's place, and of no other", () =>
      Effect.gen(function* () {
        const disk = yield* make(1_000_000)
        const heard: Array<readonly [StoredRecord, StoredRecord]> = []
        disk.onReplace = (before, after) => heard.push([before, after])
        const { records } = yield* storesOf(disk)
        yield* records.put([stored({ seq: 1 }), stored({ key: id(2) })])
        assert.deepStrictEqual(heard, [])
        yield* records.put([stored({ seq: 2, bytes: Uint8Array.of(9) })])
        yield* records.put([stored({ seq: 2, bytes: Uint8Array.of(9) })])
        disk.crash("kept")
        const again = yield* storesOf(disk)
        yield* again.records.put([stored({ seq: 3 })])
        yield* again.records.remove(0, id(1))
        yield* again.records.put([stored({ seq: 4 })])
        disk.crash("lost")
        const empty = yield* storesOf(disk)
        yield* empty.records.put([stored({ seq: 5 })])
        yield* empty.records.put([stored({ seq: 6 })])
        assert.deepStrictEqual(
          heard.map(([before, after]) => [before.seq, after.seq]),
          [
            [1, 2],
            [2, 2],
            [2, 3],
            [5, 6]
          ]
        )
        assert.deepStrictEqual(heard[0], [stored({ seq: 1 }), stored({ seq: 2, bytes: Uint8Array.of(9) })])
      })
    )

    it.effect("lets each crash find whole puts only, also while several wait", () =>
      Effect.gen(function* () {
        for (let turn = 0; turn < 10; turn++) {
          const disk = yield* make(1_000_000)
          const { records } = yield* storesOf(disk)
          disk.slow(10)
          const acknowledged: Array<number> = []
          const one = (n: number) =>
            Effect.delay(
              Effect.map(
                records.put([1, 2, 3].map((member) => stored({ kind: 2, key: id(n), member: id(member) }))),
                () => acknowledged.push(n)
              ),
              n * 3
            )
          const fibers = yield* Effect.forEach([0, 1, 2, 3, 4, 5, 6, 7], (n) => Effect.forkChild(one(n)))
          yield* TestClock.adjust(`${9 + turn * 2} millis`)
          disk.crash(turn % 2 === 0 ? "kept" : "torn")
          yield* TestClock.adjust("1 second")
          for (const n of fibers.keys()) {
            const count = disk.held(2, id(n)).length
            assert.include(acknowledged.includes(n) ? [3] : [0, 3], count, `put ${n} in turn ${turn}`)
          }
          for (const fiber of fibers) yield* Fiber.interrupt(fiber)
          if (turn > 2) assert.isNotEmpty(acknowledged)
        }
      })
    )
  })
}
