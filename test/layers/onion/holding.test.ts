import { assert, describe } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import type { CellClass } from "#schemas/onion/OnionCell"
import { HELD_BYTES_OF_SESSION } from "#services/onion/Limits"
import type { Mixing } from "#services/onion/MixPolicy"
import { virtually } from "../../simulator/inVirtualTime.ts"
import { assertBounded, hopOf, LATENCY, makeRelays, type Relays, settle, sizeOf } from "./relaying.ts"

const count = (length: number) => Array.from({ length }, (_, n) => n)

/** A relay, a recipient that it has a session to, and a stranger. */
const scene = Effect.fnUntraced(function* (relays: Relays, mixing: Partial<Mixing> = {}) {
  const [relay, recipient] = [yield* relays.node({ mixing }), yield* relays.node()]
  const stranger = yield* relays.stranger(relay)
  yield* relay.manager.connect(recipient.target)
  yield* settle
  /** A cell that the relay shall hold for so many milliseconds, and its message. */
  const cell = Effect.fnUntraced(function* (delay: number, cellClass: CellClass = 0) {
    const payload = relays.payloadOf()
    const path = [{ ...hopOf(relay), delay }, hopOf(recipient)]
    const { cell } = yield* relays.request(path, { payload, cellClass })
    return { cell, id: keyOf(payload.messageId) }
  })
  const ids = () => recipient.got.delivered.map(({ payload }) => keyOf(payload.messageId))
  return { relays, relay, recipient, stranger, cell, ids }
})

const flushing = (millis: number) => ({ flushEvery: Duration.millis(millis) })

describe("cells that are to be held", () => {
  virtually("go on after the time that their header asks for, each by itself", ({ time }) =>
    Effect.gen(function* () {
      const { cell, ids, recipient, relay, stranger } = yield* scene(makeRelays(time))
      const cells = yield* Effect.forEach([3_000, 1_000, 0, 2_000, 65_535], (delay) => cell(delay))
      const start = time.now
      yield* Effect.forkChild(stranger.say(...cells.map(({ cell }) => cell)))
      yield* Effect.sleep(2 * LATENCY)
      // One that is due before all that wait.
      yield* Effect.sleep(200)
      const [early, at] = [yield* cell(300), time.now]
      yield* stranger.say(early.cell)
      yield* Effect.sleep("70 seconds")
      const [a, b, c, d, e] = cells.map(({ id }) => id)
      assert.deepStrictEqual(ids(), [c, early.id, b, d, a, e])
      const expected = [start, at + 300, start + 1_000, start + 2_000, start + 3_000, start + 65_535]
      for (const [index, due] of expected.entries()) {
        assert.approximately(recipient.got.at[index]!, due + 2 * LATENCY, 3)
      }
      assert.deepStrictEqual(relay.cells.stats(), { forwarded: 6, arrived: 0, dropped: {} })
    })
  )

  virtually("have a share of the room for each session, and none of them can take it from the others", ({ time }) =>
    Effect.gen(function* () {
      const { cell, relay, relays, stranger } = yield* scene(makeRelays(time))
      const other = yield* relays.stranger(relay)
      const share = Math.floor(HELD_BYTES_OF_SESSION / 65_408)
      const cells = yield* Effect.forEach(count(share + 3), () => cell(60_000, 2))
      for (const { cell } of cells) yield* stranger.say(cell)
      assert.deepStrictEqual(relay.cells.stats().dropped, { held: 3 })
      assert.strictEqual(sizeOf(relay, "bytes of cells held back of a session"), share * 65_408)
      yield* other.say((yield* cell(10_000)).cell)
      assert.deepStrictEqual(relay.cells.stats().dropped, { held: 3 })
      assert.strictEqual(sizeOf(relay, "bytes of cells held back"), share * 65_408 + 4_096)
      assertBounded(relay)
      yield* Effect.sleep("1 minute")
      assert.strictEqual(sizeOf(relay, "bytes of cells held back"), 0)
      yield* stranger.say((yield* cell(60_000)).cell)
      assert.strictEqual(sizeOf(relay, "bytes of cells held back of a session"), 4_096)
    })
  )
})

describe("a relay that collects", () => {
  virtually("sends nothing between two flushes, and then all at once in another order", ({ time }) =>
    Effect.gen(function* () {
      const { cell, ids, recipient, relay, stranger } = yield* scene(makeRelays(time), flushing(5_000))
      const sent: Array<string> = []
      for (const _ of count(20)) {
        const { cell: bytes, id } = yield* cell(0)
        sent.push(id)
        yield* stranger.say(bytes)
      }
      yield* Effect.sleep("6 seconds")
      assert.sameMembers(ids(), sent)
      assert.notDeepEqual(ids(), sent)
      assert.strictEqual(new Set(recipient.got.at.map((at) => Math.floor(at / 100))).size, 1)
      assert.strictEqual(relay.cells.stats().forwarded, 20)
    })
  )

  virtually("keeps to its beat, and waits for the flush after the time that a header asks for", ({ time }) =>
    Effect.gen(function* () {
      const { cell, recipient, stranger } = yield* scene(makeRelays(time), flushing(1_000))
      for (const delay of [0, 700, 1_500, 0, 0]) {
        yield* stranger.say((yield* cell(delay)).cell)
        yield* Effect.sleep(133)
      }
      yield* Effect.sleep("5 seconds")
      const beats = recipient.got.at.map((at) => (at - recipient.got.at[0]!) / 1_000)
      assert.lengthOf(beats, 5)
      for (const beat of beats) assert.approximately(beat, Math.round(beat), 0.001)
      assert.isAtLeast(new Set(beats.map(Math.round)).size, 3)
    })
  )

  virtually("sends its own cells among those that it relays", ({ time }) =>
    Effect.gen(function* () {
      const { cell, ids, recipient, relay, relays, stranger } = yield* scene(makeRelays(time), flushing(1_000))
      const payload = relays.payloadOf()
      yield* relay.cells.send(yield* relays.request([hopOf(recipient)], { payload }))
      const other = yield* cell(0)
      yield* stranger.say(other.cell)
      assert.deepStrictEqual(ids(), [])
      yield* Effect.sleep("2 seconds")
      assert.sameMembers(ids(), [other.id, keyOf(payload.messageId)])
      assert.approximately(recipient.got.at[0]!, recipient.got.at[1]!, 0.1)
      assert.strictEqual(relay.cells.stats().forwarded, 1)
    })
  )

  virtually("dials nobody for its own cells when their session has ended meanwhile", ({ time }) =>
    Effect.gen(function* () {
      const { recipient, relay, relays } = yield* scene(makeRelays(time), flushing(1_000))
      yield* relay.cells.send(yield* relays.request([hopOf(recipient)]))
      yield* relay.manager.find(recipient.manager.self().key)!.close("leaving")
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(relay.cells.stats().dropped, { unreachable: 1 })
      assert.isUndefined(relay.manager.find(recipient.manager.self().key))
    })
  )

  virtually("drops what a session has no room for", ({ time }) =>
    Effect.gen(function* () {
      const { cell, recipient, relay, stranger } = yield* scene(makeRelays(time), flushing(60_000))
      // Of the largest cells a mebibyte holds sixteen.
      const cells = yield* Effect.forEach(count(20), () => cell(0, 2))
      for (const { cell } of cells) yield* stranger.say(cell)
      yield* Effect.sleep("1 minute")
      assert.lengthOf(recipient.got.delivered, 16)
      assert.deepStrictEqual(relay.cells.stats(), { forwarded: 16, arrived: 0, dropped: { "no room": 4 } })
    })
  )
})
