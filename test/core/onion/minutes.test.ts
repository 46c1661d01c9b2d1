import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { minuteOf, minutesLeft, ttlOf, ttlRefusal } from "#core/onion/minutes"

const Minute = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000_000 }))
const Near = Schema.Int.check(Schema.isBetween({ minimum: -30_000, maximum: 30_000 }))

describe("ttl", () => {
  it("is the minute as the wire document counts it, and never 0", () => {
    assert.strictEqual(ttlOf(minuteOf(59)), 1)
    assert.strictEqual(ttlOf(minuteOf(60)), 2)
    assert.strictEqual(ttlOf(65_534), 65_535)
    assert.strictEqual(ttlOf(65_535), 1)
  })

  it.prop("says how far away its minute is, also where the count begins anew", [Minute, Near], ([minute, near]) => {
    const death = Math.max(0, minute + near)
    assert.strictEqual(minutesLeft(ttlOf(death), minute), death - minute)
  })

  it("is taken up to its limit and the skew of clocks, of replies further than of requests", () => {
    const refused = (left: number, reply: boolean) => ttlRefusal(ttlOf(1_000 + left), reply, 1_000)
    assert.deepStrictEqual(
      [-1, 0, 6, 7].map((left) => refused(left, false)),
      ["expired", undefined, undefined, "too far"]
    )
    assert.deepStrictEqual(
      [-1, 0, 12, 13].map((left) => refused(left, true)),
      ["expired", undefined, undefined, "too far"]
    )
    for (const minute of [1_000, 65_534, 65_535]) assert.strictEqual(ttlRefusal(0, true, minute), "expired")
  })
})
