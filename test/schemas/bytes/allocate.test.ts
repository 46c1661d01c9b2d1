import { assert, describe, it } from "@effect/vitest"
import { allocate } from "#schemas/bytes/bytes"

describe("allocate", () => {
  it("hands out zeros that nobody else has, of any length", () => {
    const pieces = Array.from({ length: 3000 }, (_, at) => allocate(at % 1500).fill(at))
    for (const [at, piece] of pieces.entries()) {
      assert.strictEqual(piece.length, at % 1500)
      assert.isTrue(piece.every((byte) => byte === at % 256))
    }
    assert.isTrue(allocate(1024).every((byte) => byte === 0))
  })

  it("gives a long piece an array of its own, so that keeping it keeps nothing else", () => {
    assert.strictEqual(allocate(1025).buffer.byteLength, 1025)
  })
})
