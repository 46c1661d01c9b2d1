import { assert, describe, it } from "@effect/vitest"
import { ReplyBook } from "#core/onion/ReplyBook"

const keys = (n: number) =>
  ({ cellClass: 0, id: new Uint8Array(16).fill(n), replyKey: new Uint8Array(32), masks: new Uint8Array(96) }) as const

describe("ReplyBook", () => {
  it("gives what an id is for once, and only while it lives", () => {
    const book = new ReplyBook<string>()
    book.expect({ keys: keys(1), death: 10, purpose: "one" })
    book.expect({ keys: keys(2), death: 10, purpose: "two" })
    assert.strictEqual(book.take(keys(1).id, 10)?.purpose, "one")
    assert.isUndefined(book.take(keys(1).id, 10))
    assert.isUndefined(book.take(keys(2).id, 11))
    assert.isUndefined(book.take(keys(3).id, 5))
    assert.strictEqual(book.size, 0)
  })

  it("says what is over, and forgets what nobody waits for", () => {
    const book = new ReplyBook<number>()
    for (let n = 0; n < 5; n++) book.expect({ keys: keys(n), death: 10 + n, purpose: n })
    book.forget(keys(1).id)
    assert.deepStrictEqual(book.expire(13), [0, 2])
    assert.strictEqual(book.size, 2)
  })

  it("keeps no more than it may, the latest ones", () => {
    const book = new ReplyBook<number>(2)
    for (let n = 0; n < 4; n++) book.expect({ keys: keys(n), death: 9, purpose: n })
    assert.strictEqual(book.size, 2)
    assert.deepStrictEqual(
      [0, 1, 2, 3].map((n) => book.take(keys(n).id, 0)?.purpose),
      [undefined, undefined, 2, 3]
    )
  })
})
