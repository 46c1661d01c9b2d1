import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { compareVersions, type Entry, judge, keepUntil, type Rules, type Version } from "#core/dht/storeDecision"

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

  const SET = { ofNode: Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7]), network: Schema.Literals(["a", "b", "c", "?"]) }
  const Announced = Schema.Struct({ ...SET, issued: Schema.Literals([1, 2, 3, 4, 5]), byte: Schema.Literals([1, 2]) })
  type Announced = typeof Announced.Type
  interface Row extends Entry {
    readonly network: string
  }

  const row = ({ byte, issued, network, ofNode }: Announced, networks: ReadonlyArray<string>): Row => ({
    member: Uint8Array.of(ofNode),
    seq: issued,
    bytes: Uint8Array.of(ofNode, issued, byte),
    network: networks[ofNode] ?? network
  })
  const rules = (limit: number, perNetwork = 2): Rules<Row> => ({
    limit,
    rankOf: ({ seq }) => seq,
    networksOf: ({ network }) => [network],
    perNetwork
  })
  const offer = (held: ReadonlyArray<Row>, offered: Row, by: Rules<Row>): ReadonlyArray<Row> => {
    const verdict = judge(offered, held, by, sha256)
    if (verdict._tag === "Refused") return held
    const gone: ReadonlyArray<Row> = verdict._tag === "Replaces" ? [verdict.before] : verdict.leaving
    return [...held.filter((it) => !gone.includes(it)), offered]
  }
  const name = ({ bytes }: Row): string => bytes.join(" ")

  it.prop(
    "a set is the same whatever order its entries came in: of each member the newest, the latest of each network and of all",
    [Arbitrary.array(Arbitrary.schema(Announced), { minLength: 1, maxLength: 24 }), Schema.Literals([1, 3, 5, 8])],
    ([announced, limit]) => {
      // A node is in one network.
      const networks = Array.from(
        { length: 8 },
        (_, node) => announced.find((it) => it.ofNode === node)?.network ?? "a"
      )
      const rows = announced.map((it) => row(it, networks))
      const settle = (order: ReadonlyArray<Row>) =>
        order
          .reduce<ReadonlyArray<Row>>((held, it) => offer(held, it, rules(limit)), [])
          .map(name)
          .sort()
      const newest = new Map<number, Row>()
      for (const it of rows) {
        const before = newest.get(it.member[0]!)
        if (before === undefined || compareVersions(before, it, sha256) === "Newer") newest.set(it.member[0]!, it)
      }
      const ranked = [...newest.values()].sort((a, b) => b.seq - a.seq || a.member[0]! - b.member[0]!)
      const ofNetwork = ranked.filter(
        (it, at) => ranked.slice(0, at).filter((o) => o.network === it.network).length < 2
      )
      const expected = ofNetwork.slice(0, limit).map(name).sort()
      assert.deepStrictEqual(settle(rows), expected)
      assert.deepStrictEqual(settle(rows.toReversed()), expected)
      assert.deepStrictEqual(settle(rows.toSorted((a, b) => (name(a) < name(b) ? -1 : 1))), expected)
    }
  )

  it("names what a record lost to, or that there is no room, and lets a set that is too large shrink", () => {
    const of = (ofNode: number, issued: number, byte = 1) =>
      row({ ofNode, issued, byte, network: "a" } as Announced, [..."abcdefgh"])
    const held = [of(1, 3), of(2, 1), of(3, 2)] as const
    const verdict = (offered: Row, limit: number) => judge(offered, held, rules(limit), sha256)
    assert.deepStrictEqual(verdict(of(1, 2), 4), { _tag: "Refused", refusal: "Older", rival: held[0] })
    assert.deepStrictEqual(verdict(of(4, 5), 4), { _tag: "Joins", leaving: [] })
    assert.deepStrictEqual(verdict(of(4, 5), 3), { _tag: "Joins", leaving: [held[1]] })
    assert.deepStrictEqual(verdict(of(4, 1), 3), { _tag: "Refused", refusal: "Quota", rival: undefined })
    assert.deepStrictEqual(verdict(of(4, 5), 2), { _tag: "Joins", leaving: [held[1], held[2]] })
    assert.deepStrictEqual(verdict(of(2, 1), 1), { _tag: "Replaces", before: held[1], same: true })
  })

  it("keeps no longer than was asked, than the kind allows, than the record lives", () => {
    assert.strictEqual(keepUntil(100, 10, 50, undefined), 110)
    assert.strictEqual(keepUntil(100, 90, 50, undefined), 150)
    assert.strictEqual(keepUntil(100, 90, 50, 120), 120)
  })
})
