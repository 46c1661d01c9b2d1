/** The node's identity out of its KeyStore, in the network that its settings name. */
import { Effect, Layer, Redacted } from "effect"
import { networkIdOf, nodeIdOf } from "#core/identity/signature"
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
  const onionKey = suite.agreementKey(random.bytes(32))
  const networkName = networkNameOf(settings)
  return Identity.of({
    publicKey: signing.publicKey as PublicKey,
    nodeId: nodeIdOf(suite, signing.publicKey),
    did: didOf(signing.publicKey),
    signing,
    noise: suite.agreementKey(Redacted.value(keys.noise)),
    onionKey,
    onion: onionKey.publicKey,
    networkName,
    networkId: networkIdOf(suite, networkName),
    local: settings.local
  })
})

export const layer = (settings: NetworkSettings) => Layer.effect(Identity, make(settings))
