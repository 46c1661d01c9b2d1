import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import {
  BODY_BYTES,
  CELL_BYTES,
  classOf,
  OnionCellFromBytes,
  readCell,
  SEALED_HEADER_AT,
  SLOT_BYTES,
  STACK_BYTES
} from "#schemas/onion/OnionCell"
import { INNER_LIMIT } from "#schemas/session/Frame"
import { counting, refusal } from "../malformed.ts"

describe("OnionCell", () => {
  it("has the sizes of the wire document, the largest of which fits a frame", () => {
    assert.deepStrictEqual([STACK_BYTES, SLOT_BYTES, SEALED_HEADER_AT], [700, 140, 44])
    assert.deepStrictEqual([...CELL_BYTES], [4_096, 36_864, 65_408])
    assert.deepStrictEqual([...BODY_BYTES], [3_396, 36_164, 64_708])
    assert.isAtMost(CELL_BYTES[2], INNER_LIMIT)
  })

  it("is of three sizes and of no other", () => {
    for (const [cellClass, length] of CELL_BYTES.entries()) {
      assert.strictEqual(classOf(length), cellClass)
      for (const other of [length - 1, length + 1]) {
        assert.isUndefined(classOf(other))
        assert.strictEqual(refusal(readCell(new Uint8Array(other))), "not the size of a cell")
      }
    }
    assert.isUndefined(classOf(0))
  })

  it.effect("decode parts stack from body, encode joins them", () =>
    Effect.gen(function* () {
      for (const length of CELL_BYTES) {
        const bytes = counting(length)
        const cell = yield* Schema.decodeEffect(OnionCellFromBytes)(bytes)
        assert.deepStrictEqual(cell.stack, bytes.slice(0, 700))
        assert.deepStrictEqual(yield* Schema.encodeEffect(OnionCellFromBytes)(cell), bytes)
      }
    })
  )
})
