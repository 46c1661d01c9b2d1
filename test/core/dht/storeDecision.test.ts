import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { compareVersions, keepUntil, makeRoom, type Version } from "#core/dht/storeDecision"

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest())
const Offer = Schema.Struct({ seq: Schema.Literals([1, 2, 3]), byte: Schema.Literals([1, 2, 3, 4]) })
const version = (offer: typeof Offer.Type): Version => ({ seq: offer.seq, bytes: Uint8Array.of(offer.byte) })

describe("storeDecision", () => {
  it.prop(
    "replicas settle on the same record whatever order the offers came in",
    [Arbitrary.array(Arbitrary.schema(Offer), { minLength: 1, maxLength: 12 })],
    ([offers]) => {
      const settle = (order: ReadonlyArray<typeof Offer.Type>) =>
        order
          .map(version)
          .reduce((held, offered) => (compareVersions(held, offered, sha256) === "Newer" ? offered : held))
      assert.deepStrictEqual(settle(offers), settle(offers.toReversed()))
      assert.strictEqual(settle(offers).seq, Math.max(...offers.map((it) => it.seq)))
    }
  )

  it("tells the same from the older and from the loser of a conflict", () => {
    const held = version({ seq: 2, byte: 1 })
    assert.strictEqual(compareVersions(held, version({ seq: 2, byte: 1 }), sha256), "Same")
    assert.strictEqual(compareVersions(held, version({ seq: 1, byte: 9 as 1 }), sha256), "Older")
    const both = [
      compareVersions(held, version({ seq: 2, byte: 2 }), sha256),
      compareVersions(version({ seq: 2, byte: 2 }), held, sha256)
    ]
    assert.sameMembers(both, ["Newer", "Conflict"])
  })

  it("drops what dies first for what lives longer, and never a member for itself", () => {
    const entry = (member: number, expires: number) => ({ member: Uint8Array.of(member), expires })
    const held = [entry(1, 30), entry(2, 10), entry(3, 20)]
    assert.isUndefined(makeRoom(held, entry(4, 5), 4))
    assert.strictEqual(makeRoom(held, entry(4, 15), 3), held[1])
    assert.strictEqual(makeRoom(held, entry(4, 10), 3), "Full")
    assert.isUndefined(makeRoom(held, entry(1, 1), 3))
  })

  it("keeps no longer than was asked, than the kind allows, than the record lives", () => {
    assert.strictEqual(keepUntil(100, 10, 50, undefined), 110)
    assert.strictEqual(keepUntil(100, 90, 50, undefined), 150)
    assert.strictEqual(keepUntil(100, 90, 50, 120), 120)
  })
})
