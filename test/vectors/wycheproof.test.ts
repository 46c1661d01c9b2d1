/** Every Wycheproof test of the primitives that Allium uses, for both suites. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { nobleSuite } from "#core/identity/nobleSuite"
import type { Suite } from "#core/identity/Suite"
import * as NodeCrypto from "#layers/identity/NodeCrypto"

type Fields = Readonly<Record<string, string>>
interface Test {
  readonly tcId: number
  readonly comment: string
  readonly result: "valid" | "invalid" | "acceptable"
  readonly size?: number
}
interface Group {
  readonly ivSize?: number
  readonly publicKey?: { readonly pk: string }
  readonly tests: ReadonlyArray<Test & Fields>
}

const groups = (file: string): ReadonlyArray<Group> =>
  JSON.parse(readFileSync(new URL(`./wycheproof/${file}_test.json`, import.meta.url), "utf8")).testGroups

const bytes = (hex: string | undefined): Uint8Array => new Uint8Array(Buffer.from(hex ?? assert.fail("field missing"), "hex"))
const hex = (data: Uint8Array | undefined): string | undefined => data && Buffer.from(data).toString("hex")

const suites: ReadonlyArray<readonly [string, Suite]> = [
  ["nobleSuite", nobleSuite],
  ["NodeCrypto", NodeCrypto.suite]
]

const each = (file: string, check: (suite: Suite, test: Test & Fields, group: Group) => void) => {
  for (const [name, suite] of suites) {
    describe(`${file} with ${name}`, () => {
      for (const group of groups(file)) {
        for (const test of group.tests) {
          it(`${test.tcId}: ${test.result}${test.comment && `, ${test.comment}`}`, () => check(suite, test, group))
        }
      }
    })
  }
}

each("x25519", (suite, test) => {
  const shared = hex(suite.agreementKey(bytes(test["private"])).agree(bytes(test["public"])))
  // Acceptable are points of low order or on the twist: refused where the result is zero, else computed exactly.
  const refused = test.result === "acceptable" && /^0+$/.test(test["shared"]!)
  assert.strictEqual(shared, refused ? undefined : test["shared"])
})

each("ed25519", (suite, test, group) => {
  const verified = suite.verify(bytes(group.publicKey?.pk), bytes(test["msg"]), bytes(test["sig"]))
  assert.strictEqual(verified, test.result === "valid")
})

each("chacha20_poly1305", (suite, test, group) => {
  if (group.ivSize !== 96) return assert.strictEqual(test.result, "invalid") // the contract takes 12 bytes
  const [key, nonce, associated, plain] = [test["key"], test["iv"], test["aad"], test["msg"]].map(bytes)
  const sealed = bytes(`${test["ct"]}${test["tag"]}`)
  const aead = suite.aead(key!)
  assert.strictEqual(hex(aead.open(nonce!, associated!, sealed)), test.result === "valid" ? test["msg"] : undefined)
  if (test.result === "valid") {
    assert.strictEqual(hex(Buffer.concat(aead.seal(nonce!, associated!, [plain!]))), hex(sealed))
  }
})

each("hkdf_sha256", (suite, test) => {
  const derive = () => hex(suite.hkdfSha256(bytes(test["ikm"]), bytes(test["salt"]), bytes(test["info"]), test.size!))
  if (test.result === "valid") assert.strictEqual(derive(), test["okm"])
  else assert.throws(derive)
})
