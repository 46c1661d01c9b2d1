import { assert, describe, it } from "@effect/vitest"
import { networkIdOf, nodeIdOf, signArray, signatureMessage, verifyRecord } from "#core/identity/signature"
import { suite } from "#layers/identity/NodeCrypto"
import { hexOf, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"

const network = networkIdOf(suite, "main")
const key = suite.signingKey(new Uint8Array(32).fill(1))

describe("signature", () => {
  it("ids are hashes of the bytes that the wire names", () => {
    assert.strictEqual(hexOf(network), hexOf(suite.sha256(utf8("allium/1 networkmain"))))
    assert.strictEqual(hexOf(nodeIdOf(suite, key.publicKey)), hexOf(suite.sha256(key.publicKey)))
  })

  it("what is signed is the label, a zero byte, the network and the array", () => {
    const text = `${hexOf(utf8("allium/1 peer"))}00${hexOf(network)}820105`
    assert.strictEqual(hexOf(signatureMessage("peer", network, encode([1, 5]))), text)
  })

  it("a record verifies wherever its signature stands, and not under another label, network, key or content", () => {
    const signature = signArray(key, "peer", network, encode([3, 5, "later"]))
    const record = encode([3, 5, signature, "later"])
    assert.isTrue(verifyRecord(suite, "peer", network, key.publicKey, record, 2))
    assert.isFalse(verifyRecord(suite, "grant", network, key.publicKey, record, 2))
    assert.isFalse(verifyRecord(suite, "peer", networkIdOf(suite, "local"), key.publicKey, record, 2))
    assert.isFalse(verifyRecord(suite, "peer", network, suite.signingKey(new Uint8Array(32)).publicKey, record, 2))
    assert.isFalse(verifyRecord(suite, "peer", network, key.publicKey, encode([3, 5, signature]), 2))
    assert.isFalse(verifyRecord(suite, "peer", network, key.publicKey, record, 1))
    assert.isFalse(verifyRecord(suite, "peer", network, key.publicKey, new Uint8Array(), 2))
  })
})
