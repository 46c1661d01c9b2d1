import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { commonPrefixLength, compareDistance, headOf, sortByDistance } from "#core/dht/distance"
import { Bytes32, compareBytes } from "#schemas/bytes/bytes"

const xor = (a: Uint8Array, b: Uint8Array) => a.map((byte, at) => byte ^ b[at]!)
/** Ids that differ only in the last bits of the head or behind it, where shortcuts go wrong. */
const Near = Schema.Literals([0, 1, 2, 3, 128, 255])

describe("XOR distance", () => {
  it.prop("orders as the XORs do as big-endian numbers", [Bytes32, Bytes32, Bytes32], ([target, a, b]) => {
    const expected = Math.sign(compareBytes(xor(a, target), xor(b, target)))
    assert.strictEqual(Math.sign(compareDistance(target, a, b)), expected)
  })

  it.prop("counts the leading bits that two ids share", [Bytes32, Bytes32], ([a, b]) => {
    const bits = (id: Uint8Array) => [...id].map((byte) => byte.toString(2).padStart(8, "0")).join("")
    const [left, right] = [bits(a), bits(b)]
    let expected = 0
    while (expected < 256 && left[expected] === right[expected]) expected++
    assert.strictEqual(commonPrefixLength(a, b), expected)
    assert.strictEqual(commonPrefixLength(a, a), 256)
  })

  it.prop(
    "sorts by distance although heads are equal",
    [Schema.Array(Schema.Tuple([Near, Near])), Bytes32],
    ([pairs, target]) => {
      const rows = pairs.map(([early, late]) => {
        const id = new Uint8Array(32)
        id[3] = early
        id[31] = late
        return { id, head: headOf(id) }
      })
      const expected = rows.toSorted((a, b) => compareBytes(xor(a.id, target), xor(b.id, target)))
      sortByDistance(rows, target)
      assert.deepStrictEqual(
        rows.map(({ id }) => id),
        expected.map(({ id }) => id)
      )
    }
  )
})
