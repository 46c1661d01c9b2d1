import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { compareDistance } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import * as KindValidators from "#layers/dht/KindValidators"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { RecordKind } from "#schemas/dht/Record"
import { STORE_RATE } from "#services/dht/Limits"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Identity } from "#services/identity/Identity"
import { RecordStore } from "#services/storage/RecordStore"
import { identity, mutable, mutableKey, peer, provider, suite, table } from "./fixtures.ts"

interface Parts {
  readonly store: StorePipeline["Service"]["store"]
  readonly records: RecordStore["Service"]
  /** The word of refusal, or undefined. */
  readonly refusal: (kind: number, bytes: Uint8Array, from?: Contact, ttl?: number) => Effect.Effect<string | undefined>
}

const stranger = peer("stranger")
const other = peer("other")

const withPipeline = (
  body: (parts: Parts) => Effect.Effect<void, unknown, Identity | StorePipeline>,
  options: { readonly isClose?: boolean; readonly quotaBytes?: number; readonly known?: ReadonlyArray<Contact> } = {}
) =>
  Effect.gen(function* () {
    const { store } = yield* StorePipeline
    const records = yield* RecordStore
    const refusal: Parts["refusal"] = (kind, bytes, from = stranger, ttl = 10_000) =>
      store(kind, bytes, ttl, from).pipe(
        Effect.as(undefined),
        Effect.catch((error) => Effect.succeed(error._tag === "RecordRefused" ? error.refusal : error._tag))
      )
    yield* body({ store, records, refusal })
  }).pipe(
    Effect.provide(
      CheckedStorePipeline.layer.pipe(
        Layer.provideMerge(KindValidators.layer),
        Layer.provideMerge(table(options.known ?? [], options.isClose ?? true)),
        Layer.provideMerge(MemoryRecordStore.layer({ quotaBytes: options.quotaBytes ?? 1_000_000 })),
        Layer.provideMerge(identity("me"))
      )
    )
  )

const block = (n: number, length = 100) => new Uint8Array(length).fill(n)
const key = suite.sha256(Uint8Array.of(7))

describe("CheckedStorePipeline", () => {
  it.effect("stores under the node that asked, for as long as it asked, within seven days for a block", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ records, store }) {
        const held = yield* store(RecordKind.Block, block(1), 60, stranger)
        assert.deepStrictEqual(held, { key: suite.sha256(block(1)), seq: 0, expires: 60 })
        const [stored] = yield* records.get(RecordKind.Block, held.key)
        assert.deepStrictEqual(stored?.storedBy, stranger.nodeId)
        const long = yield* store(RecordKind.Block, block(2), 2 ** 40, stranger)
        assert.strictEqual(long.expires, 7 * 86_400)
      })
    )
  )

  it.effect("lets the longest ttl count for a record that is stored again, and never shortens it", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ store }) {
        const put = (ttl: number) => Effect.map(store(RecordKind.Block, block(1), ttl, stranger), (it) => it.expires)
        assert.deepStrictEqual([yield* put(100), yield* put(50), yield* put(200)], [100, 100, 200])
      })
    )
  )

  it.effect("refuses when it is not close, naming closer nodes, whatever else is wrong with the signature", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ store }) {
        const bad = mutable("a")
        bad[bad.length - 67]! ^= 1
        const refused = yield* Effect.flip(store(RecordKind.Mutable, bad, 100, stranger))
        assert.deepInclude(refused, { _tag: "RecordRefused", refusal: "NotClosest", closer: [other.bytes] })
        // what this node puts itself is not a question of place
        yield* store(RecordKind.Block, block(1), 100, undefined)
      }),
      { isClose: false, known: [other] }
    )
  )

  it.effect("never lets an older record replace a newer one, and refuses it before looking at its signature", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ records, refusal }) {
        assert.isUndefined(yield* refusal(RecordKind.Mutable, mutable("a", { seq: 5 })))
        const older = mutable("a", { seq: 4 })
        older[older.length - 67]! ^= 1
        assert.strictEqual(yield* refusal(RecordKind.Mutable, older), "Older")
        assert.isUndefined(yield* refusal(RecordKind.Mutable, mutable("a", { seq: 6 })))
        assert.strictEqual((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]?.seq, 6)
      })
    )
  )

  it.effect("does not believe a newer record with a bad signature", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ records, refusal }) {
        assert.isUndefined(yield* refusal(RecordKind.Mutable, mutable("a", { seq: 5 })))
        const newer = mutable("a", { seq: 9 })
        newer[newer.length - 1]! ^= 1
        assert.strictEqual(yield* refusal(RecordKind.Mutable, newer), "BadSignature")
        assert.strictEqual((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]?.seq, 5)
      })
    )
  )

  it.effect("settles two records of one seq on the same one in either order", () =>
    Effect.gen(function* () {
      const pair = [mutable("a", { value: Uint8Array.of(1) }), mutable("a", { value: Uint8Array.of(2) })]
      const settle = (order: ReadonlyArray<Uint8Array>, into: Array<Uint8Array>) =>
        withPipeline(
          Effect.fnUntraced(function* ({ records, refusal }) {
            for (const bytes of order) yield* refusal(RecordKind.Mutable, bytes)
            into.push((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]!.bytes)
          })
        )
      const results: Array<Uint8Array> = []
      yield* settle(pair, results)
      yield* settle(pair.toReversed(), results)
      assert.deepStrictEqual(results[0], results[1])
    })
  )

  it.effect("keeps the newest of concurrent stores under one key", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ records, refusal }) {
        const seqs = [3, 9, 1, 7, 5, 2, 8]
        yield* Effect.forEach(seqs, (seq) => refusal(RecordKind.Mutable, mutable("a", { seq })), { concurrency: 7 })
        assert.strictEqual((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]?.seq, 9)
      })
    )
  )

  it.effect("holds ten providers of one key, and lets the earliest announcement go for a later one", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ records, refusal }) {
        for (let n = 0; n < 10; n++) {
          assert.isUndefined(yield* refusal(RecordKind.Provider, provider(`p${n}`, key, 10 + n)))
        }
        assert.strictEqual(yield* refusal(RecordKind.Provider, provider("early", key, 9)), "Quota")
        assert.isUndefined(yield* refusal(RecordKind.Provider, provider("late", key, 90)))
        assert.isUndefined(yield* refusal(RecordKind.Provider, provider("p5", key, 95)))
        const held = yield* records.get(RecordKind.Provider, key)
        assert.strictEqual(held.length, 10)
        assert.isFalse(held.some((it) => it.seq === 10))
      })
    )
  )

  it.effect("tells a peer that stores too fast to wait, and listens to others meanwhile", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ refusal }) {
        for (let n = 0; n < STORE_RATE.burst; n++) yield* refusal(RecordKind.Block, block(1))
        assert.strictEqual(yield* refusal(RecordKind.Block, block(1)), "Busy")
        assert.isUndefined(yield* refusal(RecordKind.Block, block(1), other))
        yield* TestClock.adjust("1 second")
        assert.isUndefined(yield* refusal(RecordKind.Block, block(1)))
      })
    )
  )

  it.effect("refuses by quota when the disk share is used up, and what is there is closer than what comes", () =>
    withPipeline(
      Effect.fnUntraced(function* ({ refusal }) {
        const { nodeId } = yield* Identity
        const byDistance = Array.from({ length: 8 }, (_, n) => block(n, 900)).sort((a, b) =>
          compareDistance(nodeId, suite.sha256(a), suite.sha256(b))
        )
        assert.isUndefined(yield* refusal(RecordKind.Block, byDistance[0]!))
        assert.strictEqual(yield* refusal(RecordKind.Block, byDistance[7]!), "Quota")
      }),
      { quotaBytes: 1_000 }
    )
  )
})
