import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { readGoodbye, readHeartbeat, writeGoodbye, writeHeartbeat } from "#schemas/session/controlFrames"
import { Frame, FrameFromBytes, FrameType, PAYLOAD_LIMIT, readFrame, writeFrame } from "#schemas/session/Frame"

describe("Frame", () => {
  it("has exactly the layout of the wire document", () => {
    const mac = new Uint8Array(16).fill(9)
    const bytes = writeFrame({ type: FrameType.BATCH, rekey: true, payload: Uint8Array.of(7, 8), mac })
    assert.deepStrictEqual([...bytes], [1, 4, 0, 3, 0, 0, 0, 2, 7, 8, ...mac])
    assert.deepStrictEqual(
      [...writeFrame({ type: FrameType.RELAY, rekey: false, payload: Uint8Array.of(5) })],
      [1, 0x60, 0, 0, 0, 0, 0, 1, 5]
    )
  })

  it.effect.prop("decode inverts encode", [Arbitrary.schema(Frame)], ([frame]) =>
    Effect.gen(function* () {
      const bytes = yield* Schema.encodeEffect(FrameFromBytes)(frame)
      assert.deepStrictEqual(yield* Schema.decodeEffect(FrameFromBytes)(bytes), frame)
    })
  )

  it("ignores flags it does not know", () => {
    const bytes = writeFrame({ type: FrameType.GOSSIP, rekey: false, payload: new Uint8Array(0) })
    bytes[2] = 0xff
    bytes[3] = 0xfc
    assert.isTrue(Result.isSuccess(readFrame(bytes)))
  })

  it("refuses another version, an unknown type, a wrong length and an oversize one", () => {
    const good = writeFrame({ type: FrameType.GOSSIP, rekey: false, payload: Uint8Array.of(1, 2, 3) })
    const change = (at: number, value: number) => Uint8Array.from(good, (byte, i) => (i === at ? value : byte))
    for (const bad of [change(0, 2), change(1, 0x05), change(7, 4), change(7, 2), change(4, 1), good.subarray(0, 7)]) {
      assert.isTrue(Result.isFailure(readFrame(bad)))
    }
    const full = { type: FrameType.GOSSIP, rekey: false, payload: new Uint8Array(PAYLOAD_LIMIT) }
    assert.isTrue(Result.isSuccess(readFrame(writeFrame(full))))
    const over = writeFrame({ ...full, payload: new Uint8Array(PAYLOAD_LIMIT + 1) })
    assert.deepStrictEqual(readFrame(over), Result.fail("oversize"))
  })
})

describe("control frames", () => {
  it("a heartbeat comes back as it went, and only at its exact size", () => {
    const token = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    for (const kind of ["ping", "pong"] as const) {
      assert.deepStrictEqual(readHeartbeat(writeHeartbeat({ kind, token })), { kind, token })
    }
    assert.isUndefined(readHeartbeat(new Uint8Array(8)))
    assert.isUndefined(readHeartbeat(new Uint8Array(9).fill(2)))
  })

  it("a goodbye keeps its reason, and its text is cut and cleaned", () => {
    assert.deepStrictEqual(readGoodbye(writeGoodbye({ reason: "idle", text: "so long" })), {
      reason: "idle",
      text: "so long"
    })
    assert.strictEqual(readGoodbye(writeGoodbye({ reason: "full", text: "x".repeat(500) }))?.text.length, 128)
    assert.strictEqual(readGoodbye(Uint8Array.of(1, 0x1b, 0x5b, 0x41))?.text, "?[A")
    assert.strictEqual(readGoodbye(Uint8Array.of(200))?.reason, "unspecified")
    assert.isUndefined(readGoodbye(new Uint8Array(0)))
    assert.isUndefined(readGoodbye(new Uint8Array(130)))
  })
})
