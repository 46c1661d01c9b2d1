import { assert, describe, it } from "@effect/vitest"
import { isSoundPublicKey } from "#core/identity/isSoundPublicKey"

/** y = 2^255 − 256 + low, with either sign of x. */
const high = (low: number, sign: 0 | 0x80) => Uint8Array.of(low, ...new Uint8Array(30).fill(0xff), 0x7f | sign)

describe("isSoundPublicKey", () => {
  it("refuses y from p − 1 on, and no y below", () => {
    for (const sign of [0, 0x80] as const) {
      for (let low = 0xe8; low <= 0xff; low++)
        assert.strictEqual(isSoundPublicKey(high(low, sign)), low < 0xec, `${low}`)
    }
  })

  it("refuses other lengths than 32", () => {
    const sound = high(0xe8, 0)
    assert.isTrue(isSoundPublicKey(sound))
    assert.isFalse(isSoundPublicKey(sound.subarray(1)))
    assert.isFalse(isSoundPublicKey(Uint8Array.of(...sound, 0)))
  })
})
