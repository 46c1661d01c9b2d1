import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { factsOf } from "#core/dht/facts"
import { bitsOf, bitsOn, leadingZeros, Search } from "#core/dht/work"
import { hexOf } from "#schemas/bytes/bytes"
import * as Inbox from "#schemas/dht/Inbox"
import { RecordKind } from "#schemas/dht/Record"
import { suite } from "../../layers/dht/fixtures.ts"

const DAY = 86_400
const job = { kind: RecordKind.Name, key: suite.sha256(Uint8Array.of(1)), digest: suite.sha256(Uint8Array.of(2)) }

const solve = (of: typeof job, day: number, bits: number): Uint8Array => {
  const search = new Search(suite, of, day, bits)
  for (;;) {
    const nonce = search.step(1_000)
    if (nonce !== undefined) return nonce
  }
}

describe("work", () => {
  it("counts leading zero bits", () => {
    const of = (...bytes: ReadonlyArray<number>) => leadingZeros(Uint8Array.from(bytes))
    assert.deepStrictEqual([of(0x80), of(0x7f), of(0, 1), of(0, 0x40, 0), of(0, 0)], [0, 1, 15, 9, 16])
  })

  it("is found by search and checked by one hash", () => {
    const nonce = solve(job, 3, 12)
    assert.isAtLeast(bitsOn(suite, job, 3, nonce), 12)
    assert.isAtLeast(bitsOf(suite, job, 3 * DAY + 5, nonce), 12)
  })

  it("has a nonce that everybody who searches finds", () => {
    const nonce = solve(job, 3, 8)
    assert.strictEqual(hexOf(nonce), hexOf(solve(job, 3, 8)))
    const search = new Search(suite, job, 3, 8)
    assert.isUndefined(search.step(0))
    let steps = 0
    while (search.step(1) === undefined) steps++
    assert.strictEqual(search.tried, steps + 1)
  })

  it("counts today and yesterday, and no other day, record, key or kind", () => {
    const nonce = solve(job, 3, 16)
    const bits = (now: number, of = job) => bitsOf(suite, of, now, nonce)
    assert.isAtLeast(bits(3 * DAY), 16)
    assert.isAtLeast(bits(5 * DAY - 1), 16)
    assert.isBelow(bits(5 * DAY), 16)
    assert.isBelow(bits(3 * DAY - 1), 16)
    assert.isBelow(bits(3 * DAY, { ...job, digest: suite.sha256(Uint8Array.of(9)) }), 16)
    assert.isBelow(bits(3 * DAY, { ...job, key: suite.sha256(Uint8Array.of(9)) }), 16)
    assert.isBelow(bits(3 * DAY, { ...job, kind: RecordKind.Mutable as never }), 16)
    assert.strictEqual(bitsOf(suite, job, 3 * DAY, nonce.subarray(1)), 0)
  })

  it("of an inbox record is done over the record without its nonce, on the day of its issue", () => {
    const fields = { key: job.key, issued: 4 * DAY + 9, expires: 5 * DAY, enc: job.digest, sealed: new Uint8Array(9) }
    const inbox = { kind: RecordKind.Inbox, key: job.key, digest: suite.sha256(Inbox.unworked(fields)) }
    const nonce = solve(inbox as never, 4, 10)
    const facts = factsOf(suite, RecordKind.Inbox, Inbox.write({ ...fields, nonce }))
    assert.isAtLeast(Result.getOrThrow(facts).bits ?? 0, 10)
    const another = factsOf(suite, RecordKind.Inbox, Inbox.write({ ...fields, issued: 3 * DAY, nonce }))
    assert.isBelow(Result.getOrThrow(another).bits ?? 0, 10)
  })
})
