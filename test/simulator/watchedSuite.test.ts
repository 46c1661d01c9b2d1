import { assert, describe, it } from "@effect/vitest"
import { suite } from "#layers/identity/NodeCrypto"
import { watchedSuite } from "#simulator/watchedSuite"

const bytes = (fill: number) => new Uint8Array(32).fill(fill)

const counted = () => {
  const asked = { verify: 0, agree: 0, reused: 0 }
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
    () => void asked.reused++
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
})
