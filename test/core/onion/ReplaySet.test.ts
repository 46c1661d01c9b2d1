import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { seededBytes } from "#core/identity/seededBytes"
import { ReplaySet, TAGS_LIMIT } from "#core/onion/ReplaySet"
import { factorsOf, hashOf, readTag, TagSet } from "#core/onion/TagSet"
import { suite } from "./fixtures.ts"

const seed = seededBytes(suite, "replay set")(16)

/** As an ephemeral key would be: 32 bytes, of which 16 count. */
const keyOf = (n: number, length = 32): Uint8Array => {
  const key = new Uint8Array(length)
  new DataView(key.buffer).setUint32(8, n)
  return key
}

/** One entry a tag in a plain map; dead ones are looked for at every turn. */
const naiveSet = (limit: number) => {
  const tags = new Map<string, { readonly death: number; readonly reply: boolean }>()
  let latest = 0
  const count = (reply?: boolean) => [...tags.values()].filter((it) => reply === undefined || it.reply === reply).length
  return {
    count,
    enter: (key: Uint8Array, death: number, reply: boolean, minute: number) => {
      latest = Math.max(latest, minute)
      for (const [tag, entry] of tags) if (entry.death < latest) tags.delete(tag)
      if (death < latest) return "expired"
      const tag = Buffer.from(key.subarray(0, 16)).toString("hex")
      if (tags.has(tag)) return "replayed"
      if (count() >= limit || (reply && count(true) >= limit / 2)) return "full"
      tags.set(tag, { death, reply })
      return "entered"
    }
  }
}

const Command = Schema.Struct({
  n: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
  ahead: Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 12 })),
  reply: Schema.Boolean,
  /** Mostly onwards, at times back. */
  step: Schema.Literals([0, 0, 0, 1, 1, 3, -2])
})

describe("ReplaySet", () => {
  it.prop(
    "answers as a map of all tags would, command by command",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 20, maxLength: 200 })],
    ([commands]) => {
      const [set, naive] = [new ReplaySet(seed, 16), naiveSet(16)]
      let minute = 1_000
      for (const { ahead, n, reply, step } of commands) {
        minute += step
        const expected = naive.enter(keyOf(n), minute + ahead, reply, minute)
        assert.strictEqual(set.enter(keyOf(n), minute + ahead, reply, minute), expected)
        assert.deepStrictEqual([set.size, set.replies], [naive.count(), naive.count(true)])
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it("goes by the first sixteen bytes, all of them", () => {
    const set = new ReplaySet(seed)
    const key = Uint8Array.from({ length: 32 }, (_, index) => index)
    assert.strictEqual(set.enter(key, 5, false, 5), "entered")
    for (let at = 0; at < 32; at++) {
      const other = key.slice()
      other[at] = 0xff
      assert.strictEqual(set.enter(other, 5, false, 5), at < 16 ? "entered" : "replayed", `byte ${at}`)
    }
  })

  it("knows tags that begin with zeros, and with nothing else", () => {
    const set = new ReplaySet(seed)
    assert.strictEqual(set.enter(new Uint8Array(32), 5, false, 5), "entered")
    assert.strictEqual(set.enter(new Uint8Array(32), 5, false, 5), "replayed")
    for (let n = 1; n < 100; n++) assert.strictEqual(set.enter(keyOf(n), 5, false, 5), "entered")
  })

  it("does not take what its clock has declared dead, even when the clock is put back", () => {
    const set = new ReplaySet(seed)
    assert.strictEqual(set.enter(keyOf(1), 104, false, 100), "entered")
    set.expire(105)
    assert.strictEqual(set.size, 0)
    assert.strictEqual(set.enter(keyOf(1), 104, false, 100), "expired")
    assert.strictEqual(set.enter(keyOf(2), 105, false, 100), "entered")
    assert.throws(() => set.enter(keyOf(3), 113, false, 100), RangeError)
  })

  it("holds two million tags in some tens of MiB, of which replies have half, then refuses and forgets nothing", () => {
    const set = new ReplaySet(seed)
    const random = seededBytes(suite, "tags")
    const first = random(16)
    const tags = new Uint32Array(4)
    set.enter(first, 112, true, 100)
    let state = 1
    const draw = () => {
      // Any spread of bytes will do, and two million real draws take long.
      for (let word = 0; word < 4; word++)
        tags[word] = state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
      return new Uint8Array(tags.buffer)
    }
    while (set.replies < TAGS_LIMIT / 2) set.enter(draw(), 112, true, 100)
    assert.strictEqual(set.enter(draw(), 112, true, 100), "full")
    while (set.size < TAGS_LIMIT) set.enter(draw(), 104, false, 100)
    assert.isBelow(set.bytes, 64 * 2 ** 20)
    assert.strictEqual(set.enter(draw(), 104, false, 100), "full")
    assert.strictEqual(set.enter(first, 112, true, 100), "replayed")
    assert.strictEqual(set.enter(draw(), 105, false, 105), "entered", "requests are over, replies are not")
    assert.strictEqual(set.size, TAGS_LIMIT / 2 + 1)
  })

  it("does not grow under a million replayed cells", () => {
    const set = new ReplaySet(seed)
    const keys = Array.from({ length: 1_000 }, (_, n) => keyOf(n))
    for (const key of keys) set.enter(key, 104, false, 100)
    const { bytes, size } = set
    for (let round = 0; round < 1_000; round++) {
      for (const key of keys) if (set.enter(key, 104, false, 100) !== "replayed") assert.fail("was taken twice")
    }
    assert.deepStrictEqual([set.bytes, set.size], [bytes, size])
  })
})

describe("TagSet", () => {
  it("spreads tags that differ in any one place, so that none of them stand in a heap", () => {
    const factors = factorsOf(seed)
    for (let byte = 0; byte < 16; byte++) {
      const set = new TagSet(factors)
      const shards = new Map<number, number>()
      for (let n = 0; n < 4_096; n++) {
        const bytes = new Uint8Array(16).fill(7)
        bytes[byte] = n
        bytes[(byte + 5) % 16] = n >>> 8
        const tag = readTag(bytes, new Uint32Array(4))
        const hash = hashOf(factors, tag)
        shards.set(hash >>> 26, (shards.get(hash >>> 26) ?? 0) + 1)
        assert.isFalse(set.has(tag, hash))
        set.add(tag, hash)
        assert.isTrue(set.has(tag, hash))
      }
      assert.strictEqual(set.size, 4_096)
      assert.isBelow(Math.max(...shards.values()), 4 * 64)
      assert.isBelow(set.bytes, 4_096 * 36)
    }
  })

  it("puts tags elsewhere under another seed", () => {
    const tag = readTag(keyOf(7), new Uint32Array(4))
    const other = seededBytes(suite, "another")(16)
    assert.notStrictEqual(hashOf(factorsOf(seed), tag), hashOf(factorsOf(other), tag))
    assert.throws(() => factorsOf(new Uint8Array(15)), RangeError)
  })
})
