/** What every cryptographic suite keeps, and that two suites give the same bytes and the same judgements. */
import { assert, describe, it } from "@effect/vitest"
import { ed25519 } from "@noble/curves/ed25519.js"
import { sha512 } from "@noble/hashes/sha2.js"
import { Schema } from "effect"
import { nobleSuite } from "#core/identity/nobleSuite"
import type { Suite } from "#core/identity/Suite"

const Key = Schema.Uint8Array.check(Schema.isBetweenLength(32, 32))
const Nonce = Schema.Uint8Array.check(Schema.isBetweenLength(12, 12))
const Data = Schema.Uint8Array.check(Schema.isMaxLength(300))

/** Equal as bytes, whether plain or a Buffer. */
export const sameBytes = (actual: Uint8Array | undefined, expected: Uint8Array | undefined, what?: string) =>
  assert.strictEqual(
    actual && Buffer.from(actual).toString("hex"),
    expected && Buffer.from(expected).toString("hex"),
    what
  )

const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte)
const changed = (bytes: Uint8Array, at: number) =>
  Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte))
const { Point } = ed25519

/**
 * A key of mixed order (aB + T with T of order 8) and a signature that satisfies the equation multiplied by the
 * cofactor. The plain equation holds for about one message in eight.
 */
const mixedOrder = (message: Uint8Array) => {
  const torsion = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
  const a = 12345n
  const r = 67890n
  const publicKey = Point.BASE.multiply(a).add(torsion).toBytes()
  const point = Point.BASE.multiply(r).toBytes()
  const digest = sha512(Buffer.concat([point, publicKey, message]))
  const k = Point.Fn.create(BigInt(`0x${Buffer.from(digest).reverse().toString("hex")}`))
  const s = Point.Fn.add(r, Point.Fn.mul(k, a))
  const scalar = Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse()
  return { publicKey, signature: new Uint8Array(Buffer.concat([point, scalar])), holds: k % 8n === 0n }
}

export const suiteLaws = (name: string, suite: Suite) =>
  describe(name, () => {
    const opts = { arbitrary: { runs: 60 } }

    it.prop(
      "hashes, HMAC and HKDF give the bytes of the reference",
      [Data, Data, Data],
      ([a, b, c]) => {
        sameBytes(suite.sha256(a), nobleSuite.sha256(a))
        sameBytes(suite.hmacSha256(a, b), nobleSuite.hmacSha256(a, b))
        for (const length of [0, 1, 32, 33, 64, 96]) {
          sameBytes(suite.hkdfSha256(a, b, c, length), nobleSuite.hkdfSha256(a, b, c, length))
        }
      },
      opts
    )

    it.prop(
      "agreement gives the bytes of the reference, and both sides the same secret",
      [Key, Key],
      ([a, b]) => {
        const [ours, theirs, reference] = [suite.agreementKey(a), suite.agreementKey(b), nobleSuite.agreementKey(a)]
        sameBytes(ours.publicKey, reference.publicKey)
        sameBytes(ours.agree(theirs.publicKey), reference.agree(theirs.publicKey))
        sameBytes(ours.agree(theirs.publicKey), theirs.agree(ours.publicKey))
      },
      { arbitrary: { runs: 20 } }
    )

    it("agreement refuses small-order points and keys that are not 32 bytes", () => {
      const key = suite.agreementKey(filled(7))
      for (const theirs of [
        filled(0),
        Uint8Array.of(1, ...filled(0, 31)),
        filled(9, 31),
        filled(9, 33),
        new Uint8Array()
      ]) {
        assert.isUndefined(key.agree(theirs))
      }
    })

    it.prop(
      "signatures are those of the reference and verify only unchanged",
      [Key, Data],
      ([seed, message]) => {
        const key = suite.signingKey(seed)
        const signature = key.sign(message)
        sameBytes(key.publicKey, nobleSuite.signingKey(seed).publicKey)
        sameBytes(signature, nobleSuite.signingKey(seed).sign(message))
        assert.isTrue(suite.verify(key.publicKey, message, signature))
        assert.isFalse(suite.verify(key.publicKey, Uint8Array.of(...message, 0), signature))
        for (const at of [0, 31, 32, 63]) assert.isFalse(suite.verify(key.publicKey, message, changed(signature, at)))
        assert.isFalse(suite.verify(changed(key.publicKey, 3), message, signature))
      },
      { arbitrary: { runs: 10 } }
    )

    it("verification refuses small-order, over-long and short keys whatever the signature", () => {
      const message = filled(1, 5)
      // R = the identity, S = 0 satisfies the equation under the identity key for every message.
      const universal = Uint8Array.of(1, ...filled(0, 63))
      const small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "01"
      ]
      for (const key of small) assert.isFalse(suite.verify(Buffer.from(key, "hex"), message, universal), key)
      assert.isFalse(suite.verify(filled(2), message, universal.subarray(1)))
    })

    it("verification does not multiply by the cofactor", () => {
      const seen = { held: 0, failed: 0 }
      for (let index = 0; index < 24; index++) {
        const message = filled(index, 4)
        const { holds, publicKey, signature } = mixedOrder(message)
        assert.strictEqual(suite.verify(publicKey, message, signature), holds)
        assert.isTrue(ed25519.verify(signature, message, publicKey, { zip215: false }), "the case is a real one")
        seen[holds ? "held" : "failed"]++
      }
      assert.isAbove(seen.failed, 0)
    })

    it.prop(
      "sealing gives the bytes of the reference and opens only unchanged",
      [Key, Nonce, Data, Data, Data],
      ([key, nonce, ad, a, b]) => {
        const aead = suite.aead(key)
        const pieces = aead.seal(nonce, ad, [a, b])
        assert.lengthOf(pieces.at(-1)!, 16)
        const sealed = Buffer.concat(pieces)
        sameBytes(sealed, Buffer.concat(nobleSuite.aead(key).seal(nonce, ad, [Buffer.concat([a, b])])))
        sameBytes(aead.open(nonce, ad, sealed), Buffer.concat([a, b]))
        for (const at of [0, sealed.length - 1]) assert.isUndefined(aead.open(nonce, ad, changed(sealed, at)))
        assert.isUndefined(aead.open(changed(nonce, 0), ad, sealed))
        assert.isUndefined(aead.open(nonce, Uint8Array.of(...ad, 0), sealed))
        for (const length of [0, 15, sealed.length - 1])
          assert.isUndefined(aead.open(nonce, ad, sealed.subarray(0, length)))
      },
      opts
    )

    it.prop(
      "a tag may be given apart, and is then as good and as long as it must be",
      [Key, Nonce, Data, Data],
      ([key, nonce, ad, data]) => {
        const aead = suite.aead(key)
        const sealed = Buffer.concat(aead.seal(nonce, ad, [data]))
        const [text, tag] = [sealed.subarray(0, -16), sealed.subarray(-16)]
        sameBytes(aead.open(nonce, ad, text, tag), data)
        for (const at of [0, 15]) assert.isUndefined(aead.open(nonce, ad, text, changed(tag, at)))
        for (const wrong of [tag.subarray(1), new Uint8Array(), Uint8Array.of(...tag, 0)])
          assert.isUndefined(aead.open(nonce, ad, text, wrong))
        for (const second of [tag, new Uint8Array()]) assert.isUndefined(aead.open(nonce, ad, sealed, second))
        if (text.length > 0) assert.isUndefined(aead.open(nonce, ad, changed(text, 0), tag))
      },
      opts
    )

    it.prop(
      "the key stream is that of the reference, from any block",
      [Key, Nonce, Data],
      ([key, nonce, data]) => {
        for (const counter of [0, 1, 700]) {
          sameBytes(suite.chacha20(key, nonce, counter, data), nobleSuite.chacha20(key, nonce, counter, data))
        }
        const whole = suite.chacha20(key, nonce, 0, filled(0, 128))
        sameBytes(suite.chacha20(key, nonce, 1, filled(0, 64)), whole.subarray(64))
      },
      opts
    )

    it("the key stream is that of RFC 8439, section 2.4.2", () => {
      const text =
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
      const cipher = suite.chacha20(
        Uint8Array.from({ length: 32 }, (_, index) => index),
        Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x4a, 0, 0, 0, 0),
        1,
        new TextEncoder().encode(text)
      )
      const published = `6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357
        1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6
        b40b8eedf2785e42874d`
      sameBytes(cipher, Buffer.from(published.replaceAll(/\s/g, ""), "hex"))
    })

    it("keys are copied, so that a caller may wipe its own", () => {
      const secret = filled(5)
      const keys = [suite.agreementKey(secret), suite.signingKey(secret)] as const
      const aead = suite.aead(secret)
      const before = [keys[0].agree(filled(9)), keys[1].sign(filled(1)), aead.seal(filled(0, 12), filled(0), [])[0]]
      secret.fill(0)
      sameBytes(keys[0].agree(filled(9)), before[0])
      sameBytes(keys[1].sign(filled(1)), before[1])
      sameBytes(aead.seal(filled(0, 12), filled(0), [])[0], before[2])
    })
  })
