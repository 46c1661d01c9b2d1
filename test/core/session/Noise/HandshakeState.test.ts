import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as HandshakeState from "#core/session/Noise/HandshakeState"
import { suite } from "#layers/identity/NodeCrypto"

const filled = (byte: number, length = 32) => new Uint8Array(length).fill(byte)
const side = (role: HandshakeState.Role, byte: number, prologue = "allium/1") =>
  HandshakeState.make({
    suite,
    role,
    prologue: new TextEncoder().encode(prologue),
    staticKey: suite.agreementKey(filled(byte)),
    ephemeralKey: suite.agreementKey(filled(byte + 100))
  })
const pair = () => [side("initiator", 1), side("responder", 2)] as const
const written = (from: HandshakeState.HandshakeState, payload: Uint8Array = new Uint8Array()) =>
  Result.getOrThrow(from.writeMessage(payload))
const failure = (result: Result.Result<Uint8Array, HandshakeState.HandshakeFailure>) =>
  Result.isFailure(result) ? result.failure : undefined

/** A pair that has exchanged `messages` of the three, and the next one, not yet delivered. */
const upTo = (messages: 0 | 1 | 2) => {
  const [initiator, responder] = pair()
  const order = [initiator, responder] as const
  for (let index = 0; index < messages; index++) {
    Result.getOrThrow(order[(index + 1) % 2]!.readMessage(written(order[index % 2]!, filled(7, index * 100))))
  }
  return { reader: order[(messages + 1) % 2]!, next: written(order[messages % 2]!, filled(9, messages * 100)) }
}

describe("HandshakeState", () => {
  it("message 1 without payload is 32 bytes, and the three carry payloads both ways", () => {
    const [initiator, responder] = pair()
    const first = written(initiator)
    assert.lengthOf(first, 32)
    assert.lengthOf(Result.getOrThrow(responder.readMessage(first)), 0)
    assert.deepEqual(
      [...Result.getOrThrow(initiator.readMessage(written(responder, filled(3, 300))))],
      [...filled(3, 300)]
    )
    assert.isFalse(initiator.complete)
    assert.deepEqual(
      [...Result.getOrThrow(responder.readMessage(written(initiator, filled(4, 300))))],
      [...filled(4, 300)]
    )
    assert.isTrue(initiator.complete && responder.complete)
    assert.deepEqual([...initiator.handshakeHash], [...responder.handshakeHash])
  })

  it("any changed byte of messages 2 and 3 is refused, and leaves no remote key standing", () => {
    for (const messages of [1, 2] as const) {
      const { next } = upTo(messages)
      for (let at = 0; at < next.length; at += 5) {
        const { reader } = upTo(messages)
        const changed = Uint8Array.from(next, (byte, index) => (index === at ? byte ^ 4 : byte))
        assert.strictEqual(failure(reader.readMessage(changed)), "not authentic", `byte ${at}`)
        assert.isUndefined(reader.remoteStatic)
        assert.isFalse(reader.complete)
        assert.strictEqual(failure(reader.readMessage(next)), "out of turn", "it is dead")
      }
    }
  })

  it("every message cut short at any place is refused without a throw", () => {
    for (const messages of [0, 1, 2] as const) {
      const { next } = upTo(messages)
      for (let length = 0; length < next.length; length += 7) {
        const result = failure(upTo(messages).reader.readMessage(next.subarray(0, length)))
        assert.include(["too short", "not authentic"], result, `${length} bytes of message ${messages + 1}`)
      }
    }
  })

  it("a message above 65,535 bytes is neither written nor read", () => {
    assert.strictEqual(failure(side("initiator", 1).writeMessage(filled(0, 65_504))), "too long")
    assert.strictEqual(failure(side("responder", 1).readMessage(filled(9, 65_536))), "too long")
    assert.lengthOf(written(side("initiator", 1), filled(0, 65_503)), 65_535)
  })

  it("an ephemeral key of small order ends the handshake when the first agreement is due", () => {
    const responder = side("responder", 2)
    Result.getOrThrow(responder.readMessage(filled(0)))
    assert.strictEqual(failure(responder.writeMessage(new Uint8Array())), "zero agreement")
    const initiator = side("initiator", 1)
    written(initiator)
    assert.strictEqual(failure(initiator.readMessage(filled(0, 128))), "zero agreement")
  })

  it("different prologues do not meet", () => {
    const [initiator, responder] = [side("initiator", 1), side("responder", 2, "allium/2")]
    Result.getOrThrow(responder.readMessage(written(initiator)))
    assert.strictEqual(failure(initiator.readMessage(written(responder))), "not authentic")
  })

  it("a side that is out of turn fails, and splitting early is a defect", () => {
    assert.strictEqual(failure(side("responder", 1).writeMessage(new Uint8Array())), "out of turn")
    assert.strictEqual(failure(side("initiator", 1).readMessage(filled(9))), "out of turn")
    assert.throws(() => side("initiator", 1).split())
  })
})
