import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { ReplyBlock, ReplyBlockFromBytes, readReplyBlock, writeReplyBlock } from "#schemas/onion/ReplyBlock"
import { bitFlips, counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const firstHop = counting(32, 1) as NodeId
const replyKey = counting(32, 100)
const stack = counting(700, 3)
const address = { transport: "tcp", ip: counting(16, 32), port: 0x0a0b } as const
const block = { cellClass: 2, ttl: 0x0102, firstHop, address, replyKey, stack } as const

const patched = (bytes: Uint8Array, at: number, value: number) =>
  Uint8Array.from(bytes, (byte, index) => (index === at ? value : byte))

describe("ReplyBlock", () => {
  it("has exactly the layout of the wire document", () => {
    const bytes = writeReplyBlock(block)
    assert.lengthOf(bytes, 795)
    assert.strictEqual(
      hexOf(bytes),
      `01020102020a0b${hexOf(address.ip)}${hexOf(firstHop)}${hexOf(replyKey)}${hexOf(stack)}${"00".repeat(8)}`
    )
  })

  it.effect.prop("decode inverts encode", [ReplyBlock], ([it]) => roundTrip(ReplyBlockFromBytes)(it), {
    arbitrary: { runs: 50 }
  })

  it("is refused at any other length, and nothing one bit away makes the reader throw", () => {
    withstands(readReplyBlock, writeReplyBlock(block))
    assert.strictEqual(refusal(readReplyBlock(new Uint8Array(796))), "not 795 bytes")
  })

  it("refuses another version, an unknown class, a dead ttl, reserved bytes and impossible addresses", () => {
    const good = writeReplyBlock(block)
    for (const version of [0, 2]) {
      assert.strictEqual(refusal(readReplyBlock(patched(good, 0, version))), "unknown version of reply block")
    }
    for (const cellClass of [3, 255]) {
      assert.strictEqual(refusal(readReplyBlock(patched(good, 1, cellClass))), "unknown class of cell")
    }
    assert.strictEqual(refusal(readReplyBlock(patched(patched(good, 2, 0), 3, 0))), "a dead reply block")
    for (let at = 787; at < 795; at++) {
      assert.strictEqual(refusal(readReplyBlock(patched(good, at, 1))), "reserved bytes are not zero")
    }
    assert.strictEqual(refusal(readReplyBlock(patched(good, 4, 5))), "unknown kind of address")
    assert.strictEqual(refusal(readReplyBlock(patched(good, 4, 1))), "unused bytes of an address are not zero")
    assert.strictEqual(refusal(readReplyBlock(patched(good, 4, 0))), "unused bytes of an address are not zero")
  })

  it("whatever is accepted is written to the same bytes", () => {
    for (const bytes of bitFlips(writeReplyBlock(block))) {
      const read = readReplyBlock(bytes)
      if (Result.isSuccess(read)) assert.deepStrictEqual(writeReplyBlock(read.success), bytes)
    }
  })
})
