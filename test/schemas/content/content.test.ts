import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { bytesOfHex, hexOf } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import { CborLink, type CborValue } from "#schemas/bytes/CborValue"
import * as Cid from "#schemas/content/Cid"
import * as DagNode from "#schemas/content/DagNode"
import { BLOCK_LIMIT } from "#schemas/dht/Record"
import { bitFlips, counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const raw = Cid.cidOfDigest(Cid.RAW, counting(32))
const hex = (text: string): Uint8Array => bytesOfHex(text) ?? assert.fail("not hex")
const Digest = Schema.Uint8Array.check(Schema.isBetweenLength(32, 32))

describe("Cid", () => {
  it.effect.prop("comes back from its text", [Digest], ([digest]) =>
    roundTrip(Cid.CidFromText)(Cid.cidOfDigest(Cid.DAG_CBOR, digest))
  )
  it.effect.prop("comes back from its bytes", [Digest], ([digest]) =>
    roundTrip(Cid.CidFromBytes)(Cid.cidOfDigest(Cid.RAW, digest))
  )

  it("is the well-known one for the empty block and for a greeting", () => {
    const empty = hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    const cid = Cid.cidOfDigest(Cid.RAW, empty)
    assert.strictEqual(Cid.cidText(cid), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
    assert.strictEqual(hexOf(cid), `01551220${hexOf(empty)}`)
  })

  const texts: ReadonlyArray<readonly [name: string, text: string, reason: string]> = [
    ["version 0", "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "CID of version 0: only version 1 is supported"],
    ["another base", "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA", "not a CID in base32"],
    ["upper case", Cid.cidText(raw).toUpperCase(), "not a CID in base32"],
    ["capitals within", Cid.cidText(raw).replace("k", "K"), "not a CID in base32"],
    ["a digit that base32 has not", `${Cid.cidText(raw).slice(0, -1)}1`, "not a CID in base32"],
    ["padding", `${Cid.cidText(raw)}=`, "not a CID in base32"],
    ["bits behind the last byte", `${Cid.cidText(raw).slice(0, -1)}7`, "not a CID in base32"],
    ["nothing", "", "not a CID in base32"],
    ["endless text", "b".repeat(1_000_000), "not a CID in base32"]
  ]
  for (const [name, text, reason] of texts) {
    it(`text with ${name} is refused`, () => assert.strictEqual(refusal(Cid.cidOfText(text)), reason))
  }

  const digest = hexOf(counting(32))
  const binaries: ReadonlyArray<readonly [name: string, bytes: string, reason: string]> = [
    ["another hash", `01551b20${digest}`, "CID of another hash: only sha2-256 is supported"],
    ["a shortened hash", `0155121f${digest.slice(2)}`, "CID of a shortened hash"],
    ["version 0", `1220${digest}`, "CID of version 0: only version 1 is supported"],
    ["version 2", `02551220${digest}`, "not a CID"],
    ["a codec in a longer form", `01d5001220${digest}`, "not a CID"],
    ["a length in a longer form", `015512a000${digest}`, "not a CID"],
    ["bytes behind it", `01551220${digest}00`, "not a CID"],
    ["bytes missing", `01551220${digest.slice(2)}`, "not a CID"],
    ["no end", "00".repeat(1000), "not a CID: too long"]
  ]
  for (const [name, bytes, reason] of binaries) {
    it(`bytes with ${name} are refused`, () => assert.strictEqual(refusal(Cid.cidOfBytes(hex(bytes))), reason))
  }

  it.prop("random bytes never make it throw", [Schema.Uint8Array], ([bytes]) => {
    Cid.cidOfBytes(bytes)
  })
  it("withstands truncation and flipped bits", () => withstands(Cid.cidOfBytes, raw))
})

describe("DagNode", () => {
  const dag = Cid.cidOfDigest(Cid.DAG_CBOR, counting(32, 32))
  const node: DagNode.DagNodeFields = {
    children: [
      { cid: dag, size: 65_536 },
      { cid: raw, size: 10 }
    ]
  }
  const block = DagNode.write(node)

  it("has the layout of the specification", () => {
    const link = (cid: Uint8Array) => `d82a582500${hexOf(cid)}`
    assert.strictEqual(hexOf(block), `8282${link(dag)}1a0001000082${link(raw)}0a`)
    assert.deepStrictEqual(DagNode.read(block), Result.succeed(node))
    assert.strictEqual(DagNode.sizeOf(node), 65_546)
  })

  it.effect("decode inverts encode", () => roundTrip(DagNode.DagNodeFromBytes)(new DagNode.DagNode(node)))

  it("a full node of the largest sizes fits in a block, one child more is refused", () => {
    const child = { cid: dag, size: Number.MAX_SAFE_INTEGER }
    const full = DagNode.write({ children: new Array<DagNode.DagChild>(512).fill(child) })
    assert.isAtMost(full.length, BLOCK_LIMIT)
    assert.isTrue(Result.isSuccess(DagNode.read(full)))
    const more = DagNode.write({ children: new Array<DagNode.DagChild>(513).fill(child) })
    assert.strictEqual(refusal(DagNode.read(more)), "not 1 to 512 children")
  })

  const other = new CborLink(Cid.cidOfDigest(0x70, counting(32)))
  const cases: ReadonlyArray<readonly [name: string, value: CborValue, reason: string]> = [
    ["no children", [], "not 1 to 512 children"],
    ["a map", new Map([["a", 1]]), "not an array"],
    ["a child without a size", [[new CborLink(raw)]], "malformed child"],
    ["a child with more than a size", [[new CborLink(raw), 1, 1]], "malformed child"],
    ["a child of no bytes", [[new CborLink(raw), 0]], "malformed child"],
    ["a size that is a float", [[new CborLink(raw), 1.5]], "malformed child"],
    ["a link that is bytes", [[raw, 1]], "malformed child"],
    ["a link to another codec", [[other, 1]], "child of another codec"],
    ["a link that is no CID", [[new CborLink(counting(5)), 1]], "not a CID"]
  ]
  for (const [name, value, reason] of cases) {
    it(`${name} is refused`, () => assert.strictEqual(refusal(DagNode.read(encode(value))), reason))
  }

  it("whatever is accepted is written to the same bytes", () => {
    for (const bytes of bitFlips(block)) {
      const read = DagNode.read(bytes)
      if (Result.isSuccess(read)) assert.deepStrictEqual(DagNode.write(read.success), bytes)
    }
    withstands(DagNode.read, block)
  })
})
