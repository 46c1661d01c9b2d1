import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { commonPrefixLength, compareDistance } from "#core/dht/distance"
import { farRange } from "#core/dht/farRanges"
import { Bytes32, compareBytes } from "#schemas/bytes/bytes"

describe("farRange", () => {
  it.prop(
    "holds exactly the keys that share so many leading bits with the id",
    [Bytes32, Bytes32, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))],
    ([id, key, bits]) => {
      const { from, to } = farRange(id, bits)
      assert.strictEqual(commonPrefixLength(id, from), bits)
      assert.strictEqual(commonPrefixLength(id, to), bits)
      const inside = compareBytes(from, key) <= 0 && compareBytes(key, to) <= 0
      assert.strictEqual(inside, commonPrefixLength(id, key) === bits)
    }
  )

  it.prop(
    "comes closer with every bit",
    [Bytes32, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 254 }))],
    ([id, bits]) => {
      const [far, near] = [farRange(id, bits), farRange(id, bits + 1)]
      for (const a of [far.from, far.to])
        for (const b of [near.from, near.to]) assert.isAbove(compareDistance(id, a, b), 0)
    }
  )
})
