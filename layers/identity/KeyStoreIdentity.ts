/** The node's identity out of its KeyStore, in the network that its settings name. */
import { Clock, Effect, Layer, Redacted } from "effect"
import { KEY_LENGTH } from "#core/identity/Suite"
import { networkIdOf, nodeIdOf } from "#core/identity/signature"
import { OnionKeys } from "#core/onion/OnionKeys"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import { networkNameOf, type Settings } from "#schemas/node/Settings"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KeyStore } from "#services/identity/KeyStore"
import { SecureRandom } from "#services/identity/SecureRandom"

/** What the seed is stretched for besides signing itself; the network's id follows. */
const PSEUDONYM = utf8("allium/1 pseudonym")

export type NetworkSettings = Pick<Settings, "network" | "local">

export const make = Effect.fnUntraced(function* (settings: NetworkSettings) {
  const suite = yield* Crypto
  const random = yield* SecureRandom
  const keys = yield* (yield* KeyStore).load
  const signing = suite.signingKey(Redacted.value(keys.seed))
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const networkName = networkNameOf(settings)
  const networkId = networkIdOf(suite, networkName)
  const pseudonymOf = (salt: Uint8Array) =>
    suite.hkdfSha256(Redacted.value(keys.seed), salt, concatBytes([PSEUDONYM, networkId]), KEY_LENGTH)
  return Identity.of({
    publicKey: signing.publicKey as PublicKey,
    nodeId: nodeIdOf(suite, signing.publicKey),
    did: didOf(signing.publicKey),
    signing,
    pseudonym: (salt) => suite.signingKey(pseudonymOf(salt)),
    noise: suite.agreementKey(Redacted.value(keys.noise)),
    onionKeys: new OnionKeys(suite.agreementKey(random.bytes(32)), now),
    networkName,
    networkId,
    local: settings.local
  })
})

export const layer = (settings: NetworkSettings) => Layer.effect(Identity, make(settings))
