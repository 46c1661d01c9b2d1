import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import { CELL_BYTES, STACK_BYTES } from "#schemas/onion/OnionCell"
import * as dropping from "#simulator/behaviours/dropping"
import * as echoing from "#simulator/behaviours/echoing"
import * as spoiling from "#simulator/behaviours/spoiling"
import type { MakeCarrier } from "#simulator/watchedCells"

const cellOf = (n: number): Uint8Array => new Uint8Array(CELL_BYTES[0]).fill(n)

/** A carrier, and what it gave to the session. */
const carrying = Effect.fnUntraced(
  function* (make: MakeCarrier) {
    const carry = yield* make
    const given: Array<Uint8Array> = []
    return { given, carry: (cell: Uint8Array, room = true) => carry(cell, (it) => (room ? given.push(it) > 0 : false)) }
  },
  Effect.provide(Layer.provide(SeededRandom.layer("carriers"), NodeCrypto.layer))
)

const firstBytes = (cells: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => cells.map((cell) => cell[0] ?? -1)

const changes = (before: Uint8Array, after: Uint8Array): ReadonlyArray<number> =>
  [...before.keys()].filter((at) => before[at] !== after[at])

describe("a node that is", () => {
  it.effect("echoing sends every cell as it should, and again within seconds, every other one twice", () =>
    Effect.gen(function* () {
      const { carry, given } = yield* carrying(echoing.carrier)
      const cells = [1, 2, 3, 4].map(cellOf)
      for (const cell of cells) assert.isTrue(carry(cell))
      assert.deepStrictEqual(firstBytes(given), [1, 2, 3, 4])
      // A session seals a cell where it lies.
      for (const cell of cells) cell.fill(9)
      yield* TestClock.adjust("10 seconds")
      const again = given.slice(4)
      assert.deepStrictEqual([...firstBytes(again)].sort(), [1, 2, 2, 3, 4, 4])
      for (const cell of again) assert.deepStrictEqual(cell, cellOf(cell[0]!))
    })
  )

  it.effect("echoing has only so many cells wait, and none that had no room", () =>
    Effect.gen(function* () {
      const { carry, given } = yield* carrying(echoing.carrier)
      assert.isFalse(carry(cellOf(7), false))
      for (let n = 0; n < 2 * echoing.ECHOES; n++) carry(cellOf(n % 7))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(given.length, 3 * echoing.ECHOES)
    })
  )

  it.effect("spoiling changes one byte of every other cell, mostly in the body, and never of the cell itself", () =>
    Effect.gen(function* () {
      const { carry, given } = yield* carrying(spoiling.carrier)
      const cell = cellOf(5)
      for (let n = 0; n < 80; n++) assert.isTrue(carry(cell))
      assert.deepStrictEqual(cell, cellOf(5))
      const spoilt = given.map((it) => changes(cell, it)).filter(({ length }) => length > 0)
      assert.strictEqual(spoilt.length, 40)
      assert.isTrue(spoilt.every(({ length }) => length === 1))
      assert.strictEqual(spoilt.filter(([at]) => at! < STACK_BYTES).length, 10)
    })
  )

  it.effect("dropping keeps half of the cells, and says that they have left", () =>
    Effect.gen(function* () {
      const { carry, given } = yield* carrying(dropping.carrier)
      for (let n = 0; n < 400; n++) assert.isTrue(carry(cellOf(1)))
      assert.isAbove(given.length, 150)
      assert.isBelow(given.length, 250)
    })
  )
})
