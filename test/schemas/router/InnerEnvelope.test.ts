import { assert, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import * as InnerEnvelope from "#schemas/router/InnerEnvelope"
import { bitFlips, counting, refusal, truncations } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))
const channelHash = counting(32)
const epochId = counting(32, 32)
const body = Uint8Array.of(0xaa, 0xbb)

it.effect.prop("decode inverts encode", [InnerEnvelope.InnerEnvelope], ([envelope]) =>
  roundTrip(InnerEnvelope.InnerEnvelopeFromBytes)(envelope)
)

const layouts: ReadonlyArray<readonly [InnerEnvelope.InnerEnvelopeFields, string]> = [
  [{ type: "RPC", body }, "0400aabb"],
  [{ type: "MLS_PAYLOAD", channelHash, body }, `0101${hexOf(channelHash)}aabb`],
  [{ type: "CRDT_OP", epochId, body }, `0202${hexOf(epochId)}aabb`],
  [{ type: "WELCOME", channelHash, epochId, body }, `0303${hexOf(channelHash)}${hexOf(epochId)}aabb`],
  [{ type: "DHT", body: new Uint8Array(0) }, "0500"],
  [{ type: "SNAPSHOT", body }, "0600aabb"],
  [{ type: "ACK", body }, "0700aabb"]
]
for (const [envelope, layout] of layouts) {
  it(`${envelope.type} has the layout of the specification`, () => {
    const bytes = InnerEnvelope.write(envelope)
    assert.strictEqual(hexOf(bytes), layout)
    assert.deepStrictEqual(succeeded(InnerEnvelope.read(bytes)), envelope)
  })
}

it("is refused where its head is cut, and read where only the body is shorter", () => {
  const bytes = InnerEnvelope.write({ type: "WELCOME", channelHash, epochId, body })
  for (const cut of truncations(bytes)) {
    assert.strictEqual(Result.isFailure(InnerEnvelope.read(cut)), cut.length < 66, `${cut.length} bytes`)
  }
})

it("types 0 and 8 and unknown flags are refused", () => {
  for (const type of [0, 8, 255]) {
    assert.strictEqual(refusal(InnerEnvelope.read(Uint8Array.of(type, 0))), "unknown envelope type")
  }
  for (const has of [4, 7, 128]) {
    const bytes = new Uint8Array(100)
    bytes.set([1, has])
    assert.strictEqual(refusal(InnerEnvelope.read(bytes)), "unknown envelope flags")
  }
})

it("whatever is accepted is written to the same bytes", () => {
  for (const [envelope] of layouts) {
    for (const bytes of bitFlips(InnerEnvelope.write(envelope))) {
      const read = InnerEnvelope.read(bytes)
      if (Result.isSuccess(read)) assert.deepStrictEqual(InnerEnvelope.write(read.success), bytes)
    }
  }
})

it.prop("random bytes never make the reader throw", [Schema.Uint8Array], ([bytes]) => {
  InnerEnvelope.read(bytes)
  InnerEnvelope.readEnvelope(bytes)
})

it("an ENVELOPE frame is the message id and the envelope", () => {
  const messageId = counting(16, 1) as InnerEnvelope.MessageId
  const payload = InnerEnvelope.writeEnvelope({ messageId, envelope: { type: "ACK", body: messageId } })
  assert.strictEqual(hexOf(payload), `${hexOf(messageId)}0700${hexOf(messageId)}`)
  const read = succeeded(InnerEnvelope.readEnvelope(payload))
  assert.deepStrictEqual(read, { messageId, envelope: InnerEnvelope.acknowledgement(messageId) })
  for (const cut of truncations(payload.slice(0, 18))) {
    assert.strictEqual(refusal(InnerEnvelope.readEnvelope(cut)), "cut short")
  }
})
