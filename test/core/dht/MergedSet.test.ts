import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { MergedSet } from "#core/dht/MergedSet"
import { compareVersions } from "#core/dht/storeDecision"
import { suite } from "../../layers/dht/fixtures.ts"

const Shown = Schema.Struct({
  ofMember: Schema.Literals([0, 1, 2, 3, 4]),
  seq: Schema.Literals([1, 2, 3]),
  byte: Schema.Literals([1, 2])
})
type Shown = typeof Shown.Type

const record = ({ byte, ofMember, seq }: Shown) => ({
  member: Uint8Array.of(ofMember),
  seq,
  rank: seq,
  bytes: Uint8Array.of(ofMember, seq, byte)
})
const merge = (limit: number, shown: ReadonlyArray<Shown>) => {
  const set = new MergedSet<ReturnType<typeof record>>(limit, suite.sha256)
  for (const it of shown) set.take(record(it))
  return set
}
const shown = Arbitrary.array(Arbitrary.schema(Shown), { maxLength: 20 })

describe("MergedSet", () => {
  it.prop("is the same whatever order the records came in, and never above its limit", [shown], ([all]) => {
    for (const limit of [1, 2, 5]) {
      const there = merge(limit, all).records()
      assert.deepStrictEqual(there, merge(limit, all.toReversed()).records())
      assert.isAtMost(there.length, limit)
    }
  })

  it.prop("holds of each member the newest, best first", [shown], ([all]) => {
    const records = merge(5, all).records()
    for (const { ofMember } of all) {
      const versions = all.filter((it) => it.ofMember === ofMember).map(record)
      const newest = versions.reduce((a, b) => (compareVersions(a, b, suite.sha256) === "Newer" ? b : a))
      assert.deepInclude(records, newest)
    }
    const ranks = records.map(({ rank }) => rank)
    assert.deepStrictEqual(
      ranks,
      ranks.toSorted((a, b) => b - a)
    )
  })

  it("tells what is newer than what somebody showed", () => {
    const set = merge(5, [{ ofMember: 1, seq: 2, byte: 1 }])
    assert.strictEqual(set.newerThan(record({ ofMember: 1, seq: 1, byte: 1 }))?.seq, 2)
    assert.isUndefined(set.newerThan(record({ ofMember: 1, seq: 2, byte: 1 })))
    assert.isUndefined(set.newerThan(record({ ofMember: 1, seq: 3, byte: 1 })))
    assert.isUndefined(set.newerThan(record({ ofMember: 2, seq: 1, byte: 1 })))
    const pair = [1, 2].map((byte) => record({ ofMember: 1, seq: 2, byte: byte as 1 }))
    const both = merge(
      5,
      [1, 2].map((byte) => ({ ofMember: 1, seq: 2, byte: byte as 1 }))
    )
    assert.strictEqual(pair.filter((it) => both.newerThan(it) !== undefined).length, 1)
  })
})
