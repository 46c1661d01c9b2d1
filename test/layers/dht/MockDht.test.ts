import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as MockDht from "#layers/dht/MockDht"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { Dht } from "#services/dht/Dht"
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

describe("MockDht", () => {
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
