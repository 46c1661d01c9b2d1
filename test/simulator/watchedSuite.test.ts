import { assert, describe, it } from "@effect/vitest"
import { deriveKeys } from "#core/onion/layerKeys"
import { suite } from "#layers/identity/NodeCrypto"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { watchedSuite } from "#simulator/watchedSuite"

const bytes = (fill: number) => new Uint8Array(32).fill(fill)

const counted = () => {
  const asked = { verify: 0, agree: 0, reused: 0, unbound: 0 }
  const watched = watchedSuite(
    {
      ...suite,
      verify: (...args) => {
        asked.verify++
        return suite.verify(...args)
      },
      agreementKey: (secret) => {
        const { agree, publicKey } = suite.agreementKey(secret)
        return {
          publicKey,
          agree: (theirs) => {
            asked.agree++
            return agree(theirs)
          }
        }
      }
    },
    { onNonceReuse: () => void asked.reused++, onUnboundKeys: () => void asked.unbound++ }
  )
  return { asked, watched }
}

describe("watchedSuite", () => {
  it("agrees on what the real one agrees on, and computes it once for both sides", () => {
    const { asked, watched } = counted()
    const [alice, bob] = [watched.agreementKey(bytes(1)), watched.agreementKey(bytes(2))]
    const expected = suite.agreementKey(bytes(1)).agree(bob.publicKey)
    assert.deepStrictEqual(alice.agree(bob.publicKey), expected)
    assert.deepStrictEqual(bob.agree(alice.publicKey), expected)
    assert.strictEqual(asked.agree, 1)
    const carol = watched.agreementKey(bytes(3))
    assert.notDeepEqual(carol.agree(bob.publicKey), expected)
    assert.isUndefined(alice.agree(new Uint8Array(32)), "the zero agreement")
  })

  it("verifies a signature once, and never takes it for one over something else", () => {
    const { asked, watched } = counted()
    const key = watched.signingKey(bytes(4))
    const signature = key.sign(bytes(5))
    for (let again = 0; again < 3; again++) assert.isTrue(watched.verify(key.publicKey, bytes(5), signature))
    assert.strictEqual(asked.verify, 1)
    assert.isFalse(watched.verify(key.publicKey, bytes(6), signature))
    assert.isFalse(watched.verify(watched.signingKey(bytes(7)).publicKey, bytes(5), signature))
  })

  it("notices a nonce that comes twice under one key, and only that", () => {
    const { asked, watched } = counted()
    const nonce = (counter: number) => new Uint8Array([0, 0, 0, 0, counter, 0, 0, 0, 0, 0, 0, 0])
    const [one, other] = [watched.aead(bytes(8)), watched.aead(bytes(9))]
    for (const aead of [one, other]) for (let at = 0; at < 3; at++) aead.seal(nonce(at), bytes(0), [bytes(1)])
    assert.strictEqual(asked.reused, 0)
    one.seal(nonce(2), bytes(0), [bytes(1)])
    assert.strictEqual(asked.reused, 1)
  })

  it("notices keys of an onion's layer that are not made of both public keys, and of nothing else", () => {
    const { asked, watched } = counted()
    const [ephemeral, onion, other] = [1, 2, 3].map((fill) => watched.agreementKey(bytes(fill)))
    const both = concatBytes([ephemeral!.publicKey, onion!.publicKey])
    const derive = (salt: Uint8Array, info = "allium/1 onion", shared = ephemeral!.agree(onion!.publicKey)!) =>
      watched.hkdfSha256(shared, salt, utf8(info), 96)
    deriveKeys(watched, ephemeral!.agree(onion!.publicKey)!, ephemeral!.publicKey, onion!.publicKey)
    deriveKeys(watched, onion!.agree(ephemeral!.publicKey)!, ephemeral!.publicKey, onion!.publicKey)
    derive(both)
    derive(bytes(0), "another purpose")
    assert.strictEqual(asked.unbound, 0)
    const elsewhere = onion!.agree(other!.publicKey)!
    for (const wrong of [
      () => derive(new Uint8Array(0)),
      () => derive(both.subarray(0, 32)),
      () => derive(concatBytes([other!.publicKey, onion!.publicKey])),
      () =>
        derive(
          both,
          undefined,
          elsewhere.map((byte) => byte ^ 1)
        )
    ]) {
      const before = asked.unbound
      wrong()
      assert.strictEqual(asked.unbound, before + 1)
    }
  })
})
