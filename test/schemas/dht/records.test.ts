import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { concatBytes, hexOf, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import * as Block from "#schemas/dht/Block"
import * as Mutable from "#schemas/dht/Mutable"
import * as Provider from "#schemas/dht/Provider"
import {
  BLOCK_LIMIT,
  isRecordKind,
  LIFETIME,
  labelOf,
  lifetimeRefusal,
  RECORD_LIMIT,
  RecordKind,
  SET_LIMITS,
  signedElements
} from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const day = 86_400
const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))

describe("what records share", () => {
  it("labels are those of the specification, and kinds 0 and 9 carry none", () => {
    const labels = Array.from({ length: 11 }, (_, kind) => (isRecordKind(kind) ? labelOf(kind) : "no kind"))
    assert.deepStrictEqual(labels, [
      undefined,
      "mutable",
      "provider",
      "peer",
      "announce",
      "op",
      "commit",
      "snapshot",
      "keypackage",
      undefined,
      "name"
    ])
    assert.strictEqual(SET_LIMITS[RecordKind.Provider], 10)
  })

  it("eleven, minus one and a half are no kinds", () => {
    for (const kind of [11, -1, 0.5, Number.NaN]) assert.isFalse(isRecordKind(kind))
  })

  it("a record lives no longer than its kind may, and longer than no time", () => {
    const limits: ReadonlyArray<readonly [RecordKind, number]> = [
      [RecordKind.Mutable, 30 * day],
      [RecordKind.Peer, 30 * day],
      [RecordKind.Provider, day],
      [RecordKind.Announcement, day],
      [RecordKind.Inbox, 7 * day],
      [RecordKind.Block, 7 * day]
    ]
    for (const [kind, limit] of limits) {
      assert.isUndefined(lifetimeRefusal(kind, 1000, 1000 + limit))
      assert.strictEqual(lifetimeRefusal(kind, 1000, 1001 + limit), "lives too long")
      assert.strictEqual(lifetimeRefusal(kind, 1000, 1000), "expires before it was issued")
    }
  })
})

describe("Block", () => {
  it("is its bytes, up to 32 KiB", () => {
    const block = new Uint8Array(BLOCK_LIMIT)
    assert.strictEqual(succeeded(Block.read(block)), block as Block.Block)
    assert.strictEqual(refusal(Block.read(new Uint8Array(BLOCK_LIMIT + 1))), "block above 32 KiB")
  })
})

describe("Mutable", () => {
  const tuple: ReadonlyArray<CborValue> = [1, counting(32), utf8("s"), 5, 100, 200, utf8("v"), counting(64, 64)]
  const withElement = (index: number, value: CborValue): Uint8Array => encode(tuple.with(index, value))

  it.effect.prop("decode inverts encode", [Mutable.Mutable, Schema.Boolean], ([value, deletes]) =>
    roundTrip(Mutable.MutableFromBytes)(
      new Mutable.Mutable(
        deletes
          ? { ...value, value: new Uint8Array(0), issued: 100, expires: 100 + LIFETIME }
          : { ...value, value: concatBytes([Uint8Array.of(1), value.value]) }
      )
    )
  )

  it("has the layout of the specification", () => {
    const layout = `88015820${hexOf(counting(32))}417305186418c841765840${hexOf(counting(64, 64))}`
    const record = succeeded(Mutable.read(encode(tuple)))
    assert.strictEqual(hexOf(Mutable.write(record)), layout)
    assert.deepStrictEqual(
      Mutable.unsigned(record),
      succeeded(signedElements(encode(tuple), Mutable.SIGNATURE_INDEX)).message
    )
  })

  it("its key is made of the prefix, the author and, last, the salt", () => {
    const preimage = Mutable.keyPreimage(counting(32), utf8("salt"))
    assert.strictEqual(hexOf(preimage), hexOf(concatBytes([utf8("allium/mutable"), counting(32), utf8("salt")])))
  })

  it("withstands truncation and flipped bits", () => withstands(Mutable.read, encode(tuple)))

  it("an empty value deletes, and lives 30 days to the second", () => {
    const deletion = tuple.with(6, new Uint8Array(0))
    const record = succeeded(Mutable.read(encode(deletion.with(5, 100 + LIFETIME))))
    assert.isTrue(Mutable.isDeletion(record))
    for (const expires of [99 + LIFETIME, 101 + LIFETIME]) {
      assert.strictEqual(
        refusal(Mutable.read(encode(deletion.with(5, expires)))),
        "deletion that does not live 30 days"
      )
    }
  })

  it("the longest value fits beside the longest of all else", () => {
    const longest = {
      author: counting(32) as PublicKey,
      salt: counting(Mutable.SALT_LIMIT),
      seq: Number.MAX_SAFE_INTEGER,
      issued: Number.MAX_SAFE_INTEGER - 1,
      expires: Number.MAX_SAFE_INTEGER,
      value: new Uint8Array(Mutable.VALUE_LIMIT),
      signature: counting(64)
    }
    assert.deepStrictEqual(succeeded(Mutable.read(Mutable.write(longest))), longest)
  })

  const cases: ReadonlyArray<readonly [name: string, index: number, value: CborValue, reason: string]> = [
    ["another kind", 0, 3, "not a mutable record"],
    ["a short author", 1, counting(31), "malformed author"],
    ["a salt of 65 bytes", 2, counting(65), "malformed salt"],
    ["a seq that is text", 3, "5", "malformed seq or time"],
    ["a value that is text", 6, "v", "malformed value"],
    ["a long signature", 7, counting(65), "malformed signature"],
    ["more than 60 KiB", 6, new Uint8Array(RECORD_LIMIT - 100), "record above 60 KiB"]
  ]
  for (const [name, index, value, reason] of cases) {
    it(`${name} is refused`, () => assert.strictEqual(refusal(Mutable.read(withElement(index, value))), reason))
  }
})

describe("Provider", () => {
  const tuple: ReadonlyArray<CborValue> = [2, counting(32), counting(32, 32), 100, 200, counting(64, 64)]

  it.effect.prop("decode inverts encode", [Provider.Provider], ([value]) =>
    roundTrip(Provider.ProviderFromBytes)(value)
  )

  it("has the layout of the specification", () => {
    const layout = `86025820${hexOf(counting(32))}5820${hexOf(counting(32, 32))}186418c85840${hexOf(counting(64, 64))}`
    const record = succeeded(Provider.read(encode(tuple)))
    assert.strictEqual(hexOf(Provider.write(record)), layout)
    assert.deepStrictEqual(
      Provider.unsigned(record),
      succeeded(signedElements(encode(tuple), Provider.SIGNATURE_INDEX)).message
    )
  })

  it("withstands truncation and flipped bits", () => withstands(Provider.read, encode(tuple)))

  const cases: ReadonlyArray<readonly [name: string, index: number, value: CborValue, reason: string]> = [
    ["another kind", 0, 1, "not a provider record"],
    ["a short key", 1, counting(31), "malformed key"],
    ["a long node", 2, counting(33), "malformed node"],
    ["a negative time", 3, -1, "malformed time"],
    ["a signature that is null", 5, null, "malformed signature"]
  ]
  for (const [name, index, value, reason] of cases) {
    it(`${name} is refused`, () => assert.strictEqual(refusal(Provider.read(encode(tuple.with(index, value)))), reason))
  }

  it.prop("random bytes never make a reader throw", [Schema.Uint8Array], ([bytes]) => {
    assert.isTrue(Result.isFailure(Provider.read(bytes)))
    assert.isTrue(Result.isFailure(Mutable.read(bytes)))
    signedElements(bytes, 1)
  })
})
