import { assert, describe, it } from "@effect/vitest"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { sameBytes, suiteLaws } from "../../laws/suite.ts"

suiteLaws("NodeCrypto", NodeCrypto.suite)

describe("NodeCrypto", () => {
  it("gives the same answers after its memory of public keys has been flooded", () => {
    const suite = NodeCrypto.make()
    const ours = suite.agreementKey(new Uint8Array(32).fill(1))
    const theirs = suite.agreementKey(new Uint8Array(32).fill(2))
    const before = ours.agree(theirs.publicKey)
    for (let index = 0; index < 600; index++) {
      const stranger = new Uint8Array(32).fill(3)
      new DataView(stranger.buffer).setUint32(0, index)
      assert.isDefined(ours.agree(stranger))
    }
    sameBytes(ours.agree(theirs.publicKey), before)
  })

  it("leaves the depth of stack traces as it was, also after an import that failed", () => {
    const before = Error.stackTraceLimit
    const suite = NodeCrypto.make()
    suite.agreementKey(new Uint8Array(32).fill(1)).agree(new Uint8Array(32).fill(9))
    assert.isFalse(suite.verify(new Uint8Array(32).fill(2), new Uint8Array(), new Uint8Array(64)))
    assert.throws(() => suite.agreementKey(new Uint8Array(31)))
    assert.strictEqual(Error.stackTraceLimit, before)
  })
})
