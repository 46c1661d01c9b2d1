import { createHash } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { base58btc } from "multiformats/bases/base58"
import { concatBytes } from "#schemas/bytes/bytes"
import { NodeId, NodeIdFromHex, NodeIdFromText, nodeIdOfText, nodeIdShort, nodeIdText } from "#schemas/identity/NodeId"
import { didOf, PublicKey, PublicKeyFromDid, publicKeyOfDid } from "#schemas/identity/PublicKey"
import { counting, refusal } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

it.effect.prop("a node id comes back from its text", [NodeId], ([id]) => roundTrip(NodeIdFromText)(id))
it.effect.prop("a node id comes back from hex", [NodeId], ([id]) => roundTrip(NodeIdFromHex)(id))
it.effect.prop("a public key comes back from its DID", [PublicKey], ([key]) => roundTrip(PublicKeyFromDid)(key))

it("the text of an id is the multihash that IPFS writes", () => {
  // sha2-256 of nothing, as every IPFS implementation writes it
  const empty = new Uint8Array(createHash("sha256").digest())
  assert.strictEqual(nodeIdText(empty), "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n")
  assert.strictEqual(nodeIdShort(empty), "gJgS1zR1n".slice(-8))
})

it("the DID of a key is the one that the method's specification gives", () => {
  const did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
  const key = Result.getOrElse(publicKeyOfDid(did), (reason) => assert.fail(reason))
  assert.strictEqual(didOf(key), did)
})

it("text and DIDs of all zeros and all ones have the length that is expected", () => {
  for (const byte of [0, 255]) {
    const bytes = new Uint8Array(32).fill(byte)
    assert.deepStrictEqual(nodeIdOfText(nodeIdText(bytes)), Result.succeed(bytes as NodeId))
    assert.deepStrictEqual(publicKeyOfDid(didOf(bytes)), Result.succeed(bytes as PublicKey))
  }
})

it("a text of another length, alphabet or hash is not a node id", () => {
  const text = nodeIdText(counting(32))
  assert.strictEqual(refusal(nodeIdOfText(text.slice(1))), "a node id has 46 characters")
  assert.strictEqual(refusal(nodeIdOfText("1".repeat(1_000_000))), "a node id has 46 characters")
  assert.strictEqual(refusal(nodeIdOfText(`${text.slice(0, 45)}0`)), "not base58btc")
  const sha1 = base58btc.baseEncode(concatBytes([Uint8Array.of(0x11, 0x20), counting(32)]))
  assert.strictEqual(refusal(nodeIdOfText(sha1.padEnd(46, "1").slice(0, 46))), "not a sha2-256 multihash")
})

it("a DID of another method, base, kind of key or length is refused", () => {
  const did = didOf(counting(32))
  for (const bad of [did.replace("key", "web"), did.replace(":z", ":m"), `${did}1`, did.slice(0, -1), "", `${did}#a`]) {
    assert.strictEqual(refusal(publicKeyOfDid(bad)), "not a did:key of an Ed25519 key")
  }
  const x25519 = `did:key:z${base58btc.baseEncode(concatBytes([Uint8Array.of(0xec, 0x01), counting(32)]))}`
  assert.strictEqual(refusal(publicKeyOfDid(x25519)), "not a did:key of an Ed25519 key")
  assert.strictEqual(refusal(publicKeyOfDid(`${did.slice(0, -1)}0`)), "not base58btc")
})

it("hex of another length is not a node id", () => {
  for (const bad of ["", "00".repeat(31), "00".repeat(33), "zz".repeat(32)]) {
    assert.isTrue(Result.isFailure(Schema.decodeResult(NodeIdFromHex)(bad)))
  }
})
