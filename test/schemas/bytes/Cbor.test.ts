import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { bytesOfHex, concatBytes, hexOf } from "#schemas/bytes/bytes"
import { arrayHead, type DecodeOptions, decode, elements, encode, MAX_BYTES } from "#schemas/bytes/Cbor"
import { CborFloat, CborLink, type CborValue, MAX_DEPTH, MAX_ITEMS } from "#schemas/bytes/CborValue"
import { bitFlips, counting, refusal, truncations } from "../malformed.ts"

const dag: DecodeOptions = { profile: "dag" }
const hex = (text: string): Uint8Array => bytesOfHex(text) ?? assert.fail("not hex")
const read = (bytes: Uint8Array, options?: DecodeOptions): CborValue =>
  Result.getOrElse(decode(bytes, options), (reason) => assert.fail(reason))

/** The generator makes a minus zero now and then, which as a plain number is zero. */
const Whole = Schema.Int.check(Schema.makeFilter((value: number) => !Object.is(value, -0)))
/** And half of a surrogate pair, which has no UTF-8. */
const Text = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed()))
const Leaf = Schema.Union([Schema.Null, Schema.Boolean, Whole, Text, Schema.Uint8Array])
const Tree: Schema.Codec<CborValue> = Schema.Union([
  Leaf,
  Schema.Array(Schema.Union([Leaf, Schema.Array(Schema.Union([Leaf, Schema.Array(Leaf)]))]))
])
const runs = { arbitrary: { runs: 300 } }

describe("laws", () => {
  it.prop(
    "decode inverts encode",
    [Tree],
    ([value]) => {
      const bytes = encode(value)
      assert.deepStrictEqual(read(bytes), value)
      assert.deepStrictEqual(read(bytes, dag), value)
    },
    runs
  )

  it.prop(
    "whatever is accepted encodes to the same bytes",
    [Tree],
    ([value]) => {
      for (const bytes of bitFlips(encode(value).subarray(0, 100))) {
        for (const profile of ["record", "dag"] as const) {
          const decoded = decode(bytes, { profile })
          if (Result.isSuccess(decoded)) assert.deepStrictEqual(encode(decoded.success), bytes)
        }
      }
    },
    { arbitrary: { runs: 100 } }
  )

  it.prop(
    "no strict prefix is accepted",
    [Tree],
    ([value]) => {
      for (const cut of truncations(encode(value))) assert.isTrue(Result.isFailure(decode(cut)))
    },
    runs
  )

  it.prop(
    "random bytes never make it throw",
    [Schema.Uint8Array],
    ([bytes]) => {
      for (const profile of ["record", "dag"] as const) {
        const decoded = decode(bytes, { profile })
        if (Result.isSuccess(decoded)) assert.deepStrictEqual(encode(decoded.success), Uint8Array.from(bytes))
      }
      elements(bytes, 10)
    },
    runs
  )

  it.prop(
    "elements under their own head are the array again",
    [Schema.Array(Leaf)],
    ([values]) => {
      const bytes = encode(values)
      const parts = Result.getOrElse(elements(bytes, values.length), (reason) => assert.fail(reason))
      assert.deepStrictEqual(concatBytes([arrayHead(parts.length), ...parts]), bytes)
    },
    runs
  )

  it("floats, big integers, links and maps come back under the profile dag, also beside each other", () => {
    const value: CborValue = new Map<string, CborValue>([
      ["a", 1.5],
      ["b", new CborFloat(1)],
      ["c", new CborFloat(-0)],
      ["aa", [2n ** 53n, -(2n ** 53n), 2n ** 64n - 1n, -(2n ** 64n)]],
      ["bb", new CborLink(counting(36))],
      ["ü€", new Map([["", 1e300]])]
    ])
    assert.deepStrictEqual(read(encode(value), dag), value)
    assert.isTrue(Result.isFailure(decode(encode(value))))
  })

  it("integers at the edges of each length come back", () => {
    for (const edge of [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER - 1]) {
      for (const value of [edge, edge + 1, -edge - 1]) assert.strictEqual(read(encode(value)), value)
    }
  })

  it("text keeps a byte order mark and characters of four bytes, short and long", () => {
    for (const text of ["\ufeffa", "𐅑", "ü".repeat(100), "a".repeat(24), "a".repeat(25), `${"a".repeat(23)}ü`]) {
      assert.strictEqual(read(encode(text)), text)
    }
  })

  it("map keys are written shorter first, whatever the order of insertion", () => {
    assert.strictEqual(
      hexOf(
        encode(
          new Map([
            ["aa", 1],
            ["b", 2],
            ["a", 3]
          ])
        )
      ),
      "a361610361620262616101"
    )
  })

  it("byte strings are views of the input", () => {
    const bytes = encode([counting(5)])
    const [view] = read(bytes) as [Uint8Array]
    bytes[2] = 99
    assert.strictEqual(view[0], 99)
  })

  it("a value larger than the kept buffer is written whole", () => {
    const large = counting(300_000)
    const bytes = encode([large, large])
    assert.strictEqual(bytes.length, 1 + 2 * 300_005)
    assert.deepStrictEqual(read(bytes, { maxBytes: bytes.length }), [large, large])
  })

  it("what has no encoding is the caller's mistake", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2n ** 64n])
      assert.throws(() => encode(value), RangeError)
  })
})

describe("refused", () => {
  const cases: ReadonlyArray<readonly [name: string, bytes: string, reason: string]> = [
    ["nothing at all", "", "cut short"],
    ["an integer below 24 in two bytes", "1817", "number not in its shortest form"],
    ["an integer below 256 in three bytes", "1900ff", "number not in its shortest form"],
    ["an integer below 2^16 in five bytes", "1a0000ffff", "number not in its shortest form"],
    ["an integer below 2^32 in nine bytes", "1b00000000ffffffff", "number not in its shortest form"],
    ["a negative integer that is too long", "3800", "number not in its shortest form"],
    ["a byte string whose length is too long", "580100", "number not in its shortest form"],
    ["text whose length is too long", "780161", "number not in its shortest form"],
    ["an array whose count is too long", "980100", "number not in its shortest form"],
    ["a byte string of indefinite length", "5f4100ff", "indefinite length"],
    ["text of indefinite length", "7f6161ff", "indefinite length"],
    ["an array of indefinite length", "9f00ff", "indefinite length"],
    ["a break by itself", "ff", "indefinite length"],
    ["a reserved length", "1c", "reserved length"],
    ["a length cut short", "19ff", "cut short"],
    ["a byte string cut short", "4200", "cut short"],
    ["a byte string of 2^64 − 1 declared bytes", "5bffffffffffffffff", "cut short"],
    ["text of 2^32 − 1 declared bytes", "7affffffff", "cut short"],
    ["an array of 2^32 − 1 declared elements", "9affffffff", "more elements than bytes"],
    ["an array of 2^64 − 1 declared elements", "9bffffffffffffffff", "more elements than bytes"],
    ["overlong UTF-8", "62c080", "text is not UTF-8"],
    ["half a surrogate pair in UTF-8", "63eda080", "text is not UTF-8"],
    ["UTF-8 that stops within a character", "61c3", "text is not UTF-8"],
    ["UTF-8 beyond Unicode", "64f4908080", "text is not UTF-8"],
    ["undefined", "f7", "simple value where none is allowed"],
    ["a simple value in two bytes", "f818", "simple value where none is allowed"],
    ["false in two bytes", "f814", "simple value where none is allowed"],
    ["bytes left over", "0000", "bytes left over"]
  ]
  for (const [name, bytes, reason] of cases) {
    it(`${name}, under both profiles`, () => {
      assert.strictEqual(refusal(decode(hex(bytes))), reason)
      assert.strictEqual(refusal(decode(hex(bytes), dag)), reason)
    })
  }

  const records: ReadonlyArray<readonly [name: string, bytes: string, reason: string]> = [
    ["an integer of 2^53", "1b0020000000000000", "integer beyond 53 bits"],
    ["an integer of −2^53", "3b001fffffffffffff", "integer beyond 53 bits"],
    ["a float of 64 bits", "fb3ff8000000000000", "float where none is allowed"],
    ["a map", "a0", "map where none is allowed"],
    ["a link", "d82a450001551200", "tag where none is allowed"]
  ]
  for (const [name, bytes, reason] of records) {
    it(`${name}, in a record`, () => assert.strictEqual(refusal(decode(hex(bytes))), reason))
  }

  const blocks: ReadonlyArray<readonly [name: string, bytes: string, reason: string]> = [
    ["a float of 16 bits", "f93e00", "float where none is allowed"],
    ["a float of 32 bits", "fa3fc00000", "float where none is allowed"],
    ["NaN", "fb7ff8000000000000", "float without a value"],
    ["infinity", "fb7ff0000000000000", "float without a value"],
    ["a float cut short", "fb3ff8", "cut short"],
    ["keys in the wrong order", "a2616201616102", "map keys not in order"],
    ["a longer key before a shorter one", "a262616101616202", "map keys not in order"],
    ["the same key twice", "a2616101616102", "map keys not in order"],
    ["a key that is not text", "a10102", "map key is not text"],
    ["a map of 2^32 − 1 declared entries", "baffffffff", "more elements than bytes"],
    ["another tag", "c100", "tag where none is allowed"],
    ["tag 42 in a longer form", "d9002a4200ff", "number not in its shortest form"],
    ["a link that is text", "d82a6100", "link is not a byte string"],
    ["a link without its zero", "d82a420155", "link without its zero"],
    ["a link to nothing", "d82a4100", "link without its zero"]
  ]
  for (const [name, bytes, reason] of blocks) {
    it(`${name}, in a block`, () => assert.strictEqual(refusal(decode(hex(bytes), dag)), reason))
  }

  it("nesting one deeper than the limit, and not at the limit", () => {
    const nested = (depth: number) => Uint8Array.of(...new Array<number>(depth).fill(0x81), 0)
    assert.isTrue(Result.isSuccess(decode(nested(MAX_DEPTH))))
    assert.strictEqual(refusal(decode(nested(MAX_DEPTH + 1))), "nested too deep")
    assert.strictEqual(refusal(decode(nested(60_000))), "nested too deep")
    assert.strictEqual(refusal(elements(nested(60_000), 1)), "nested too deep")
  })

  it("more items than the budget, wherever they stand", () => {
    const flat = encode(new Array<number>(MAX_ITEMS).fill(0))
    assert.strictEqual(refusal(decode(flat)), "too many items")
    assert.isTrue(Result.isSuccess(decode(flat, { maxItems: MAX_ITEMS + 1 })))
    const split = encode([new Array<number>(MAX_ITEMS / 2).fill(0), new Array<number>(MAX_ITEMS / 2).fill(0)])
    assert.strictEqual(refusal(decode(split)), "too many items")
  })

  it("more bytes than the budget", () => {
    assert.strictEqual(refusal(decode(new Uint8Array(MAX_BYTES + 1))), "too many bytes")
    assert.strictEqual(refusal(elements(new Uint8Array(MAX_BYTES + 1), 1)), "too many bytes")
  })

  it("elements of something else than an array, of too many, and with bytes behind", () => {
    assert.strictEqual(refusal(elements(hex("00"), 9)), "not an array")
    assert.strictEqual(refusal(elements(hex(""), 9)), "not an array")
    assert.strictEqual(refusal(elements(hex("820000"), 1)), "too many elements")
    assert.strictEqual(refusal(elements(hex("810000"), 1)), "bytes left over")
    assert.strictEqual(refusal(elements(hex("9affffffff"), 9)), "more elements than bytes")
    assert.strictEqual(refusal(elements(hex("811817"), 9)), "number not in its shortest form")
  })
})
