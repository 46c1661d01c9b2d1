/** What stands on the wire of encrypted content, beside the roles: entries, metadata and notices. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { concatBytes, hexOf, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { type Cid, cidOfDigest, DAG_CBOR, RAW } from "#schemas/content/Cid"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import * as Entry from "#schemas/ucxl/Entry"
import * as Metadata from "#schemas/ucxl/Metadata"
import * as Notice from "#schemas/ucxl/Notice"
import { RoleName } from "#schemas/ucxl/Role"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const address = "ucxl://agent-1/developer/allium/storage/decision" as UcxlAddress
const [age, about] = [cidOfDigest(DAG_CBOR, counting(32, 1)), cidOfDigest(RAW, counting(32, 2))]
const key = (first: number) => counting(32, first)
const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))

const bytesText = (value: Uint8Array): string => {
  const length = value.length
  return (length < 24 ? (0x40 + length).toString(16) : `58${length.toString(16).padStart(2, "0")}`) + hexOf(value)
}
const text = (value: string): string => {
  const { length } = value
  return (length < 24 ? (0x60 + length).toString(16) : `78${length.toString(16).padStart(2, "0")}`) + hexOf(utf8(value))
}

type Case = readonly [what: string, index: number, value: CborValue, reason: string]

interface Layout {
  readonly name: string
  readonly read: (bytes: Uint8Array) => Result.Result<object, string>
  readonly write: (record: never) => Uint8Array
  readonly tuple: ReadonlyArray<CborValue>
  readonly layout: string
  readonly limit: number
  readonly bad: ReadonlyArray<Case>
}

const long = Array.from({ length: 65 }, () => "a")

const layouts: ReadonlyArray<Layout> = [
  {
    name: "Entry",
    ...Entry,
    tuple: [age, about, 300],
    layout: `83${bytesText(age)}${bytesText(about)}19012c`,
    limit: 1024,
    bad: [
      ["a CID that is text", 0, "a", "malformed CID"],
      [
        "a CID of another hash",
        0,
        Uint8Array.of(1, 0x55, 0x13, 0x20, ...key(1)),
        "CID of another hash: only sha2-256 is supported"
      ],
      ["half a CID", 1, about.subarray(0, 20), "not a CID"],
      ["a size below nothing", 2, -1, "malformed size"]
    ]
  },
  {
    name: "Metadata",
    ...Metadata,
    tuple: [
      1,
      address,
      "developer",
      ["developer", "ops"],
      ["ops"],
      "text/plain",
      1000,
      300,
      key(3),
      [key(4)],
      5,
      [age, about]
    ],
    layout:
      `8c01${text(address)}${text("developer")}82${text("developer")}${text("ops")}81${text("ops")}${text("text/plain")}` +
      `1903e819012c${bytesText(key(3))}81${bytesText(key(4))}0582${bytesText(age)}${bytesText(about)}`,
    limit: 32 * 1024,
    bad: [
      ["another version", 0, 2, "metadata of another version"],
      ["an address that is not normal", 1, address.toUpperCase(), "malformed address"],
      ["an address that is none", 1, "ucxl://a/b/c/d", "malformed address"],
      ["a role in capitals", 2, "Developer", "malformed role"],
      ["65 readers", 3, long, "malformed list of roles"],
      ["a reader that is no role", 3, ["developer", "*"], "malformed list of roles"],
      ["shares that are no list", 4, "ops", "malformed list of roles"],
      ["a content type of 128 bytes", 5, "a".repeat(128), "malformed content type"],
      ["a time that is text", 6, "1000", "malformed time or size"],
      ["a size below nothing", 7, -1, "malformed time or size"],
      ["half a hash", 8, counting(16), "malformed hash"],
      ["21 holders", 9, Array.from({ length: 21 }, () => key(1)), "malformed holders"],
      ["a holder of 31 bytes", 9, [counting(31)], "malformed holders"],
      ["a factor that is null", 10, null, "malformed time or size"],
      ["half a link", 11, [age], "malformed link to the version before"],
      ["a link to nowhere", 11, [age, counting(36)], "malformed link to the version before"]
    ]
  },
  {
    name: "Notice",
    ...Notice,
    tuple: [1, about, 1000, key(3), age],
    layout: `8501${bytesText(about)}1903e8${bytesText(key(3))}${bytesText(age)}`,
    limit: 1024,
    bad: [
      ["another version", 0, 2, Notice.ANOTHER_VERSION],
      ["no metadata", 1, new Uint8Array(0), "not a CID"],
      ["a CID that is text", 1, "a", "malformed CID"],
      ["a seq below nothing", 2, -1, "malformed seq"],
      ["a digest of 31 bytes", 3, counting(31), "malformed digest"],
      ["half a CID", 4, age.subarray(0, 20), "not a CID"]
    ]
  }
]

for (const { bad, layout, limit, name, read, tuple, write } of layouts) {
  const bytes = encode(tuple)

  describe(name, () => {
    it("has the layout of docs/wire.md", () => {
      assert.strictEqual(hexOf(bytes), layout)
      assert.strictEqual(hexOf(write(succeeded(read(bytes)) as never)), layout)
    })

    it("withstands truncation and flipped bits", () => withstands(read, bytes))

    it("takes elements of a later version, and nothing that is not canonical or behind it", () => {
      assert.deepStrictEqual(succeeded(read(encode([...tuple, "later"]))), succeeded(read(bytes)))
      assert.isTrue(Result.isFailure(read(concatBytes([bytes, Uint8Array.of(0)]))))
      assert.isTrue(Result.isFailure(read(concatBytes([Uint8Array.of(0x9f), bytes.subarray(1), Uint8Array.of(0xff)]))))
    })

    it("is refused above its budget, and where an element is missing", () => {
      assert.strictEqual(refusal(read(encode([...tuple, new Uint8Array(limit)]))), "too many bytes")
      for (let length = 0; length < tuple.length; length++) {
        assert.isTrue(Result.isFailure(read(encode(tuple.slice(0, length)))), `${length} elements`)
      }
    })

    it("keeps nothing of the bytes that it was read from", () => {
      const input = bytes.slice()
      const record = succeeded(read(input))
      input.fill(0)
      assert.strictEqual(hexOf(write(record as never)), layout)
    })

    for (const [what, index, value, reason] of bad) {
      it(`is refused with ${what}`, () => assert.strictEqual(refusal(read(encode(tuple.with(index, value)))), reason))
    }
  })
}

const cid: Arbitrary.Arbitrary<Cid> = Arbitrary.map(
  Arbitrary.schema(
    Schema.Struct({ raw: Schema.Boolean, digest: Schema.Uint8Array.check(Schema.isBetweenLength(32, 32)) })
  ),
  ({ digest, raw }) => cidOfDigest(raw ? RAW : DAG_CBOR, digest)
)
const fields = Arbitrary.schema(
  Schema.Struct({
    parts: Schema.Array(RoleName).check(Schema.isBetweenLength(5, 5)),
    creatorRole: RoleName,
    encryptedFor: Schema.Array(RoleName).check(Schema.isMaxLength(8)),
    contentType: Metadata.Metadata.fields.contentType,
    timestamp: Metadata.Metadata.fields.timestamp,
    size: Metadata.Metadata.fields.size,
    sha256: Metadata.Metadata.fields.sha256,
    holders: Metadata.Metadata.fields.holders
  })
)

describe("codecs of encrypted content", () => {
  it.effect.prop("decode inverts encode: metadata", [fields, cid, cid], ([{ parts, ...rest }, one, other]) =>
    roundTrip(Metadata.MetadataFromBytes)(
      new Metadata.Metadata({
        ...rest,
        address: `ucxl://${parts.join("/")}` as UcxlAddress,
        sharedWith: rest.encryptedFor.slice(1),
        replicationFactor: 5,
        previous: rest.size % 2 === 0 ? undefined : { cid: one, metadataCid: other }
      })
    )
  )

  it.effect.prop(
    "decode inverts encode: entries and notices",
    [cid, cid, Metadata.Metadata.fields.size],
    ([one, other, size]) =>
      Effect.sync(() =>
        Result.match(
          Result.all([
            Result.map(Entry.read(Entry.write({ cid: one, metadataCid: other, size })), (it) => it.size === size),
            Result.map(
              Notice.read(
                Notice.write({ metadataCid: one, cid: size % 2 === 0 ? undefined : other, seq: size, digest: key(1) })
              ),
              (it) => (it.cid === undefined) === (size % 2 === 0)
            )
          ]),
          { onFailure: assert.fail, onSuccess: (all) => assert.deepStrictEqual(all, [true, true]) }
        )
      )
  )
})
