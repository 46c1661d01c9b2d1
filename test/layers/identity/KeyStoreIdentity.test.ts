import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { networkIdOf, nodeIdOf } from "#core/identity/signature"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NobleCrypto from "#layers/identity/NobleCrypto"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import { hexOf } from "#schemas/bytes/bytes"
import { Identity } from "#services/identity/Identity"

const identity = (seed: string, settings: KeyStoreIdentity.NetworkSettings, crypto = NodeCrypto.layer) => {
  const random = SeededRandom.layer(seed).pipe(Layer.provide(crypto))
  const keys = MemoryKeyStore.layer.pipe(Layer.provide(random))
  const layer = KeyStoreIdentity.layer(settings).pipe(Layer.provide([crypto, random, keys]))
  return Effect.provide(Identity, layer)
}
const main = { network: "main", local: false }
const { suite } = NodeCrypto

describe("KeyStoreIdentity", () => {
  it.effect("its names all come from the one public key, whose signatures verify", () =>
    Effect.gen(function* () {
      const own = yield* identity("a", main)
      assert.isTrue(own.did.startsWith("did:key:z6Mk"))
      assert.strictEqual(hexOf(own.nodeId), hexOf(nodeIdOf(suite, own.publicKey)))
      assert.isTrue(suite.verify(own.publicKey, own.nodeId, own.signing.sign(own.nodeId)))
      const keys = [own.publicKey, own.noise.publicKey, own.onionKeys.current.publicKey].map(hexOf)
      assert.strictEqual(new Set(keys).size, 3)
    })
  )

  it.effect("the same seed gives the same node whatever the suite, another seed another", () =>
    Effect.gen(function* () {
      const [one, portable, other] = yield* Effect.all([
        identity("a", main),
        identity("a", main, NobleCrypto.layer),
        identity("b", main)
      ])
      assert.deepEqual(
        [one.did, hexOf(one.onionKeys.current.publicKey)],
        [portable.did, hexOf(portable.onionKeys.current.publicKey)]
      )
      assert.notStrictEqual(one.did, other.did)
    })
  )

  it.effect("its pseudonyms come back with the seed, and have nothing in common with each other or with it", () =>
    Effect.gen(function* () {
      const salts = [Uint8Array.of(), Uint8Array.of(1), Uint8Array.of(2)]
      const nodes = [
        yield* identity("a", main),
        yield* identity("b", main),
        yield* identity("a", { ...main, local: true })
      ]
      const keys = nodes.flatMap((own) => salts.map((salt) => hexOf(own.pseudonym(salt).publicKey)))
      assert.strictEqual(new Set([...keys, ...nodes.map(({ publicKey }) => hexOf(publicKey))]).size, 11)
      const portable = yield* identity("a", main, NobleCrypto.layer)
      assert.deepStrictEqual(
        salts.map((salt) => hexOf(portable.pseudonym(salt).publicKey)),
        keys.slice(0, 3)
      )
      const pseudonym = portable.pseudonym(Uint8Array.of(1))
      assert.isTrue(suite.verify(pseudonym.publicKey, salts[2]!, pseudonym.sign(salts[2]!)))
    })
  )

  it.effect("local overrides the name of the network, and so its id", () =>
    Effect.gen(function* () {
      const own = yield* identity("a", { network: "main", local: true })
      assert.strictEqual(own.networkName, "local")
      assert.isTrue(own.local)
      assert.strictEqual(hexOf(own.networkId), hexOf(networkIdOf(suite, "local")))
      assert.strictEqual(hexOf((yield* identity("a", main)).networkId), hexOf(networkIdOf(suite, "main")))
    })
  )
})
