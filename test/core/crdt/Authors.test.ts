import { assert, describe, it } from "@effect/vitest"
import { Authors } from "#core/crdt/Authors"
import { compareBytes } from "#schemas/bytes/bytes"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { chance } from "./histories.ts"

const withKeys = (keys: ReadonlyArray<Uint8Array>, authors = new Authors()): Authors => {
  for (const key of keys) authors.add(key as PublicKey).seq = 1
  return authors
}

const keys = (count: number, seed: number, kinds: number): Array<Uint8Array> => {
  const lot = chance(seed)
  return Array.from({ length: count }, (_, at) => {
    const key = Uint8Array.from({ length: 32 }, () => lot(kinds) * 85)
    new DataView(key.buffer).setUint16(30, at)
    return key
  })
}

describe("authors", () => {
  it("are in the order of their keys, whether those begin alike or not", () => {
    for (const kinds of [1, 2, 4]) {
      const made = keys(300, kinds, kinds)
      const expected = made.toSorted(compareBytes)
      assert.deepStrictEqual(
        withKeys(made)
          .inOrder()
          .map(({ key }) => key as Uint8Array),
        expected
      )
    }
  })

  it("are put in order anew when others have come, without those who have not written", () => {
    const [first, second, third] = keys(3, 9, 4) as [Uint8Array, Uint8Array, Uint8Array]
    const authors = withKeys([first])
    assert.strictEqual(authors.inOrder().length, 1)
    const silent = authors.add(second as PublicKey)
    withKeys([third], authors)
    assert.deepStrictEqual(
      authors.inOrder().map(({ key }) => key as Uint8Array),
      [first, third].sort(compareBytes)
    )
    silent.seq = 1
    assert.strictEqual(authors.inOrder().length, 3)
  })
})
