import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { concatBytes, hexOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { BODY_BYTES } from "#schemas/onion/OnionCell"
import {
  OnionPayload,
  OnionPayloadFromBytes,
  payloadBytes,
  readPayload,
  replyRoom,
  requestRoom,
  writePayload
} from "#schemas/onion/OnionPayload"
import { writeReplyBlock } from "#schemas/onion/ReplyBlock"
import type { MessageId } from "#schemas/router/InnerEnvelope"
import { counting, refusal, truncations } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const messageId = counting(16, 1) as MessageId
const block = {
  cellClass: 0,
  ttl: 9,
  firstHop: counting(32) as NodeId,
  replyKey: counting(32, 50),
  stack: counting(700, 7)
} as const
const payload = { messageId, part: 1, parts: 3, piece: counting(5, 0xa0), blocks: [block, { ...block, ttl: 10 }] }

const patched = (bytes: Uint8Array, at: number, ...values: ReadonlyArray<number>) => {
  const copy = bytes.slice()
  copy.set(values, at)
  return copy
}

describe("OnionPayload", () => {
  it("has exactly the layout of the wire document", () => {
    const blocks = payload.blocks.map((it) => hexOf(writeReplyBlock(it))).join("")
    assert.strictEqual(hexOf(writePayload(payload)), `${hexOf(messageId)}010300000005a0a1a2a3a402${blocks}`)
    assert.strictEqual(payloadBytes(payload), 23 + 5 + 2 * 795)
  })

  it.effect.prop(
    "decode inverts encode",
    [OnionPayload],
    ([it]) => roundTrip(OnionPayloadFromBytes)(new OnionPayload({ ...it, part: it.part % it.parts })),
    {
      arbitrary: { runs: 30 }
    }
  )

  it("is read whatever follows it, and not where anything of it is cut", () => {
    const bytes = writePayload(payload)
    const read = Result.getOrThrow(readPayload(concatBytes([bytes, counting(300, 200)])))
    assert.deepStrictEqual(read, payload)
    for (const cut of truncations(bytes)) assert.isTrue(Result.isFailure(readPayload(cut)), `${cut.length} bytes`)
  })

  it("refuses parts that there cannot be", () => {
    const bytes = writePayload(payload)
    for (const [part, parts] of [
      [0, 0],
      [3, 3],
      [1, 1],
      [0, 9],
      [255, 255]
    ] as const) {
      assert.strictEqual(refusal(readPayload(patched(bytes, 16, part, parts))), "impossible part")
    }
    for (const [part, parts] of [
      [0, 1],
      [7, 8]
    ] as const) {
      assert.isTrue(Result.isSuccess(readPayload(patched(bytes, 16, part, parts))))
    }
  })

  it("refuses lengths that there cannot be, and more than eight blocks", () => {
    const body = patched(new Uint8Array(BODY_BYTES[0]), 16, 0, 1)
    const room = requestRoom(0)
    const withLength = (length: number) => {
      const bytes = body.slice()
      new DataView(bytes.buffer).setUint32(18, length)
      return bytes
    }
    assert.isTrue(Result.isSuccess(readPayload(withLength(room))))
    for (const length of [room + 1, BODY_BYTES[0], 2 ** 31, 2 ** 32 - 1]) {
      assert.strictEqual(refusal(readPayload(withLength(length))), "impossible length")
    }
    assert.strictEqual(refusal(readPayload(patched(body, 22, 9))), "too many reply blocks")
    assert.strictEqual(refusal(readPayload(patched(body, 22, 5))), "cut short")
  })

  it("refuses a block that is none", () => {
    const bytes = writePayload(payload)
    assert.strictEqual(refusal(readPayload(patched(bytes, 28, 2))), "unknown version of reply block")
  })

  it("fills a cell of each class to the last byte", () => {
    for (const cellClass of [0, 1, 2] as const) {
      for (const blocks of [0, 1, 4]) {
        const full = {
          ...payload,
          piece: new Uint8Array(requestRoom(cellClass, blocks)),
          blocks: Array(blocks).fill(block)
        }
        assert.strictEqual(payloadBytes(full), BODY_BYTES[cellClass])
        assert.strictEqual(replyRoom(cellClass, blocks), full.piece.length - 16)
      }
    }
    assert.isBelow(requestRoom(0, 5), 0)
  })

  it.prop("random bytes never make the reader throw", [Schema.Uint8Array], ([bytes]) => {
    readPayload(bytes)
  })
})
