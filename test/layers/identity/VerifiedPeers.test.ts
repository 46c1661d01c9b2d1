import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { VerifiedContacts } from "#core/identity/VerifiedContacts"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import { KnownPeers } from "#services/identity/KnownPeers"
import { PeerBookLimit } from "#services/identity/Limits"
import { SharedContacts } from "#services/identity/SharedContacts"
import { identity, peer } from "../dht/fixtures.ts"

const bookOf = (given: Layer.Layer<never> = Layer.empty) =>
  Layer.build(VerifiedPeers.layer.pipe(Layer.provide(identity("me")), Layer.provide(given))).pipe(
    Effect.map((services) => Context.get(services, KnownPeers))
  )

describe("VerifiedPeers", () => {
  it.effect("has a book of its own, as large as it is told", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* bookOf()).limit, 4096)
      const small = yield* bookOf(Layer.succeed(PeerBookLimit, 2))
      for (const name of ["a", "b", "c"]) small.admit(peer(name).bytes, 0)
      assert.strictEqual(small.size, 2)
    })
  )

  it.effect("shares what is verified where that is provided", () =>
    Effect.gen(function* () {
      const verified = new VerifiedContacts()
      const shared = Layer.succeed(SharedContacts, verified)
      const [one, other] = [yield* bookOf(shared), yield* bookOf(shared)]
      const { bytes } = peer("a")
      one.admit(bytes, 0)
      other.admit(bytes, 0)
      assert.strictEqual(verified.size, 1)
      assert.isDefined(one.find(peer("a").publicKey))
      assert.strictEqual(one.find(peer("a").publicKey), other.find(peer("a").publicKey))
    })
  )
})
