import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { Document } from "#core/crdt/Document"
import { readHistory, writeHistory } from "#core/crdt/history"
import { RangeDecoder, RangeEncoder } from "#core/crdt/RangeCoder"
import { ACTIONS, authorOf, chance, deliver, replay } from "./histories.ts"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const Step = Schema.Struct({
  replica: below(3),
  action: below(ACTIONS),
  at: below(40),
  count: below(12),
  more: below(30)
})
const Steps = Arbitrary.array(Arbitrary.schema(Step), { maxLength: 40 })

describe("RangeCoder", () => {
  it.prop("gives back every bit, whatever was thought of it", [below(1e6)], ([seed]) => {
    const random = chance(seed)
    // Long rows of what is all but certain, which is where carries run through.
    const chances = Array.from({ length: 2_000 }, () =>
      random(3) === 0 ? 16 : random(2) === 0 ? 65_520 : 1 + random(65_535)
    )
    const bits = chances.map((likely) => (random(20) === 0 ? random(2) : likely > 32_768 ? 1 : 0))
    const encoder = new RangeEncoder()
    bits.forEach((bit, at) => {
      encoder.bit(bit, chances[at]!)
    })
    const decoder = new RangeDecoder(encoder.finish(), 0)
    assert.deepStrictEqual(
      bits.map((_, at) => decoder.bit(0, chances[at]!)),
      bits
    )
    assert.isFalse(decoder.isSpent)
  })
})

describe("a history", () => {
  it.prop(
    "gives back every batch as it was, and makes the same document",
    [Steps],
    ([steps]) => {
      const { batches, docs } = replay(3, steps)
      for (const doc of docs) deliver(doc, batches)
      const written = Result.getOrThrow(writeHistory(batches))
      const read = Result.getOrThrow(readHistory(written))
      assert.deepStrictEqual(read, batches)
      assert.deepStrictEqual(Result.getOrThrow(writeHistory(read)), written)
      const again = new Document(authorOf(7))
      deliver(again, read)
      assert.deepStrictEqual(again.snapshot(), docs[0]!.snapshot())
    },
    { arbitrary: { runs: 30 } }
  )

  it("of a later part begins with the seq it has, and one with a gap is refused", () => {
    const doc = new Document(authorOf(0))
    const batches = [..."letters"].flatMap((letter) => doc.transact(() => doc.text("t").insert(0, letter)))
    const part = batches.slice(3)
    assert.deepStrictEqual(Result.getOrThrow(readHistory(Result.getOrThrow(writeHistory(part)))), part)
    assert.deepStrictEqual(writeHistory([batches[0]!, batches[2]!]), Result.fail("a batch out of its author's order"))
    const broken = { ...batches[0]!, operations: Uint8Array.of(7) }
    assert.isTrue(Result.isFailure(writeHistory([broken])))
  })

  it("is a fraction of its batches", () => {
    const doc = new Document(authorOf(0))
    const sentence = "It takes a while until one knows what a writer writes, and then it takes hardly anything more. "
    const batches = [...sentence.repeat(20)].flatMap((letter, at) =>
      doc.transact(() => doc.text("t").insert(at, letter))
    )
    assert.isBelow(Result.getOrThrow(writeHistory(batches)).length, 500)
  })

  it.prop(
    "that was tampered with is refused, or is some history",
    [Steps, below(1e6)],
    ([steps, seed]) => {
      const random = chance(seed)
      const written = Result.getOrThrow(writeHistory(replay(2, steps).batches))
      for (let round = 0; round < 3; round++) {
        const bytes = written.slice(0, random(3) === 0 ? random(written.length + 1) : written.length)
        if (bytes.length > 0) bytes[random(bytes.length)] = random(256)
        const read = readHistory(bytes)
        if (Result.isFailure(read)) continue
        const doc = new Document(authorOf(7))
        for (const batch of read.success) doc.apply(batch)
        doc.snapshot()
      }
    },
    { arbitrary: { runs: 30 } }
  )

  it("cannot be made to unfold without end", () => {
    // One author, four million batches declared, and nothing behind it.
    const bytes = Uint8Array.of(1, 1, ...authorOf(0), 1, 0x80, 0x80, 0x80, 2)
    assert.isTrue(Result.isFailure(readHistory(bytes)))
    assert.deepStrictEqual(readHistory(Uint8Array.of(1, 0, 0x81, 0x80, 0x80, 2)), Result.fail("too many batches"))
  })
})
