/** Published blocks with their CIDs, and multihashes of which only whole sha2-256 ones are ours. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { bytesOfHex, concatBytes, hexOf, utf8 } from "#schemas/bytes/bytes"
import { decode, encode } from "#schemas/bytes/Cbor"
import { cidOfBytes, cidOfDigest, cidOfText, cidText, codecOf, DAG_CBOR, digestOf, RAW } from "#schemas/content/Cid"

interface Fixture {
  readonly fixture: string
  readonly cid: string
  readonly cid_bytes_hex: string
  readonly codec: string
  readonly codec_code: number
  readonly block_hex: string
}

const file = (name: string): string => readFileSync(new URL(`cid/${name}`, import.meta.url), "utf8")
const fixtures: ReadonlyArray<Fixture> = JSON.parse(file("codec-fixtures-a.json"))
const rows = file("multihash-test_cases.csv").trim().split(/\r?\n/).slice(1)
const hex = (text: string): Uint8Array => bytesOfHex(text) ?? assert.fail("not hex")
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest())

describe("codec fixtures", () => {
  it("are 52 in number", () => assert.strictEqual(new Set(fixtures.map((entry) => entry.fixture)).size, 52))

  for (const entry of fixtures) {
    const block = hex(entry.block_hex)

    it(`${entry.fixture}, ${entry.codec}: the CID is that of its block, as text and as bytes`, () => {
      const cid = Result.getOrElse(cidOfText(entry.cid), (why) => assert.fail(why))
      assert.strictEqual(hexOf(cid), entry.cid_bytes_hex)
      assert.strictEqual(cidText(cid), entry.cid)
      assert.deepStrictEqual(cidOfBytes(hex(entry.cid_bytes_hex)), Result.succeed(cid))
      assert.deepStrictEqual(Uint8Array.from(digestOf(cid)), sha256(block))
      assert.strictEqual(codecOf(cid), entry.codec_code)
      assert.deepStrictEqual(cidOfDigest(entry.codec_code, sha256(block)), cid)
    })

    if (entry.codec_code === DAG_CBOR) {
      it(`${entry.fixture}: the block is read and written to the same bytes`, () => {
        const value = Result.getOrElse(decode(block, { profile: "dag" }), (why) => assert.fail(why))
        assert.strictEqual(hexOf(encode(value)), entry.block_hex)
      })
    }
  }
})

describe("multihash cases", () => {
  it("are 260 in number", () => assert.strictEqual(rows.length, 260))

  for (const row of rows) {
    const [algorithm = "", bits = "", input = "", multihash = ""] = row.split(",")
    const cid = concatBytes([Uint8Array.of(1, RAW), hex(multihash)])
    if (algorithm === "sha2-256" && bits === "256") {
      it(`${algorithm} ${bits} ${input} is the digest of a CID`, () => {
        const read = Result.getOrElse(cidOfBytes(cid), (why) => assert.fail(why))
        assert.deepStrictEqual(Uint8Array.from(digestOf(read)), sha256(utf8(input)))
      })
    } else {
      it(`${algorithm} ${bits} ${input} is refused`, () => {
        const reason = algorithm === "sha2-256" ? "CID of a shortened hash" : "CID of another hash"
        const read = cidOfBytes(cid)
        assert.isTrue(Result.isFailure(read) && read.failure.startsWith(reason))
      })
    }
  }
})
