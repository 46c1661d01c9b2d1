import { assert, describe, it } from "@effect/vitest"
import { Authors } from "#core/crdt/Authors"
import { columnsFor } from "#core/crdt/Columns"
import { indexSpans } from "#core/crdt/indexSpans"
import { Rga } from "#core/crdt/Rga"
import { NONE } from "#core/crdt/Spans"
import { authorOf, chance } from "./histories.ts"

interface Piece {
  readonly author: number
  readonly counter: number
  readonly length: number
}

const indexed = (pieces: ReadonlyArray<Piece>) => {
  const authors = new Authors()
  for (let replica = 0; replica < 3; replica++) authors.add(authorOf(replica))
  const rga = new Rga(authors)
  const columns = columnsFor(pieces.length)
  columns.count = pieces.length
  pieces.forEach(({ author, counter, length }, at) => {
    columns.authors[at] = author
    columns.counters[at] = counter
    columns.lengths[at] = length
    columns.flags[at] = 0
  })
  rga.spans.fill(columns)
  return { isOnce: indexSpans(rga, columns), rga }
}

/** Spans of three authors, with gaps of up to so many ids between those of one, in any order. */
const pieces = (seed: number, gap: number): Array<Piece> => {
  const lot = chance(seed)
  const ends = [0, 0, 0]
  const made: Array<Piece> = []
  for (let left = lot(600); left > 0; left--) {
    const author = lot(3)
    const counter = ends[author]! + lot(gap)
    const length = 1 + lot(4)
    ends[author] = counter + length
    made.splice(lot(made.length + 1), 0, { author, counter, length })
  }
  return made
}

describe("the index of a loaded sequence", () => {
  for (const gap of [1, 3, 100_000]) {
    it(`finds every element where ids have gaps of less than ${gap}`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const made = pieces(seed, gap)
        const { isOnce, rga } = indexed(made)
        assert.isTrue(isOnce)
        made.forEach(({ author, counter, length }, handle) => {
          for (let at = 0; at < length; at++) assert.strictEqual(rga.find(author, counter + at), handle)
          const isNext = made.some((it) => it.author === author && it.counter === counter + length)
          if (!isNext) assert.strictEqual(rga.find(author, counter + length), NONE)
        })
      }
    })

    it(`refuses an id that is in two spans, with gaps of less than ${gap}`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const made = [...pieces(seed, gap), { author: 1, counter: 5_000_000, length: 3 }]
        const lot = chance(seed)
        const { author, counter, length } = made[lot(made.length)]!
        const at = counter + lot(length)
        made.splice(lot(made.length), 0, { author, counter: at, length: 1 + lot(3) })
        assert.isFalse(indexed(made).isOnce)
      }
    })
  }
})
