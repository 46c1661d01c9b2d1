/** Keys that live as long as the layer: for tests, simulations and nodes that want a new identity at each start. */
import { Effect, Layer, Redacted } from "effect"
import { KeyStore } from "#services/identity/KeyStore"
import { SecureRandom } from "#services/identity/SecureRandom"

export const make = Effect.gen(function* () {
  const random = yield* SecureRandom
  const keys = { seed: Redacted.make(random.bytes(32)), noise: Redacted.make(random.bytes(32)) }
  return KeyStore.of({ load: Effect.succeed(keys) })
})

export const layer = Layer.effect(KeyStore, make)
