/** Bytes that repeat with the seed. For tests and simulations only: whoever knows the seed knows every key. */
import { Effect, Layer } from "effect"
import { seededBytes } from "#core/identity/seededBytes"
import { Crypto } from "#services/identity/Crypto"
import { SecureRandom } from "#services/identity/SecureRandom"

export const make = Effect.fnUntraced(function* (seed: string | Uint8Array) {
  return SecureRandom.of({ bytes: seededBytes(yield* Crypto, seed) })
})

export const layer = (seed: string | Uint8Array) => Layer.effect(SecureRandom, make(seed))
