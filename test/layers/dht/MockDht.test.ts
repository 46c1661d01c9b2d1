import { Clock, Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as MockDht from "#layers/dht/MockDht"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
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
