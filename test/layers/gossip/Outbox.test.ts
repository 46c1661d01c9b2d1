import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Outbox } from "#layers/gossip/Outbox"
import { bytesOfKey, keyOf } from "#schemas/bytes/bytes"
import { type GossipFrameFields, read } from "#schemas/gossip/GossipFrame"
import { MESSAGE_LIMIT } from "#schemas/gossip/GossipMessage"
import { INNER_LIMIT } from "#schemas/session/Frame"

const topics = Array.from({ length: 64 }, (_, n) => keyOf(new Uint8Array(32).fill(n)))

/** What was sent, each frame as its receiver reads it. */
const sending = () => {
  const sent: Array<{ readonly peer: string; readonly frame: GossipFrameFields }> = []
  const outbox = new Outbox((peer, payload) => {
    assert.isAtMost(payload.length, INNER_LIMIT)
    sent.push({ peer, frame: Result.getOrThrow(read(payload)) })
  })
  return { outbox, sent }
}

describe("Outbox", () => {
  it("sends a neighbour all that one step has for it in one frame, and nothing before its end", () => {
    const { outbox, sent } = sending()
    outbox.act([
      { _tag: "Announce", peer: "a", topic: topics[0]!, on: true },
      { _tag: "Graft", peer: "a", topic: topics[0]! },
      { _tag: "Prune", peer: "b", topic: topics[1]!, backoff: 60 }
    ])
    outbox.iwant("a", new Uint8Array(32))
    assert.deepStrictEqual(sent, [])
    outbox.flush()
    outbox.flush()
    const [a, b] = sent
    assert.deepStrictEqual([sent.length, a?.peer, b?.peer], [2, "a", "b"])
    const topic = bytesOfKey(topics[0]!)
    assert.deepStrictEqual([a?.frame.topics, a?.frame.graft], [[{ topic, on: true }], [topic]])
    assert.deepStrictEqual(b?.frame.prune, [{ topic: bytesOfKey(topics[1]!), backoff: 60 }])
  })

  it("never exceeds a frame or one of its lists, and loses nothing, whatever there is to say", () => {
    const { outbox, sent } = sending()
    const ids = Array.from({ length: 256 }, () => new Uint8Array(32))
    for (const topic of topics) outbox.ihave("a", topic, ids)
    for (let n = 0; n < 1_000; n++) outbox.iwant("a", new Uint8Array(32))
    for (let n = 0; n < 100; n++) outbox.message("a", new Uint8Array(100))
    for (let n = 0; n < 5; n++) outbox.message("a", new Uint8Array(MESSAGE_LIMIT))
    for (const topic of [...topics, ...topics]) outbox.act([{ _tag: "Graft", peer: "a", topic }])
    outbox.flush()
    const count = (list: keyof GossipFrameFields) => sent.reduce((sum, { frame }) => sum + frame[list].length, 0)
    assert.deepStrictEqual([count("ihave"), count("iwant"), count("messages"), count("graft")], [64, 1_000, 105, 128])
    assert.isAtMost(sent.length, 25)
  })
})
