import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { FrameSplitter } from "#core/transport/FrameSplitter"
import { FrameType, HANDSHAKE_LIMIT, PAYLOAD_LIMIT, writeFrame, writeHeader } from "#schemas/session/Frame"

const frame = (type: FrameType, length: number, sealed: boolean) =>
  writeFrame({
    type,
    rekey: false,
    payload: Uint8Array.from({ length }, (_, i) => i * 7),
    ...(sealed ? { mac: new Uint8Array(16).fill(3) } : {})
  })

const Row = Arbitrary.array(
  Arbitrary.schema(
    Schema.Struct({
      type: Schema.Literals([FrameType.HANDSHAKE, FrameType.BATCH]),
      length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: HANDSHAKE_LIMIT })),
      sealed: Schema.Boolean
    })
  ),
  { maxLength: 8 }
)
const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 700 }))).check(
  Schema.isBetweenLength(1, 12)
)

const header = (type: number, length: number) => {
  const bytes = new Uint8Array(8)
  writeHeader(bytes, 0, FrameType.BATCH, 0, length)
  bytes[1] = type
  return bytes
}

describe("FrameSplitter", () => {
  it.prop("any cut of any row of frames gives the same frames", [Row, Cuts], ([row, cuts]) => {
    const frames = row.map(({ type, length, sealed }) => frame(type, length, sealed))
    const stream = Buffer.concat(frames)
    const splitter = new FrameSplitter()
    const got: Array<Uint8Array> = []
    for (let at = 0, turn = 0; at < stream.length; turn++) {
      const size = cuts[turn % cuts.length] ?? 1
      assert.isUndefined(splitter.push(new Uint8Array(stream.subarray(at, at + size)), got))
      at += size
    }
    assert.deepStrictEqual(
      got.map((it) => [...it]),
      frames.map((it) => [...it])
    )
    assert.strictEqual(splitter.held, 0)
  })

  it("one byte at a time gives the largest frame, in linear time", () => {
    const whole = frame(FrameType.BATCH, PAYLOAD_LIMIT, true)
    const splitter = new FrameSplitter()
    const got: Array<Uint8Array> = []
    for (let at = 0; at < whole.length; at++) assert.isUndefined(splitter.push(whole.subarray(at, at + 1), got))
    assert.strictEqual(Buffer.compare(got[0] ?? new Uint8Array(0), whole), 0)
  })

  it("refuses version, type and size at the header, before the payload came", () => {
    const refusal = (bytes: Uint8Array) => new FrameSplitter().push(bytes, [])
    assert.strictEqual(refusal(new TextEncoder().encode("GET / HTTP/1.1")), "malformed frame")
    assert.strictEqual(refusal(Uint8Array.of(2)), "malformed frame")
    assert.strictEqual(refusal(header(FrameType.RPC_REQ, 1)), "malformed frame")
    assert.strictEqual(refusal(header(0xff, 1)), "malformed frame")
    assert.strictEqual(refusal(header(FrameType.BATCH, PAYLOAD_LIMIT + 1)), "oversize frame")
    assert.strictEqual(refusal(header(FrameType.HANDSHAKE, HANDSHAKE_LIMIT + 1)), "oversize frame")
    const huge = header(FrameType.BATCH, 0)
    huge[4] = 0xff
    assert.strictEqual(refusal(huge), "oversize frame")
  })

  it("refuses a header that came in two pieces just the same", () => {
    const splitter = new FrameSplitter()
    const bad = header(FrameType.GOSSIP, 3)
    assert.isUndefined(splitter.push(bad.subarray(0, 3), []))
    assert.strictEqual(splitter.push(bad.subarray(3), []), "malformed frame")
  })

  it("hands out the good frames before a bad one", () => {
    const got: Array<Uint8Array> = []
    const splitter = new FrameSplitter()
    assert.strictEqual(
      splitter.push(Buffer.concat([frame(FrameType.BATCH, 5, true), header(0x77, 1)]), got),
      "malformed frame"
    )
    assert.strictEqual(got.length, 1)
  })
})
