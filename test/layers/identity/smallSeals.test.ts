import { assert, describe, it } from "@effect/vitest"
import { nobleSuite } from "#core/identity/nobleSuite"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { ASSOCIATED_LIMIT, memory, openSmall, SMALL_LIMIT, sealSmall } from "#layers/identity/smallSeals"
import { sameBytes } from "../../laws/suite.ts"

/** As good as random, so that a piece of it in memory is there for no other reason. */
const distinct = (seed: number, length: number) =>
  nobleSuite.hkdfSha256(Uint8Array.of(seed), new Uint8Array(), new Uint8Array(), length)

const isInMemory = (bytes: Uint8Array) => {
  const all = Buffer.from(memory())
  for (let at = 0; at + 6 <= bytes.length; at++) if (all.includes(Buffer.from(bytes.subarray(at, at + 6)))) return true
  return false
}

const key = distinct(3, 32)
const nonce = distinct(90, 12)

describe("smallSeals", () => {
  it("leaves neither the key nor the text in the module's memory, whether a message was good or not", () => {
    const associated = distinct(50, ASSOCIATED_LIMIT)
    for (const length of [6, 16, 63, 64, 65, SMALL_LIMIT]) {
      const text = distinct(120, length)
      const sealed = Buffer.concat(sealSmall(key, nonce, associated, [text], length))
      assert.isFalse(isInMemory(key) || isInMemory(text), `after sealing ${length}`)
      sameBytes(openSmall(key, nonce, associated, sealed), text)
      assert.isFalse(isInMemory(key) || isInMemory(text), `after opening ${length}`)
      sealed[0]! ^= 1
      assert.isUndefined(openSmall(key, nonce, associated, sealed))
      assert.isFalse(isInMemory(key) || isInMemory(text), `after refusing ${length}`)
    }
  })

  it("meets the native code without a seam, in length of text and of associated data", () => {
    const [ours, reference] = [NodeCrypto.suite.aead(key), nobleSuite.aead(key)]
    for (const length of [0, 1, SMALL_LIMIT - 1, SMALL_LIMIT, SMALL_LIMIT + 1]) {
      for (const more of [0, 8, ASSOCIATED_LIMIT, ASSOCIATED_LIMIT + 1]) {
        const [text, associated] = [distinct(7, length), distinct(9, more)]
        const sealed = Buffer.concat(ours.seal(nonce, associated, [text.subarray(0, 5), text.subarray(5)]))
        sameBytes(sealed, Buffer.concat(reference.seal(nonce, associated, [text])), `${length}, ${more}`)
        sameBytes(ours.open(nonce, associated, sealed), text, `${length}, ${more}`)
      }
    }
  })

  it("gives every message memory of its own", () => {
    const first = sealSmall(key, nonce, new Uint8Array(), [distinct(1, 20)], 20)
    const before = Buffer.concat(first)
    const opened = openSmall(key, nonce, new Uint8Array(), before)
    sealSmall(key, nonce, new Uint8Array(), [distinct(2, 20)], 20)
    sameBytes(Buffer.concat(first), before)
    sameBytes(opened, distinct(1, 20))
  })
})
