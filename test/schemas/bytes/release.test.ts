import { assert, describe, it } from "@effect/vitest"
import { RELEASE_FROM, release } from "#schemas/bytes/release"

describe("release", () => {
  it("empties large bytes that are all of their buffer", () => {
    for (const bytes of [new Uint8Array(RELEASE_FROM), Buffer.allocUnsafeSlow(2 * RELEASE_FROM)]) {
      release(bytes)
      assert.strictEqual(bytes.length, 0)
      release(bytes)
    }
  })

  it("leaves small bytes, views and shared memory alone", () => {
    const whole = new Uint8Array(4 * RELEASE_FROM).fill(1)
    const kept = [
      new Uint8Array(RELEASE_FROM - 1),
      whole.subarray(1),
      whole.subarray(0, RELEASE_FROM),
      new Uint8Array(new SharedArrayBuffer(RELEASE_FROM))
    ]
    for (const bytes of kept) {
      const before = bytes.length
      release(bytes)
      assert.strictEqual(bytes.length, before)
    }
    assert.isTrue(whole.every((byte) => byte === 1))
  })
})
