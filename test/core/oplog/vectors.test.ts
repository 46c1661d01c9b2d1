import { assert, describe, it } from "@effect/vitest"
import { missingFrom, type Progress } from "#core/oplog/vectors"
import { keyOf } from "#schemas/bytes/bytes"
import type { PublicKey } from "#schemas/identity/PublicKey"

const author = (n: number) => new Uint8Array(32).fill(n) as PublicKey

const ours = (seqs: Record<number, number>, halted: Record<number, number> = {}): Progress => {
  const of = (table: Record<number, number>) =>
    new Map(Object.entries(table).map(([n, seq]) => [keyOf(author(Number(n))), seq]))
  const [reached, stopped] = [of(seqs), of(halted)]
  return { seqOf: (key) => reached.get(key) ?? 0, haltedAt: (key) => stopped.get(key) }
}

describe("missingFrom", () => {
  it("names a hundred thousand operations by one range for each author who is behind", () => {
    const theirs = [
      { author: author(1), first: 1, seq: 100_000 },
      { author: author(2), first: 1, seq: 5 },
      { author: author(3), first: 1, seq: 9 }
    ]
    assert.deepStrictEqual(missingFrom(theirs, ours({ 2: 5, 3: 4, 4: 8 })), {
      ranges: [
        { author: author(1), from: 1, to: 100_000 },
        { author: author(3), from: 5, to: 9 }
      ],
      inSnapshot: false
    })
  })

  it("says what can be had only as a snapshot, and asks for nothing that no replica can carry out", () => {
    const theirs = [
      { author: author(1), first: 51, seq: 60 },
      { author: author(2), first: 51, seq: 60 },
      { author: author(3), first: 1, seq: 9 }
    ]
    assert.deepStrictEqual(missingFrom(theirs, ours({ 1: 50, 2: 20, 3: 2 }, { 3: 3 })), {
      ranges: [{ author: author(1), from: 51, to: 60 }],
      inSnapshot: true
    })
  })
})
