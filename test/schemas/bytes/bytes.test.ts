import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { bytesOfHex, bytesOfKey, compareBytes, concatBytes, equalBytes, hexOf, keyOf, utf8 } from "#schemas/bytes/bytes"
import { counting } from "../malformed.ts"

const Bytes = Schema.Uint8Array

it.prop("a key gives its bytes back", [Bytes], ([bytes]) =>
  assert.deepStrictEqual(bytesOfKey(keyOf(bytes)), Uint8Array.from(bytes))
)

it("keys of 32 bytes and of more than one part are like any other", () => {
  for (const length of [0, 31, 32, 33, 8192, 8193, 40_000]) {
    assert.deepStrictEqual(bytesOfKey(keyOf(counting(length, 7))), counting(length, 7))
  }
})

it.prop("hex gives its bytes back", [Bytes], ([bytes]) =>
  assert.deepStrictEqual(bytesOfHex(hexOf(bytes)), Uint8Array.from(bytes))
)

it("hex is refused with an odd number of digits or another character", () => {
  assert.isUndefined(bytesOfHex("abc"))
  assert.isUndefined(bytesOfHex("0g"))
  assert.isUndefined(bytesOfHex("0x00"))
  assert.deepStrictEqual(bytesOfHex("FFa0"), Uint8Array.of(255, 160))
})

it.prop("comparison agrees with that of keys, and with equality", [Bytes, Bytes], ([a, b]) => {
  const [x, y] = [keyOf(a), keyOf(b)]
  assert.strictEqual(Math.sign(compareBytes(a, b)), x < y ? -1 : x > y ? 1 : 0)
  assert.strictEqual(equalBytes(a, b), x === y)
})

it("parts are joined in order, into an array of its own", () => {
  const part = utf8("é")
  const whole = concatBytes([part, new Uint8Array(0), Uint8Array.of(1)])
  part[0] = 0
  assert.deepStrictEqual(whole, Uint8Array.of(0xc3, 0xa9, 1))
})
