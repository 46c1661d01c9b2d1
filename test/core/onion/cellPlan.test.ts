import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ANSWER_LIMIT, ENVELOPE_LIMIT, planCells } from "#core/onion/cellPlan"
import { concatBytes, equalBytes } from "#schemas/bytes/bytes"
import { BLOCKS_LIMIT, PARTS_LIMIT, replyRoom, requestRoom } from "#schemas/onion/OnionPayload"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** Made once: half a mebibyte takes its time. */
const all = Uint8Array.from({ length: ENVELOPE_LIMIT + 1 }, (_, at) => at % 251)
const bytes = (length: number) => all.subarray(0, length)

describe("planCells", () => {
  it.prop(
    "cuts an envelope into pieces that fit beside their blocks, with room for the answer",
    [upTo(ENVELOPE_LIMIT), upTo(ANSWER_LIMIT)],
    ([length, answerBytes]) => {
      const envelope = bytes(length)
      const plan = planCells(envelope, answerBytes)
      if (plan === undefined) {
        // Eight blocks take no more room than one for each of eight parts, which every envelope within the limit has.
        assert.fail(`${length} bytes with an answer of ${answerBytes}`)
      }
      const { blocks, cellClass, pieces } = plan
      const all = blocks.reduce((sum, count) => sum + count, 0)
      assert.isTrue(equalBytes(concatBytes(pieces), envelope))
      assert.strictEqual(blocks.length, pieces.length)
      assert.isAtMost(pieces.length, PARTS_LIMIT)
      for (const [part, piece] of pieces.entries()) {
        assert.isAtMost(piece.length, requestRoom(cellClass, blocks[part]))
      }
      assert.isTrue(all >= 1 && all <= BLOCKS_LIMIT)
      assert.isAtLeast(all * replyRoom(cellClass), answerBytes)
    }
  )

  it("takes the smallest class that does", () => {
    const classOf = (length: number, answerBytes: number) => planCells(bytes(length), answerBytes)?.cellClass
    assert.deepStrictEqual(
      [classOf(100, 0), classOf(requestRoom(0, 1), 0), classOf(requestRoom(0, 1) + 1, 0), classOf(100, 50_000)],
      [0, 0, 1, 1]
    )
    assert.deepStrictEqual([classOf(requestRoom(1, 1) + 1, 0), classOf(10, 8 * replyRoom(1) + 1)], [2, 2])
    // Five blocks do not fit the smallest cell, although eight are allowed.
    assert.strictEqual(classOf(10, 4 * replyRoom(0) + 1), 1)
  })

  it("refuses an envelope that needs more than eight of the largest", () => {
    assert.isDefined(planCells(bytes(ENVELOPE_LIMIT), 0))
    assert.isUndefined(planCells(bytes(ENVELOPE_LIMIT + 1), 0))
  })
})
