import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import {
  HANDSHAKE_MESSAGE_LIMIT,
  HandshakeMessage,
  HandshakeMessageFromBytes,
  handshakeMessageTo,
  readHandshakeMessage,
  writeHandshakeMessage
} from "#schemas/session/HandshakeMessage"
import { AGENT_LIMIT, arrayOf, CAPABILITIES_LIMIT, CAPABILITY_LIMIT, OBSERVED_LIMIT } from "#schemas/session/Hello"
import { hello } from "../../laws/hello.ts"

describe("HandshakeMessage", () => {
  it.effect.prop("decode inverts encode, within the limit", [Arbitrary.schema(HandshakeMessage)], ([message]) =>
    Effect.gen(function* () {
      const bytes = yield* Schema.encodeEffect(HandshakeMessageFromBytes)(message)
      assert.isAtMost(bytes.length, HANDSHAKE_MESSAGE_LIMIT)
      assert.deepStrictEqual(yield* Schema.decodeEffect(HandshakeMessageFromBytes)(bytes), message)
    })
  )

  it("ignores elements that a later version added, and refuses everything else", () => {
    const [record, boot, about] = [new Uint8Array(300), new Uint8Array(8), arrayOf(hello)]
    assert.isTrue(Result.isSuccess(readHandshakeMessage(encode([1, record, boot, about, "later", [1]]))))
    assert.isTrue(Result.isSuccess(readHandshakeMessage(encode([1, record, boot, [...about, 1]]))))
    const refused = [
      encode([2, record, boot, about]),
      encode([1, record]),
      encode([1, record, boot]),
      encode([1, record, boot, about.slice(1)]),
      encode([1, record, boot, boot]),
      encode([1, record, new Uint8Array(7), about]),
      encode([1, new Uint8Array(1_025), boot, about]),
      encode([1, record, boot, about, new Uint8Array(1_000)]),
      encode([1, record, boot, about]).subarray(1),
      new Uint8Array(0)
    ]
    for (const bytes of refused) assert.isTrue(Result.isFailure(readHandshakeMessage(bytes)))
  })

  it("the longest record and the longest Hello fit into it together", () => {
    const longest = {
      minor: 0xffff_ffff,
      agent: "a".repeat(AGENT_LIMIT),
      mode: "server",
      observed: new Uint8Array(OBSERVED_LIMIT),
      capabilities: new Array<string>(CAPABILITIES_LIMIT).fill("c".repeat(CAPABILITY_LIMIT)),
      maxInFlight: 0xffff_ffff
    } as const
    const message = { record: new Uint8Array(1_024), boot: new Uint8Array(8), hello: longest }
    assert.deepStrictEqual(readHandshakeMessage(writeHandshakeMessage(message)), Result.succeed(message))
  })

  it.prop(
    "in parts it is the same bytes, wherever the peer is seen",
    [HandshakeMessage],
    ([{ boot, hello, record }]) => {
      const parts = handshakeMessageTo(record, boot, hello)(hello.observed)
      assert.deepStrictEqual(concatBytes(parts), writeHandshakeMessage({ record, boot, hello }))
    }
  )
})
