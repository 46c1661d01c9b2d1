/**
 * The examples of RFC 8949 Appendix A. Each is either read, and then written again to the same bytes, or refused for a
 * reason given here: what is not DAG-CBOR is not for us.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { bytesOfHex, hexOf } from "#schemas/bytes/bytes"
import { decode, encode } from "#schemas/bytes/Cbor"
import { CborFloat, type CborValue } from "#schemas/bytes/CborValue"

interface Entry {
  readonly hex: string
  readonly decoded?: unknown
  readonly diagnostic?: string
}

const entries: ReadonlyArray<Entry> = JSON.parse(
  readFileSync(new URL("cbor/appendix_a.json", import.meta.url), "utf8")
)

const reasons: ReadonlyArray<readonly [RegExp, string]> = [
  [/^f9|^fa/, "float where none is allowed"],
  [/^fb[7f]ff/, "float without a value"],
  [/^(f7|f0|f8)/, "simple value where none is allowed"],
  [/^(c|d)/, "tag where none is allowed"],
  [/^a201020304/, "map key is not text"],
  [/^(5f|7f|9f|bf|83018202039f|83019f|826161bf)/, "indefinite length"]
]

/** What JSON cannot say exactly. */
const exact: Record<string, CborValue> = {
  "1bffffffffffffffff": 18446744073709551615n,
  "3bffffffffffffffff": -18446744073709551616n,
  "4401020304": Uint8Array.of(1, 2, 3, 4),
  "40": new Uint8Array(0)
}

const jsonOf = (value: CborValue): unknown => {
  if (value instanceof CborFloat) return value.value
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, item]) => [key, jsonOf(item)]))
  return Array.isArray(value) ? value.map(jsonOf) : value
}

describe("RFC 8949 Appendix A", () => {
  it("has all its 82 entries", () => assert.strictEqual(entries.length, 82))

  for (const entry of entries) {
    const meaning = entry.diagnostic ?? JSON.stringify(entry.decoded)
    const bytes = bytesOfHex(entry.hex) ?? assert.fail("not hex")
    const reason = reasons.find(([pattern]) => pattern.test(entry.hex))?.[1]
    if (reason !== undefined) {
      it(`${entry.hex} (${meaning}) is refused: ${reason}`, () => {
        assert.deepStrictEqual(decode(bytes, { profile: "dag" }), Result.fail(reason))
        assert.isTrue(Result.isFailure(decode(bytes)))
      })
    } else {
      it(`${entry.hex} (${meaning}) is read and written to the same bytes`, () => {
        const value = Result.getOrElse(decode(bytes, { profile: "dag" }), (why) => assert.fail(why))
        assert.deepStrictEqual(jsonOf(value), exact[entry.hex] ?? entry.decoded)
        assert.strictEqual(hexOf(encode(value)), entry.hex)
      })
    }
  }
})
