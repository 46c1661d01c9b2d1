/** Sessions as WIRE.md §3 has them: Noise XX, every frame sealed. The way of every real network. */
import { Effect, Layer } from "effect"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { SessionManager } from "#services/session/SessionManager"
import { makeSessions, type SessionOptions } from "./makeSessions.ts"
import { makeNoiseHandshaker } from "./noiseHandshake.ts"

const SECRET_BYTES = 32

export const make = Effect.fnUntraced(function* (options: SessionOptions) {
  const [suite, identity, random] = [yield* Crypto, yield* Identity, yield* SecureRandom]
  return yield* makeSessions(
    options,
    makeNoiseHandshaker({
      suite,
      staticKey: identity.noise,
      networkId: identity.networkId,
      secret: () => random.bytes(SECRET_BYTES)
    })
  )
})

export const layer = (options: SessionOptions) => Layer.effect(SessionManager, make(options))
