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
    for (let index = 0; index < 2_500; index++) {
      const stranger = new Uint8Array(32).fill(3)
      new DataView(stranger.buffer).setUint32(0, index)
      assert.isDefined(ours.agree(stranger))
    }
    sameBytes(ours.agree(theirs.publicKey), before)
  })
})
