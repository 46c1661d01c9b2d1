import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as MockDht from "#layers/dht/MockDht"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { Dht, NotFound } from "#services/dht/Dht"
import { MockControl } from "#services/dht/MockControl"
import { StorageFailed } from "#services/storage/RecordStore"
import { dhtLaws } from "../../laws/dht.ts"

const author = NodeCrypto.suite.signingKey(new Uint8Array(32)).publicKey as PublicKey
/** Of a mock that has no identity. */
const networkId = NodeCrypto.suite.sha256(new Uint8Array(32))

dhtLaws(
  "MockDht",
  Effect.map(Layer.build(MockDht.layer.pipe(Layer.provide(NodeCrypto.layer))), (services) => {
    const dht = Context.get(services, Dht)
    return { dht, reader: dht, author, networkId, now: Clock.currentTimeMillis, advance: TestClock.adjust }
  })
)

const built = (bytes?: number) =>
  Effect.map(
    Layer.build(MockDht.layerOf(bytes === undefined ? {} : { bytes }).pipe(Layer.provide(NodeCrypto.layer))),
    (services) => [Context.get(services, Dht), Context.get(services, MockControl)] as const
  )
const broken = new StorageFailed({ operation: "put", cause: new Error("told to") })

describe("MockDht", () => {
  it.effect("takes its time, in all operations or in one, and has done nothing before", () =>
    Effect.gen(function* () {
      const [dht, control] = yield* built()
      yield* control.all({ latency: "2 seconds" })
      yield* control.one("getBlock", { latency: Duration.infinity })
      const put = yield* Effect.forkChild(dht.putBlock(Uint8Array.of(1)))
      const get = yield* Effect.forkChild(dht.getBlock(new Uint8Array(32)))
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(put.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const { key } = yield* Fiber.join(put)
      yield* TestClock.adjust("1 day")
      assert.isUndefined(get.pollUnsafe())
      yield* Fiber.interrupt(get)
      yield* control.all({})
      assert.deepStrictEqual(yield* dht.getBlock(key), Uint8Array.of(1))
    })
  )

  it.effect("fails as it was told, in all operations or with an error of one's own, and keeps nothing meanwhile", () =>
    Effect.gen(function* () {
      const [dht, control] = yield* built()
      yield* control.all({ failure: broken })
      const key = NodeCrypto.suite.sha256(Uint8Array.of(1))
      yield* control.one("getBlock", { failure: new NotFound({ key, asked: 7 }) })
      assert.strictEqual(yield* Effect.flip(dht.putBlock(Uint8Array.of(1))), broken)
      assert.strictEqual(yield* Effect.flip(dht.findProviders(cidOfDigest(RAW, key))), broken)
      assert.deepInclude(yield* Effect.flip(dht.getBlock(key)), { _tag: "NotFound", asked: 7 })
      yield* control.all({})
      assert.deepInclude(yield* Effect.flip(dht.getBlock(key)), { _tag: "NotFound", asked: 0 })
    })
  )

  it.effect("pretends to have others behind it", () =>
    Effect.gen(function* () {
      const [dht, control] = yield* built()
      yield* control.peers(3)
      const { holders, reached } = yield* dht.putBlock(Uint8Array.of(1), { factor: 3 })
      assert.deepStrictEqual([reached, holders.length], [3, 3])
      assert.strictEqual((yield* dht.putBlock(Uint8Array.of(1), { factor: 20 })).reached, 4)
      assert.strictEqual((yield* dht.putBlock(Uint8Array.of(1), { factor: 1 })).reached, 1)
      const missing = yield* Effect.flip(dht.getMutable(author, Uint8Array.of(1)))
      assert.deepInclude(missing, { _tag: "NotFound", asked: 3 })
    })
  )

  it.effect("forgets what nobody has read for longest when it holds as much as it may", () =>
    Effect.gen(function* () {
      const [dht] = yield* built(40_000)
      const put = (n: number) => dht.putBlock(new Uint8Array(10_000).fill(n))
      const [one, two, three] = [yield* put(1), yield* put(2), yield* put(3)]
      yield* dht.getBlock(one.key)
      yield* put(4)
      yield* dht.getBlock(one.key)
      assert.strictEqual((yield* Effect.flip(dht.getBlock(two.key)))._tag, "NotFound")
      yield* dht.getBlock(three.key)
    })
  )

  it.effect("refuses to be anonymous, having nobody who could make it so", () =>
    Effect.gen(function* () {
      const dht = Context.get(yield* Layer.build(MockDht.layer.pipe(Layer.provide(NodeCrypto.layer))), Dht)
      const [options, bytes, salt] = [{ privacy: "anonymous" } as const, Uint8Array.of(1), Uint8Array.of(2)]
      const key = NodeCrypto.suite.sha256(bytes)
      const cid = cidOfDigest(RAW, key)
      const refused = yield* Effect.all([
        Effect.flip(dht.putBlock(bytes, options)),
        Effect.flip(dht.getBlock(key, options)),
        Effect.flip(dht.putMutable(salt, bytes, options)),
        Effect.flip(dht.getMutable(author, salt, options)),
        Effect.flip(dht.provide(cid, options)),
        Effect.flip(dht.findProviders(cid, options)),
        Effect.flip(dht.putName("n", bytes, options)),
        Effect.flip(dht.getName("n", options)),
        Effect.flip(dht.getRecords(RecordKind.Provider, key, options))
      ])
      for (const { _tag } of refused) assert.strictEqual(_tag, "PrivacyUnavailable")
    })
  )
})
