import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { FrameQueue, readRow } from "#core/session/batch"
import { FrameType, INNER_LIMIT, PAYLOAD_LIMIT, writeFrame } from "#schemas/session/Frame"

const Size = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 })),
  Schema.Literals([4096, 4097, INNER_LIMIT])
])
const Offered = Arbitrary.array(
  Arbitrary.schema(Schema.Struct({ type: Schema.Literals([FrameType.RPC_REQ, FrameType.GOSSIP]), size: Size })),
  { maxLength: 60 }
)

const drain = (queue: FrameQueue) => {
  const rows: Array<Uint8Array> = []
  while (queue.length > 0) rows.push(Buffer.concat(queue.takeRow()))
  return rows
}

describe("FrameQueue", () => {
  it.prop("rows hold every frame once, in order, and none is over the limit", [Offered], ([offered]) => {
    const queue = new FrameQueue()
    offered.forEach(({ type, size }, index) => {
      queue.push(type, new Uint8Array(size).fill(index))
    })
    const rows = drain(queue)
    const seen: Array<{ type: number; size: number; mark: number | undefined }> = []
    for (const row of rows) {
      assert.isAtMost(row.length, PAYLOAD_LIMIT)
      assert.isTrue(readRow(row, (type, payload) => seen.push({ type, size: payload.length, mark: payload[0] }) > 0))
    }
    assert.deepStrictEqual(
      seen,
      offered.map(({ type, size }, index) => ({ type, size, mark: size === 0 ? undefined : index }))
    )
    assert.strictEqual(queue.bytes, 0)
  })

  it("passes a large payload on without copying it", () => {
    const queue = new FrameQueue()
    const large = new Uint8Array(INNER_LIMIT)
    queue.push(FrameType.DHT_RES, large)
    assert.strictEqual(queue.takeRow()[1], large)
  })

  it("keeps order while it is filled and drained in turns", () => {
    const queue = new FrameQueue()
    const seen: Array<number> = []
    let next = 0
    for (let turn = 0; turn < 50; turn++) {
      for (let i = 0; i < 40; i++) queue.push(FrameType.RPC_REQ, new Uint8Array(4000).fill(next++ % 251))
      readRow(Buffer.concat(queue.takeRow()), (_, payload) => seen.push(payload[0] ?? 0) > 0)
    }
    for (const row of drain(queue)) readRow(row, (_, payload) => seen.push(payload[0] ?? 0) > 0)
    assert.deepStrictEqual(
      seen,
      Array.from({ length: 2000 }, (_, i) => i % 251)
    )
  })
})

describe("readRow", () => {
  const inner = (type: FrameType, length: number) => writeFrame({ type, rekey: false, payload: new Uint8Array(length) })
  const read = (row: Uint8Array) => {
    const types: Array<number> = []
    const whole = readRow(row, (type) => types.push(type) > 0)
    return { types, whole }
  }

  it("passes on a type that it does not know, and goes on", () => {
    const unknown = inner(FrameType.GOSSIP, 4)
    unknown[1] = 0x7f
    const { types, whole } = read(Buffer.concat([unknown, inner(FrameType.GOSSIP, 1)]))
    assert.deepStrictEqual([types, whole], [[0x7f, FrameType.GOSSIP], true])
  })

  it("drops the rest of the row behind a bad version, a bad length, a BATCH or a HANDSHAKE", () => {
    const badVersion = inner(FrameType.GOSSIP, 0)
    badVersion[0] = 9
    const badLength = inner(FrameType.GOSSIP, 0)
    badLength[7] = 200
    for (const bad of [badVersion, badLength, inner(FrameType.BATCH, 0), inner(FrameType.HANDSHAKE, 0)]) {
      const row = Buffer.concat([inner(FrameType.ONION, 2), bad, inner(FrameType.GOSSIP, 2)])
      assert.deepStrictEqual(read(row), { types: [FrameType.ONION], whole: false })
    }
    assert.isFalse(read(inner(FrameType.GOSSIP, 0).subarray(0, 5)).whole)
  })
})
