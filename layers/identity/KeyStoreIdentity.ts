/** The node's identity out of its KeyStore, in the network that its settings name. */
import { Clock, Effect, Layer, Redacted } from "effect"
import { networkIdOf, nodeIdOf } from "#core/identity/signature"
import { OnionKeys } from "#core/onion/OnionKeys"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import { networkNameOf, type Settings } from "#schemas/node/Settings"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KeyStore } from "#services/identity/KeyStore"
import { SecureRandom } from "#services/identity/SecureRandom"

export type NetworkSettings = Pick<Settings, "network" | "local">

export const make = Effect.fnUntraced(function* (settings: NetworkSettings) {
  const suite = yield* Crypto
  const random = yield* SecureRandom
  const keys = yield* (yield* KeyStore).load
  const signing = suite.signingKey(Redacted.value(keys.seed))
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const networkName = networkNameOf(settings)
  return Identity.of({
    publicKey: signing.publicKey as PublicKey,
    nodeId: nodeIdOf(suite, signing.publicKey),
    did: didOf(signing.publicKey),
    signing,
    noise: suite.agreementKey(Redacted.value(keys.noise)),
    onionKeys: new OnionKeys(suite.agreementKey(random.bytes(32)), now),
    networkName,
    networkId: networkIdOf(suite, networkName),
    local: settings.local
  })
})

export const layer = (settings: NetworkSettings) => Layer.effect(Identity, make(settings))
