import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { concatBytes, hexOf } from "#schemas/bytes/bytes"
import { arrayHead, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import * as GossipFrame from "#schemas/gossip/GossipFrame"
import * as GossipMessage from "#schemas/gossip/GossipMessage"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { INNER_LIMIT } from "#schemas/session/Frame"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const succeeded = <A>(result: Result.Result<A, string>): A => Result.getOrElse(result, (reason) => assert.fail(reason))

const message = {
  topic: counting(32) as GossipMessage.Topic,
  author: counting(32, 32) as PublicKey,
  issued: 1_700_000_000_123,
  data: Uint8Array.of(1, 2, 3),
  signature: counting(64, 64)
}
const array: ReadonlyArray<CborValue> = Object.values(message)

const topic = counting(32)
const ids = (count: number) => Array.from({ length: count }, (_, at) => counting(32, at))
const lists: ReadonlyArray<CborValue> = [
  [GossipMessage.write(message)],
  [[topic, ids(2)]],
  ids(3),
  [topic],
  [[topic, 60]],
  [
    [topic, true],
    [counting(32, 9), false]
  ]
]

describe("GossipMessage", () => {
  it.effect.prop("decode inverts encode", [GossipMessage.GossipMessage], ([it]) =>
    roundTrip(GossipMessage.GossipMessageFromBytes)(it)
  )

  it("has the layout of the specification, and signs what stands before the signature", () => {
    const bytes = GossipMessage.write(message)
    const before = `5820${hexOf(message.topic)}5820${hexOf(message.author)}1b0000018bcfe5687b43010203`
    assert.strictEqual(hexOf(bytes), `85${before}5840${hexOf(message.signature)}`)
    assert.strictEqual(hexOf(GossipMessage.unsigned(message)), `84${before}`)
    assert.deepStrictEqual(succeeded(GossipMessage.read(encode([...array, "new"]))), message)
  })

  it("carries 60 KiB and not a byte more, and fits a frame then", () => {
    const data = new Uint8Array(GossipMessage.DATA_LIMIT)
    const largest = GossipMessage.write({ ...message, data })
    assert.isTrue(Result.isSuccess(GossipMessage.read(largest)))
    assert.isAtMost(GossipFrame.write({ messages: [largest] }).length, INNER_LIMIT)
    const longer = { ...message, data: new Uint8Array(GossipMessage.DATA_LIMIT + 1) }
    assert.strictEqual(refusal(GossipMessage.read(GossipMessage.write(longer))), "malformed data")
    assert.strictEqual(refusal(GossipMessage.read(new Uint8Array(GossipMessage.MESSAGE_LIMIT + 1))), "too many bytes")
  })

  const cases: ReadonlyArray<readonly [name: string, index: number, value: CborValue]> = [
    ["a topic of 31 bytes", 0, counting(31)],
    ["an author of 33 bytes", 1, counting(33)],
    ["a negative time", 2, -1],
    ["data that is text", 3, "data"],
    ["a signature of 63 bytes", 4, counting(63)]
  ]
  for (const [name, index, value] of cases) {
    it(`${name} is refused`, () =>
      assert.match(refusal(GossipMessage.read(encode(array.with(index, value)))), /^malformed /))
  }

  it("what is not in its one encoding is refused, and so is what later versions cannot have appended", () => {
    // The head of the time in eight bytes, where one would do.
    const padded = encode(array.with(2, 5))
    const at = 1 + 34 + 34
    const long = concatBytes([padded.subarray(0, at), Uint8Array.of(0x18, 5), padded.subarray(at + 1)])
    assert.strictEqual(refusal(GossipMessage.read(long)), "number not in its shortest form")
    assert.strictEqual(refusal(GossipMessage.read(encode([...array, new Array(30).fill(0)]))), "too many items")
  })

  it("withstands truncation and flipped bits", () => withstands(GossipMessage.read, GossipMessage.write(message)))

  it("is passed on until it is 90 s old, and where clocks differ by 10 s at most", () => {
    const now = 1_000_000
    assert.deepStrictEqual(
      [now - 90_001, now - 90_000, now, now + 10_000, now + 10_001].map((issued) =>
        GossipMessage.isTimely(issued, now)
      ),
      [false, true, true, true, false]
    )
  })
})

describe("GossipFrame", () => {
  it.effect.prop(
    "decode inverts encode",
    [GossipFrame.GossipFrame],
    ([it]) => roundTrip(GossipFrame.GossipFrameFromBytes)(it),
    { arbitrary: { runs: 60 } }
  )

  it("has the lists in the order of the specification", () => {
    const frame = succeeded(GossipFrame.read(encode(lists)))
    assert.deepStrictEqual(GossipFrame.write(frame), encode(lists))
    assert.strictEqual(hexOf(GossipFrame.write({})), "86808080808080")
    assert.deepStrictEqual(frame.prune, [{ topic, backoff: 60 }])
    assert.deepStrictEqual(frame.topics.at(-1), { topic: counting(32, 9), on: false })
    assert.deepStrictEqual(succeeded(GossipFrame.read(encode([...lists, "new"]))), frame)
  })

  const cases: ReadonlyArray<readonly [name: string, index: number, value: CborValue]> = [
    ["65 messages", 0, new Array(65).fill(counting(1))],
    ["a message above its limit", 0, [new Uint8Array(GossipMessage.MESSAGE_LIMIT + 1)]],
    ["a message that is an array", 0, [[1]]],
    ["65 topics that are advertised", 1, new Array(65).fill([topic, []])],
    ["257 ids that are advertised", 1, [[topic, ids(257)]]],
    ["an advertised id of 31 bytes", 1, [[topic, [counting(31)]]]],
    ["257 ids that are wanted", 2, ids(257)],
    ["a wanted id that is text", 2, ["id"]],
    ["65 grafts", 3, ids(65)],
    ["65 prunes", 4, new Array(65).fill([topic, 1])],
    ["a negative back-off", 4, [[topic, -1]]],
    ["a back-off beyond 32 bits", 4, [[topic, 2 ** 32]]],
    ["65 topics", 5, new Array(65).fill([topic, true])],
    ["a topic that is neither on nor off", 5, [[topic, 1]]],
    ["a list that is missing", 5, null]
  ]
  for (const [name, index, value] of cases) {
    it(`${name} is refused`, () =>
      assert.match(refusal(GossipFrame.read(encode(lists.with(index, value)))), /^malformed |^too many/))
  }

  it("a frame that announces a million ids is refused before they are read", () => {
    const head = concatBytes([arrayHead(6), arrayHead(0), arrayHead(0), arrayHead(1_000_000)])
    assert.strictEqual(
      refusal(GossipFrame.read(concatBytes([head, new Uint8Array(60_000)]))),
      "more elements than bytes"
    )
    const many = concatBytes([arrayHead(6), arrayHead(0), arrayHead(0), arrayHead(65_000), new Uint8Array(65_000)])
    assert.strictEqual(refusal(GossipFrame.read(many)), "too many items")
    const million = encode([[], [], ids(1).concat(new Array(999_999).fill(counting(32))), [], [], []])
    assert.strictEqual(refusal(GossipFrame.read(million)), "too many bytes")
  })

  it("a list of indefinite length is refused", () => {
    const bytes = Uint8Array.of(0x86, 0x9f, 0xff, 0x80, 0x80, 0x80, 0x80, 0x80)
    assert.strictEqual(refusal(GossipFrame.read(bytes)), "indefinite length")
  })

  it("withstands truncation and flipped bits", () => {
    withstands(GossipFrame.read, encode(lists.with(0, [counting(5)])))
  })
})
