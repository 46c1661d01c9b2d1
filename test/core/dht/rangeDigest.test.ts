import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { compare, differencesOf, hear } from "#core/dht/differences"
import {
  areDisjoint,
  divide,
  hasPrefix,
  type KeyPrefix,
  lastKeyOf,
  partOf,
  runsOf,
  WHOLE,
  wholeOf
} from "#core/dht/keyPrefix"
import { type Item, isNothing, itemDigest, RangeSums } from "#core/dht/rangeDigest"
import { suite } from "#layers/identity/NodeCrypto"
import { Bytes32, compareBytes, equalBytes, hexOf, keyOf, utf8 } from "#schemas/bytes/bytes"
import type { RangeDigest } from "#schemas/dht/Ranges"

const { sha256 } = suite
const Small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const item = (n: number, version = 0): Item => ({
  kind: n % 3,
  key: sha256(utf8(`key ${n}`)),
  digest: sha256(utf8(`record ${n}/${version}`)),
  expires: 100 + n
})

const ascending = (items: ReadonlyArray<Item>): ReadonlyArray<Item> =>
  items.toSorted((a, b) => compareBytes(a.key, b.key) || a.kind - b.kind)

const sumsOf = (items: ReadonlyArray<Item>, ranges: ReadonlyArray<KeyPrefix>) => {
  const sums = new RangeSums(sha256, ranges)
  for (const it of ascending(items)) sums.add(it)
  return sums.sums
}

const digestsOf = (items: ReadonlyArray<Item>, ranges: ReadonlyArray<KeyPrefix>): ReadonlyArray<RangeDigest> =>
  sumsOf(items, ranges).map(({ digest, range }) => ({ ...range, digest }))

const naively = (items: ReadonlyArray<Item>, range: KeyPrefix): Uint8Array => {
  const sum = new Uint8Array(32)
  for (const it of items.filter(({ key }) => hasPrefix(key, range)))
    for (const [at, byte] of itemDigest(sha256, it).entries()) sum[at]! ^= byte
  return sum
}

describe("ranges of keys", () => {
  it.prop(
    "hold what begins with their bits, from their prefix to their last key",
    [Bytes32, Bytes32, Small(256)],
    ([key, other, bits]) => {
      const prefix = new Uint8Array(32)
      for (let at = 0; at < bits; at++) prefix[at >> 3]! |= key[at >> 3]! & (0x80 >> (at & 7))
      const range = { bits, prefix }
      assert.isTrue(hasPrefix(key, range))
      assert.isTrue(areDisjoint([range]))
      const isWithin = compareBytes(other, prefix) >= 0 && compareBytes(other, lastKeyOf(range)) <= 0
      assert.strictEqual(hasPrefix(other, range), isWithin)
      if (bits > 253) return
      const parts = divide(range, 3)
      assert.isTrue(areDisjoint(parts))
      for (const part of parts) assert.deepStrictEqual(wholeOf(part, 3), range)
      assert.isTrue(hasPrefix(key, parts[partOf(key, bits, 3)]!))
      assert.deepStrictEqual(runsOf(parts), [{ from: prefix, to: lastKeyOf(range) }])
    }
  )

  it("are not disjoint where they repeat, overlap, descend, or have bits behind their prefix", () => {
    const [first, second] = divide(WHOLE, 1) as [KeyPrefix, KeyPrefix]
    assert.isTrue(areDisjoint([first, second]))
    assert.isFalse(areDisjoint([first, first]))
    assert.isFalse(areDisjoint([WHOLE, second]))
    assert.isFalse(areDisjoint([second, first]))
    assert.isFalse(areDisjoint([{ bits: 0, prefix: second.prefix }]))
    assert.isFalse(areDisjoint([{ bits: 9, prefix: new Uint8Array(32).fill(1, 5, 6) }]))
  })

  it("that do not touch are rows of their own", () => {
    const [a, b, , d] = divide(WHOLE, 2) as [KeyPrefix, KeyPrefix, KeyPrefix, KeyPrefix]
    assert.strictEqual(runsOf([a, b, d]).length, 2)
    assert.strictEqual(runsOf([a, d]).length, 2)
  })
})

describe("range digests", () => {
  it("have the layout of the specification", () => {
    const it = { kind: 2, key: sha256(utf8("key")), digest: sha256(utf8("record")), expires: 1 }
    const whole = new Uint8Array([2, ...it.key, ...it.digest])
    assert.strictEqual(hexOf(itemDigest(sha256, it)), hexOf(sha256(whole)))
  })

  it.prop("are the XOR over their items, divided or not", [Small(120), Small(4)], ([count, bits]) => {
    const items = Array.from({ length: count }, (_, n) => item(n))
    for (const sum of sumsOf(items, divide(WHOLE, bits))) {
      assert.deepStrictEqual(sum.digest, naively(items, sum.range))
      const within = items.filter(({ key }) => hasPrefix(key, sum.range))
      assert.strictEqual(sum.count, within.length)
      assert.strictEqual(isNothing(sum.digest), within.length === 0)
      assert.strictEqual(sum.entries === undefined, within.length > 32)
      if (sum.entries !== undefined) assert.strictEqual(sum.entries.length, within.length)
      for (const [part, digest] of (sum.parts ?? []).entries())
        assert.deepStrictEqual(digest, naively(items, divide(sum.range, 3)[part]!))
    }
  })

  it("name a set that is larger than a range may be, for no further bit divides it", () => {
    const one = item(1)
    const set = Array.from({ length: 64 }, (_, n) => ({ ...one, kind: 4, digest: sha256(utf8(`${n}`)) }))
    assert.strictEqual(sumsOf(set, [WHOLE])[0]?.entries?.length, 64)
    assert.isUndefined(sumsOf([...set, item(2)], [WHOLE])[0]?.entries)
  })
})

describe("differences", () => {
  /** Asks until nothing differs that was not named, as two nodes do. */
  const exchange = (asking: ReadonlyArray<Item>, asked: ReadonlyArray<Item>, ranges: ReadonlyArray<KeyPrefix>) => {
    const missingHere = new Map<string, number>()
    const missingThere = new Map<string, number>()
    let questions = 0
    for (let open = digestsOf(asking, ranges); open.length > 0; ) {
      assert.isBelow(questions++, 100)
      const [now, later] = [open.slice(0, 256), open.slice(256)]
      const answer = differencesOf(now, sumsOf(asked, now))
      assert.isAtMost(answer.ranges.length, 256)
      assert.isAtMost(answer.entries.length, 400)
      const heard = hear(now, answer)
      assert.isDefined(heard)
      if (heard === undefined) break
      for (const { entries, range } of heard.listed) {
        const own = asking.filter(({ key }) => hasPrefix(key, range))
        const found = compare(own, entries)
        for (const it of found.missingHere) missingHere.set(keyOf(it.digest), it.expires)
        for (const it of found.missingThere) missingThere.set(keyOf(it.digest), it.expires)
      }
      const divided = heard.divided.filter((it) => !equalBytes(it.digest, naively(asking, it)))
      const settled = new Set(
        [...heard.listed.map(({ range }) => range), ...heard.divided].map(({ bits, prefix }) => bits + keyOf(prefix))
      )
      const parents = (it: KeyPrefix) => divide(it, 3).some(({ bits, prefix }) => settled.has(bits + keyOf(prefix)))
      const again = heard.full ? now.filter((it) => !settled.has(it.bits + keyOf(it.prefix)) && !parents(it)) : []
      // In the order in which ranges are asked for.
      open = [...digestsOf(asking, divided), ...again, ...later].sort((a, b) => compareBytes(a.prefix, b.prefix))
    }
    return { missingHere, missingThere, questions }
  }

  it.prop(
    "are found, all of them and nothing else, whatever each side holds",
    [Small(400), Small(60), Small(60), Small(6)],
    ([shared, here, there, bits]) => {
      const both = Array.from({ length: shared }, (_, n) => item(n))
      const mine = Array.from({ length: here }, (_, n) => item(1_000 + n))
      // Every second of these is another version of what the asking side holds.
      const yours = Array.from({ length: there }, (_, n) => (n % 2 === 0 ? item(2_000 + n) : item(n, 1)))
      const [asking, asked] = [
        [...both, ...mine],
        [...both, ...yours]
      ]
      const { missingHere, missingThere } = exchange(asking, asked, divide(WHOLE, bits))
      const only = (a: ReadonlyArray<Item>, b: ReadonlyArray<Item>) => {
        const other = new Set(b.map(({ digest }) => keyOf(digest)))
        return a.map(({ digest }) => keyOf(digest)).filter((digest) => !other.has(digest))
      }
      assert.sameMembers([...missingHere.keys()], only(asked, asking))
      assert.sameMembers([...missingThere.keys()], only(asking, asked))
    }
  )

  it("are found where they do not all fit into one answer", () => {
    const both = Array.from({ length: 390 }, (_, n) => item(n))
    const yours = Array.from({ length: 14 }, (_, n) => (n % 2 === 0 ? item(2_000 + n) : item(n, 1)))
    const { missingHere, missingThere, questions } = exchange(both, [...both, ...yours], divide(WHOLE, 4))
    assert.deepStrictEqual([missingHere.size, missingThere.size], [14, 0])
    assert.isAbove(questions, 1)
  })

  it("of one record among ten thousand cost few questions", () => {
    const items = Array.from({ length: 10_000 }, (_, n) => item(n))
    const { missingThere, questions } = exchange(items, items.slice(1), divide(WHOLE, 8))
    assert.strictEqual(missingThere.size, 1)
    assert.isAtMost(questions, 3)
  })

  it("are not taken from whoever answers what was not asked", () => {
    const [low, high] = divide(WHOLE, 1) as [KeyPrefix, KeyPrefix]
    const digest = new Uint8Array(32)
    const entry = { kind: 0 as const, key: lastKeyOf(high), digest, expires: 0 }
    assert.isUndefined(hear([low], { ranges: [{ ...high, digest }], entries: [] }))
    assert.isUndefined(hear([low], { ranges: [{ ...low, digest }], entries: [entry] }))
    assert.isUndefined(hear([low], { ranges: [], entries: [{ ...entry, key: low.prefix }] }))
    assert.isDefined(hear([low, high], { ranges: [{ ...high, digest }], entries: [entry] }))
  })
})
