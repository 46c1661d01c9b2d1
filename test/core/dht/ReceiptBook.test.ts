import { assert, describe, it } from "@effect/vitest"
import { Outcomes } from "#core/dht/Outcomes"
import { ReceiptBook } from "#core/dht/ReceiptBook"
import { hexOf } from "#schemas/bytes/bytes"

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const first = () => 0

const bookOf = (...receipts: ReadonlyArray<readonly [key: number, holders: ReadonlyArray<number>]>) => {
  const book = new ReceiptBook(100)
  for (const [key, holders] of receipts) book.add({ kind: 0, key: id(key), holders: holders.map(id), expires: 100 })
  return book
}

describe("ReceiptBook", () => {
  it("asks each holder for one thing, as many holders as are wanted", () => {
    const book = bookOf([1, [11, 12]], [2, [12, 13]])
    const probes = book.probes(0, 10, first)
    assert.deepStrictEqual(
      probes.map(({ holder, key }) => [hexOf(holder), hexOf(key)]),
      [
        [id(11), id(1)],
        [id(12), id(1)],
        [id(13), id(2)]
      ].map((pair) => pair.map(hexOf))
    )
    assert.strictEqual(book.probes(0, 2, first).length, 2)
  })

  it("forgets what has died, what was put again, and what was put longest ago", () => {
    const book = bookOf([1, [11]])
    assert.deepStrictEqual(book.probes(100, 10, first), [])
    assert.strictEqual(book.size, 0)
    const small = new ReceiptBook(2)
    for (const key of [1, 2, 1, 3]) small.add({ kind: 0, key: id(key), holders: [id(9)], expires: 100 })
    assert.strictEqual(small.size, 2)
    assert.deepStrictEqual(
      small.lost(id(9)).map(({ key }) => key[0]),
      [1, 3]
    )
  })

  it("tells which things have nobody left when a holder is found wanting", () => {
    const book = bookOf([1, [11, 12]], [2, [12]], [3, [11]])
    assert.deepStrictEqual(
      book.lost(id(12)).map(({ key }) => key[0]),
      [2]
    )
    assert.deepStrictEqual(book.lost(id(12)), [])
    assert.strictEqual(book.size, 2)
  })

  it("counts who has proven a thing, each once", () => {
    const book = bookOf([1, [11, 12]])
    assert.strictEqual(book.proven({ kind: 0, key: id(1), holder: id(11) }), 1)
    assert.strictEqual(book.proven({ kind: 0, key: id(1), holder: id(11) }), 1)
    assert.strictEqual(book.proven({ kind: 0, key: id(1), holder: id(99) }), 1)
    assert.strictEqual(book.proven({ kind: 0, key: id(1), holder: id(12) }), 2)
    book.drop(0, id(1))
    assert.strictEqual(book.proven({ kind: 0, key: id(1), holder: id(12) }), 0)
  })

  it("keeps nothing where it may keep nothing, nor what nobody else holds", () => {
    const none = new ReceiptBook(0)
    none.add({ kind: 0, key: id(1), holders: [id(2)], expires: 100 })
    assert.strictEqual(none.size, 0)
    assert.strictEqual(bookOf([1, []]).size, 0)
  })
})

describe("Outcomes", () => {
  it("expect a half of strangers, more of who did well, and forget slowly", () => {
    const outcomes = new Outcomes(2)
    assert.strictEqual(outcomes.quality("a"), 0.5)
    for (let n = 0; n < 50; n++) outcomes.note("a", true)
    const good = outcomes.quality("a")
    assert.isAbove(good, 0.9)
    outcomes.note("a", false)
    assert.isBelow(outcomes.quality("a"), good)
    assert.isAbove(outcomes.quality("a"), 0.7)
    for (let n = 0; n < 50; n++) outcomes.note("a", false)
    assert.isBelow(outcomes.quality("a"), 0.1)
    for (const peer of ["b", "c"]) outcomes.note(peer, true)
    assert.strictEqual(outcomes.size, 2)
    assert.strictEqual(outcomes.quality("a"), 0.5)
  })
})
