import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { commonPrefixLength, compareDistance } from "#core/dht/distance"
import { hasPrefix } from "#core/dht/keyPrefix"
import { replicaRanges } from "#core/dht/replicaRanges"
import { suite } from "#layers/identity/NodeCrypto"
import { keyOf, utf8 } from "#schemas/bytes/bytes"

const idOf = (text: string): Uint8Array => suite.sha256(utf8(text))

/** Ids whose first bits are few, so that subtrees are full in one place and empty in another. */
const crowded = (seed: number, count: number, spread: number): ReadonlyArray<Uint8Array> => {
  const ids = new Map<string, Uint8Array>()
  for (let n = 0; n < count; n++) {
    const id = idOf(`${seed}/${n}`)
    id[0] = id[0]! & spread
    ids.set(keyOf(id), id)
  }
  return [...ids.values()]
}

/** Without those that share so many bits with another that the choice between them takes more ranges than there may be. */
const apart = (own: Uint8Array, ids: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> =>
  ids.filter((id, at) => [own, ...ids.slice(0, at)].every((other) => commonPrefixLength(id, other) <= MOST_SHARED))

/** Two to this power of ranges, and some, fit the limit below. */
const MOST_SHARED = 14

const naively = (own: Uint8Array, ids: ReadonlyArray<Uint8Array>, key: Uint8Array) =>
  [...ids, own]
    .map((id, index) => ({ id, index }))
    .sort((a, b) => compareDistance(key, a.id, b.id))
    .map(({ index }) => index)

const Case = Schema.Struct({
  seed: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  others: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
  factor: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })),
  more: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
  spread: Schema.Literals([0xff, 0x7f, 0x9f])
})

describe("replica ranges", () => {
  it.prop(
    "are all keys to which this node is close, each with the closest nodes that sorting finds",
    [Case],
    ([{ factor, more, others, seed, spread }]) => {
      const own = idOf(`${seed}/own`)
      const ids = apart(own, crowded(seed, others, spread))
      const width = factor + more
      const ranges = replicaRanges(own, ids, { factor, width, limit: 65_536 })
      for (let n = 0; n < 40; n++) {
        // Half of the keys lie near the own id, where the choices are.
        const key = idOf(`${seed}/key ${n}`)
        if (n % 2 === 0) key.set(own.subarray(0, 1 + (n % 3)))
        const sorted = naively(own, ids, key)
        const around = ranges.filter((range) => hasPrefix(key, range))
        const isWithin = sorted.slice(0, width).includes(ids.length)
        assert.strictEqual(around.length, isWithin ? 1 : 0)
        for (const range of around) {
          const closest = sorted.slice(0, factor)
          assert.strictEqual(range.own, closest.includes(ids.length))
          assert.sameMembers(
            [...range.members],
            closest.filter((index) => index !== ids.length)
          )
        }
      }
    }
  )

  it("of a network that is no larger than the factor are one, with all nodes", () => {
    const ids = crowded(1, 4, 0xff)
    const [only, ...others] = replicaRanges(idOf("own"), ids, { factor: 5, width: 10, limit: 100 })
    assert.deepStrictEqual(others, [])
    assert.strictEqual(only?.bits, 0)
    assert.sameMembers([...(only?.members ?? [])], [0, 1, 2, 3])
  })

  it("are few in a large network, and no more than were asked for", () => {
    const own = idOf("own")
    // As a routing table knows it: everybody nearby, twenty in each farther subtree.
    const buckets = new Map<number, Array<Uint8Array>>()
    for (const id of crowded(7, 10_000, 0xff)) {
      const bucket = commonPrefixLength(own, id)
      const held = buckets.get(bucket) ?? []
      if (held.length < 20) held.push(id)
      buckets.set(bucket, held)
    }
    const ids = [...buckets.values()].flat()
    const ranges = replicaRanges(own, ids, { factor: 5, width: 10, limit: 4_096 })
    assert.isBelow(ranges.length, 200)
    assert.isAbove(ranges.length, 10)
    const fewer = replicaRanges(own, ids, { factor: 5, width: 10, limit: 8 })
    assert.isAtMost(fewer.length, 8)
    for (const range of ranges) {
      assert.isTrue(fewer.some((it) => it.bits <= range.bits && hasPrefix(range.prefix, it)))
    }
  })

  it("end although ids share nearly all of their bits", () => {
    const own = idOf("own")
    const ids = Array.from({ length: 40 }, (_, n) => {
      const id = own.slice()
      id[31] = id[31]! ^ (n + 1)
      return id
    })
    const ranges = replicaRanges(own, ids, { factor: 3, width: 6, limit: 200 })
    assert.isAtMost(ranges.length, 200)
  })
})
