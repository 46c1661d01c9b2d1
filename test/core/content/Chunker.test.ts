import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { Chunker } from "#core/content/Chunker"
import { concatBytes } from "#schemas/bytes/bytes"
import { LEAF_LENGTH } from "#schemas/content/DagNode"

const cut = (pieces: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  const chunker = new Chunker()
  const leaves = pieces.flatMap((piece) => [...chunker.push(piece)])
  const last = chunker.finish()
  return last === undefined ? leaves : [...leaves, last]
}

const lengthsOf = (total: number) => cut([new Uint8Array(total)]).map((leaf) => leaf.length)

describe("Chunker", () => {
  it("cuts full leaves, and only the last is shorter", () => {
    assert.deepStrictEqual(lengthsOf(1), [1])
    assert.deepStrictEqual(lengthsOf(LEAF_LENGTH), [LEAF_LENGTH])
    assert.deepStrictEqual(lengthsOf(LEAF_LENGTH + 1), [LEAF_LENGTH, 1])
    assert.deepStrictEqual(lengthsOf(3 * LEAF_LENGTH), [LEAF_LENGTH, LEAF_LENGTH, LEAF_LENGTH])
  })

  it("gives empty content one empty leaf", () => assert.deepStrictEqual(lengthsOf(0), [0]))

  it("hands out leaves that a later push does not change", () => {
    const bytes = new Uint8Array(LEAF_LENGTH).fill(1)
    const chunker = new Chunker()
    const [leaf] = [...chunker.push(bytes)]
    bytes.fill(2)
    chunker.push(bytes).next()
    assert.deepStrictEqual(leaf, new Uint8Array(LEAF_LENGTH).fill(1))
  })

  const sizes = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70_000 }))), {
    maxLength: 8
  })
  it.effect.prop(
    "cuts in the same places however the bytes arrive",
    [sizes],
    ([sizes]) =>
      Effect.sync(() => {
        const pieces = sizes.map((size, index) => new Uint8Array(size).map((_, at) => (at * 31 + index) & 255))
        const whole = concatBytes(pieces)
        assert.deepStrictEqual(cut(pieces), cut([whole]))
        assert.deepStrictEqual(concatBytes(cut(pieces)), whole)
      }),
    { arbitrary: { runs: 40 } }
  )
})
