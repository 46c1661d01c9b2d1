import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { concatBytes, hexOf } from "#schemas/bytes/bytes"
import { arrayHead, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { signedElements } from "#schemas/dht/Record"
import * as PeerRecords from "#schemas/identity/PeerRecord"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const address = Uint8Array.of(4, 127, 0, 0, 1, 6, 0x1f, 0x90)
const tuple: ReadonlyArray<CborValue> = [
  3,
  counting(32, 0),
  counting(32, 32),
  counting(32, 64),
  1,
  1_800_000_000,
  1_802_592_000,
  7,
  [address],
  counting(64, 128)
]
const record = encode(tuple)
const withElement = (index: number, value: CborValue): Uint8Array => encode(tuple.with(index, value))

it.effect.prop("decode inverts encode", [PeerRecords.PeerRecord], ([value]) =>
  roundTrip(PeerRecords.PeerRecordFromBytes)(value)
)

it("has the layout of the specification", () => {
  assert.strictEqual(
    hexOf(record),
    [
      "8a03",
      `5820${hexOf(counting(32, 0))}`,
      `5820${hexOf(counting(32, 32))}`,
      `5820${hexOf(counting(32, 64))}`,
      "01",
      "1a6b49d200",
      "1a6b715f00",
      "07",
      "8148047f000001061f90",
      `5840${hexOf(counting(64, 128))}`
    ].join("")
  )
  const read = Result.getOrElse(PeerRecords.read(record), (reason) => assert.fail(reason))
  assert.deepStrictEqual(PeerRecords.write(read), record)
  assert.deepStrictEqual(read.addresses, [address])
  assert.strictEqual(read.capabilities, PeerRecords.DHT_SERVER | PeerRecords.ONION_RELAY | PeerRecords.NAT_RELAY)
})

it("withstands truncation and flipped bits", () => withstands(PeerRecords.read, record))

it.prop("random bytes never make the reader throw", [Schema.Uint8Array], ([bytes]) => {
  assert.isTrue(Result.isFailure(PeerRecords.read(bytes)))
})

it("elements of a later version are ignored by the reader and covered by the signature", () => {
  const later = encode([...tuple, "new", [1, 2]])
  assert.deepStrictEqual(PeerRecords.read(later), PeerRecords.read(record))
  const parts = Result.getOrElse(signedElements(later, PeerRecords.SIGNATURE_INDEX), (reason) => assert.fail(reason))
  assert.deepStrictEqual(parts.message, encode([...tuple.slice(0, 9), "new", [1, 2]]))
})

it("what is signed is the array without its signature, on both sides", () => {
  const read = Result.getOrElse(PeerRecords.read(record), (reason) => assert.fail(reason))
  const parts = Result.getOrElse(signedElements(record, PeerRecords.SIGNATURE_INDEX), (reason) => assert.fail(reason))
  assert.deepStrictEqual(PeerRecords.unsigned(read), parts.message)
  assert.deepStrictEqual(parts.message, concatBytes([arrayHead(9), record.slice(1, record.length - 66)]))
  assert.deepStrictEqual(Uint8Array.from(parts.signature), counting(64, 128))
})

it("a record without its signature is not taken apart", () => {
  assert.strictEqual(refusal(signedElements(withElement(9, counting(63)), 9)), "signature is missing")
  assert.strictEqual(refusal(signedElements(withElement(9, "x".repeat(64)), 9)), "signature is missing")
  assert.strictEqual(refusal(signedElements(encode(tuple.slice(0, 9)), 9)), "signature is missing")
  assert.strictEqual(refusal(signedElements(encode(new Array<number>(25).fill(0)), 9)), "too many elements")
})

const cases: ReadonlyArray<readonly [name: string, index: number, value: CborValue, reason: string]> = [
  ["another kind", 0, 2, "not a PeerRecord"],
  ["a short public key", 1, counting(31), "malformed key"],
  ["a long onion key", 3, counting(33), "malformed key"],
  ["a seq below zero", 4, -1, "malformed seq or time"],
  ["a time that is text", 5, "1", "malformed seq or time"],
  ["capabilities beyond 32 bits", 7, 2 ** 32, "malformed capabilities"],
  ["nine addresses", 8, new Array<Uint8Array>(9).fill(address), "malformed addresses"],
  ["an address that is text", 8, ["/ip4/127.0.0.1"], "malformed addresses"],
  ["a short signature", 9, counting(63), "malformed signature"],
  ["more than 1 KiB", 8, [counting(900)], "PeerRecord above 1 KiB"]
]
for (const [name, index, value, reason] of cases) {
  it(`${name} is refused`, () => assert.strictEqual(refusal(PeerRecords.read(withElement(index, value))), reason))
}
