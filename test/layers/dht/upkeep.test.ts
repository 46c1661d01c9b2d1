import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { startUpkeep } from "#layers/dht/upkeep"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { PutRefused } from "#services/dht/Dht"
import { Identity } from "#services/identity/Identity"
import { RecordStore } from "#services/storage/RecordStore"
import { identity, suite } from "./fixtures.ts"

const HOUR = 3_600
const keyFor = (n: number) => suite.sha256(Uint8Array.of(n))

const withUpkeep = (
  body: (parts: {
    readonly records: RecordStore["Service"]
    readonly announced: Array<string>
    readonly own: Uint8Array
  }) => Effect.Effect<void, unknown>,
  reprovides = true
) =>
  Effect.gen(function* () {
    const announced: Array<string> = []
    yield* startUpkeep((digest) => {
      announced.push(keyOf(digest))
      return new PutRefused({ key: digest, refusals: [] })
    }, reprovides)
    yield* body({ records: yield* RecordStore, announced, own: (yield* Identity).publicKey })
  }).pipe(Effect.provide(Layer.provideMerge(MemoryRecordStore.layer(), identity("me"))), Effect.scoped)

const row = (n: number, member: Uint8Array, expires: number) => ({
  kind: RecordKind.Provider,
  key: keyFor(n),
  member,
  seq: 0,
  expires,
  storedBy: member,
  bytes: Uint8Array.of(n)
})

describe("upkeep", () => {
  it.effect("renews this node's announcements every twelve hours, whether or not one is refused", () =>
    withUpkeep(
      Effect.fnUntraced(function* ({ announced, own, records }) {
        const others = new Uint8Array(32)
        yield* records.put([
          row(1, own, 100 * HOUR),
          row(2, own, 100 * HOUR),
          row(3, others, 100 * HOUR),
          row(4, own, 11 * HOUR)
        ])
        yield* TestClock.adjust("12 hours")
        assert.sameMembers(announced, [keyOf(keyFor(1)), keyOf(keyFor(2))])
        yield* TestClock.adjust("12 hours")
        assert.strictEqual(announced.length, 4)
      })
    )
  )

  it.effect("leaves announcements to expire where it was told not to renew them", () =>
    withUpkeep(
      Effect.fnUntraced(function* ({ announced, own, records }) {
        yield* records.put([row(1, own, 100 * HOUR)])
        yield* TestClock.adjust("24 hours")
        assert.deepStrictEqual(announced, [])
      }),
      false
    )
  )

  it.effect("drops what has expired every hour", () =>
    withUpkeep(
      Effect.fnUntraced(function* ({ own, records }) {
        yield* records.put([row(1, own, HOUR - 1), row(2, own, HOUR + 1)])
        yield* TestClock.adjust("59 minutes")
        assert.strictEqual((yield* records.usage()).records, 2)
        yield* TestClock.adjust("1 minutes")
        assert.strictEqual((yield* records.usage()).records, 1)
      })
    )
  )
})
