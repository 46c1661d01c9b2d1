import { assert, describe, it } from "@effect/vitest"
import { nameEntries } from "#core/dht/nameEntries"
import { LIFETIME } from "#schemas/dht/Record"
import { grant, name, signingOf } from "../../layers/dht/fixtures.ts"

const keyOfName = (of: string) => signingOf(of).publicKey
const authority = keyOfName("root")
const nobody = new Uint8Array(32)

describe("nameEntries", () => {
  it("puts the higher role first, then the later entry, and tells the role", () => {
    const of = (author: string, issued: number, role: number) =>
      name(author, "n", { authority, issued, grants: [grant("root", author, { role })] })
    const records = [of("a", 10, 1), of("b", 20, 3), of("c", 30, 3), name("root", "n", { authority, issued: 1 })]
    assert.deepStrictEqual(
      nameEntries(records, nobody, 100).map(({ author, role }) => [author, role]),
      [
        [authority, 5],
        [keyOfName("c"), 3],
        [keyOfName("b"), 3],
        [keyOfName("a"), 1]
      ] as never
    )
  })

  it("in the open namespace puts the reader's own first, then the latest", () => {
    const records = [name("a", "n", { issued: 10 }), name("b", "n", { issued: 30 }), name("c", "n", { issued: 20 })]
    const order = (own: Uint8Array) => nameEntries(records, own, 100).map(({ author }) => author)
    assert.deepStrictEqual(order(nobody), ["b", "c", "a"].map(keyOfName) as never)
    assert.deepStrictEqual(order(keyOfName("a")), ["a", "b", "c"].map(keyOfName) as never)
  })

  it("agrees with every other reader on entries of the same second", () => {
    const records = [name("a", "n"), name("b", "n"), name("c", "n", { seq: 2 })]
    const first = nameEntries(records, nobody, 100)
    assert.deepStrictEqual(nameEntries(records.toReversed(), nobody, 100), first)
    assert.deepStrictEqual(first[0]?.author, keyOfName("c") as never)
  })

  it("leaves out what was deleted, what no grant covers any more, and what is no name", () => {
    const deleted = name("a", "n", { value: new Uint8Array(0), expires: LIFETIME })
    const expired = name("b", "n", { authority, grants: [grant("root", "b", { expires: 90 })] })
    assert.deepStrictEqual(nameEntries([deleted, expired, new Uint8Array(3)], nobody, 100), [])
    const entry = name("c", "n", { authority, grants: [grant("root", "c", { expires: 200 })] })
    assert.strictEqual(nameEntries([entry], nobody, 100)[0]?.expires, 200)
  })
})
