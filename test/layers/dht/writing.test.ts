/** What a put asks of others, what it keeps for itself, and what it promises to come back to. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import { bitsOf } from "#core/dht/work"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import * as Mutable from "#schemas/dht/Mutable"
import { LIFETIME, RecordKind, WEEK_LIFETIME } from "#schemas/dht/Record"
import { workRequired } from "#schemas/rpc/RpcFailure"
import { amidst, type Saying, showing, stored } from "./crowd.ts"
import { announcement, mutable, mutableKey, suite } from "./fixtures.ts"

const salt = Uint8Array.of(1)
const block = (n: number) => new Uint8Array(100).fill(n)
const letters = [..."abcdefgh"]
const takes: Saying = () => ({ ...stored, expires: 1_000_000_000 })
const crowdOf = (saying: Saying, names = letters) => Object.fromEntries(names.map((it) => [it, saying]))

describe("pins", () => {
  it.effect("a put without a lifetime is pinned, due at half of its life", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ dht, pins }) {
        yield* TestClock.adjust("1000 seconds")
        const { key } = yield* dht.putBlock(block(1), { factor: 4 })
        assert.deepStrictEqual(yield* pins.find(RecordKind.Block, key), {
          kind: RecordKind.Block,
          key,
          tree: false,
          factor: 4,
          priority: 0,
          created: 1_000,
          refreshed: 1_000,
          due: 1_000 + WEEK_LIFETIME / 2,
          size: 100,
          copies: 4,
          proven: -1
        })
        const name = yield* dht.putName("n", block(1))
        assert.strictEqual((yield* pins.find(RecordKind.Name, name.key))?.due, 1_000 + LIFETIME / 2)
        const record = yield* dht.putRecord(RecordKind.Mutable, mutable("x", { expires: 2_000 }))
        assert.strictEqual((yield* pins.find(RecordKind.Mutable, record.key))?.due, 1_500)
        assert.strictEqual(yield* pins.count, 3)
      })
    )
  )

  it.effect("one with a lifetime is not, unless it says so, and one that says not to is not", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ dht, pins }) {
        yield* dht.putBlock(block(1), { lifetime: 100 })
        yield* dht.putBlock(block(2), { keep: false })
        yield* dht.provide(cidOfDigest(RAW, suite.sha256(block(1))))
        assert.strictEqual(yield* pins.count, 0)
        const { key } = yield* dht.putBlock(block(3), { lifetime: 100, keep: true })
        assert.strictEqual((yield* pins.find(RecordKind.Block, key))?.due, 50)
      })
    )
  )

  it.effect("what an operator pinned keeps his priority, and its tree", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ dht, pins }) {
        const key = suite.sha256(block(1))
        const before = { kind: 0, key, tree: true, factor: 2, priority: 9, created: 7, refreshed: 7, due: 8 }
        yield* pins.put([{ ...before, size: 70_000, copies: 1, proven: 1 }])
        yield* dht.putBlock(block(1))
        const after = yield* pins.find(RecordKind.Block, key)
        assert.deepInclude(after, { tree: true, priority: 9, created: 7, size: 70_000, factor: 3, refreshed: 0 })
      })
    )
  )

  it.effect("what is deleted is no longer kept", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ dht, pins }) {
        yield* dht.putMutable(salt, block(1))
        yield* dht.putName("n", block(1))
        assert.strictEqual(yield* pins.count, 2)
        yield* dht.putMutable(salt, new Uint8Array(0))
        yield* dht.putName("n", new Uint8Array(0))
        assert.strictEqual(yield* pins.count, 0)
      })
    )
  )
})

describe("refreshing", () => {
  it.effect("pins nothing, and sends others' records for what is left of their life", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ asked, dht, pins }) {
        yield* dht.putRecord(RecordKind.Mutable, mutable("x", { expires: 2_000 }), { keep: false })
        yield* TestClock.adjust("500 seconds")
        const before = asked.length
        const receipt = yield* dht.refresh(RecordKind.Mutable, mutableKey("x"))
        assert.strictEqual(receipt.expires, 2_000)
        for (const { request } of asked.slice(before)) {
          assert.deepInclude(request, { _tag: "Store", record: mutable("x", { expires: 2_000 }), ttl: 1_500 })
        }
        assert.strictEqual(yield* pins.count, 0)
      })
    )
  )

  it.effect("signs this node's own anew, with the same words", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ asked, dht }) {
        const { key, seq } = yield* dht.putMutable(salt, block(1), { lifetime: 1_000 })
        yield* TestClock.adjust("600 seconds")
        yield* dht.refresh(RecordKind.Mutable, key)
        const request = asked.at(-1)?.request
        const sent = Mutable.read(request?._tag === "Store" ? request.record : new Uint8Array(0))
        assert.deepInclude(Result.getOrThrow(sent), { value: block(1), salt, issued: 600, expires: 1_600 })
        assert.isAbove(Result.getOrThrow(sent).seq, seq)
      })
    )
  )

  it.effect("does not send what the disk has damaged, and drops it", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ asked, dht, records }) {
        const { key } = yield* dht.putBlock(block(1))
        const [row] = yield* records.get(RecordKind.Block, key)
        yield* records.put([{ ...row!, bytes: block(2) }])
        const before = asked.length
        assert.strictEqual((yield* Effect.flip(dht.refresh(RecordKind.Block, key)))._tag, "NotFound")
        assert.strictEqual(asked.length, before)
        assert.deepStrictEqual(yield* records.get(RecordKind.Block, key), [])
      })
    )
  )
})

describe("work that is asked for", () => {
  it.effect("is done once for all who ask, and shown", () => {
    const demanding: Saying = (request) => {
      if (request._tag !== "Store") return showing([])
      const job = { kind: request.kind, key: mutableKey("x"), digest: suite.sha256(request.record) }
      return bitsOf(suite, job, 0, request.work) >= 12 ? stored : workRequired(12)
    }
    return amidst(
      crowdOf(demanding),
      Effect.fnUntraced(function* ({ asked, dht }) {
        const { reached } = yield* dht.putRecord(RecordKind.Mutable, mutable("x"))
        assert.strictEqual(reached, 4)
        const nonces = asked.flatMap(({ request }) => (request._tag === "Store" ? [String(request.work)] : []))
        assert.deepStrictEqual([nonces.length, new Set(nonces).size], [6, 2])
      })
    )
  })

  it.effect("is not done twice for one who is never content", () =>
    amidst(
      { a: () => workRequired(8), b: takes },
      Effect.fnUntraced(function* ({ asked, dht }) {
        const { reached } = yield* dht.putRecord(RecordKind.Mutable, mutable("x"))
        assert.strictEqual(reached, 2)
        assert.strictEqual(asked.filter(({ by }) => by === "a").length, 2)
      })
    )
  )
})

describe("finished records", () => {
  it.effect("go out as they are, for as long as they live, to as many as are wanted", () =>
    amidst(
      crowdOf(takes),
      Effect.fnUntraced(function* ({ asked, dht }) {
        const record = announcement("x", "relay")
        const { holders, reached } = yield* dht.putRecord(RecordKind.Announcement, record, { factor: 2 })
        assert.deepStrictEqual([reached, holders.length], [3, 3])
        for (const { request } of asked) assert.deepInclude(request, { _tag: "Store", record, ttl: 1_000 })
      })
    )
  )
})
