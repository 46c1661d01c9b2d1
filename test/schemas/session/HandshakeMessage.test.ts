import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { encode } from "#schemas/bytes/Cbor"
import {
  HANDSHAKE_MESSAGE_LIMIT,
  HandshakeMessage,
  HandshakeMessageFromBytes,
  readHandshakeMessage
} from "#schemas/session/HandshakeMessage"

describe("HandshakeMessage", () => {
  it.effect.prop("decode inverts encode, within the limit", [Arbitrary.schema(HandshakeMessage)], ([message]) =>
    Effect.gen(function* () {
      const bytes = yield* Schema.encodeEffect(HandshakeMessageFromBytes)(message)
      assert.isAtMost(bytes.length, HANDSHAKE_MESSAGE_LIMIT)
      assert.deepStrictEqual(yield* Schema.decodeEffect(HandshakeMessageFromBytes)(bytes), message)
    })
  )

  it("ignores elements that a later version added, and refuses everything else", () => {
    const [record, boot] = [new Uint8Array(300), new Uint8Array(8)]
    assert.isTrue(Result.isSuccess(readHandshakeMessage(encode([1, record, boot, "later", [1]]))))
    const refused = [
      encode([2, record, boot]),
      encode([1, record]),
      encode([1, record, new Uint8Array(7)]),
      encode([1, new Uint8Array(1_025), boot]),
      encode([1, record, boot, new Uint8Array(1_000)]),
      encode([1, record, boot]).subarray(1),
      new Uint8Array(0)
    ]
    for (const bytes of refused) assert.isTrue(Result.isFailure(readHandshakeMessage(bytes)))
  })
})
