import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import type { Hop } from "#core/onion/buildRequest"
import { hopAddressOf } from "#schemas/onion/HopAddress"
import { FrameType } from "#schemas/session/Frame"
import { DIALLED_HOPS, SESSION_DIALS, WAITING_BYTES_OF_HOP } from "#services/onion/Limits"
import { virtually } from "../../simulator/inVirtualTime.ts"
import {
  assertBounded,
  hopOf,
  makeRelays,
  nearHopOf,
  nobody,
  placeAt,
  type Relays,
  settle,
  sizeOf
} from "./relaying.ts"

/** Dials that a session may have made at once: one more than the burst, as the last one may be owed. */
const DIALS = SESSION_DIALS.burst + 1

/** Somewhere nobody is: the dial waits for its deadline. */
const deaf = (relays: Relays, n: number): Hop => ({ ...nobody(relays.draw), address: placeAt(45, 0, n >> 8, n & 255) })

const cellsFor = (relays: Relays, first: Hop, hops: ReadonlyArray<Hop>) =>
  Effect.forEach(hops, (hop) => Effect.map(relays.request([first, hop]), ({ cell }) => cell))

const count = (length: number) => Array.from({ length }, (_, n) => n)

describe("the next hop", () => {
  virtually("is dialled where the header says, and gets all that has waited for it, in order", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const [relay, far] = [yield* relays.node(), yield* relays.node()]
      const stranger = yield* relays.stranger(relay)
      const payloads = count(5).map(() => relays.payloadOf())
      const path = [relay, far].map(hopOf)
      const cells = yield* Effect.forEach(payloads, (payload) => relays.request(path, { payload }))
      yield* stranger.say(...cells.map(({ cell }) => cell))
      assert.deepStrictEqual(
        far.got.delivered.map(({ payload }) => payload.messageId),
        payloads.map(({ messageId }) => messageId)
      )
      assert.deepStrictEqual(relay.cells.stats(), { forwarded: 5, arrived: 0, dropped: {} })
      assert.deepStrictEqual([sizeOf(relay, "next hops being dialled"), relay.manager.list().length], [0, 2])
    })
  )

  virtually("gets nothing when somebody else is there, and the cells that waited are dropped", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const [relay, other] = [yield* relays.node(), yield* relays.node()]
      const stranger = yield* relays.stranger(relay)
      const hop = { ...nobody(relays.draw), address: hopAddressOf(other.address.bytes)! }
      yield* stranger.say(...(yield* cellsFor(relays, hopOf(relay), [hop, hop])))
      assert.deepStrictEqual(relay.cells.stats().dropped, { unreachable: 2 })
      assert.deepStrictEqual([other.cells.stats().arrived, other.cells.stats().dropped], [0, {}])
      assert.deepStrictEqual([relay.manager.list().length, other.manager.stats().open], [1, 0])
    })
  )

  virtually("is reached over a session that is open, wherever the header says that it is", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const relay = yield* relays.node()
      const [stranger, far] = [yield* relays.stranger(relay), yield* relays.stranger(relay)]
      const hops = [nearHopOf(far), hopOf(far), { ...hopOf(far), address: placeAt(10, 0, 0, 1) }]
      yield* stranger.say(...(yield* cellsFor(relays, hopOf(relay), hops)))
      assert.lengthOf(far.heard, 3)
      assert.strictEqual(relay.cells.stats().forwarded, 3)
    })
  )

  virtually("may be the one that the cell came from", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const relay = yield* relays.node()
      const stranger = yield* relays.stranger(relay)
      yield* stranger.say(...(yield* cellsFor(relays, hopOf(relay), [nearHopOf(stranger)])))
      assert.lengthOf(stranger.heard, 1)
    })
  )

  virtually("is dialled at a private address on a local network only", ({ time }) =>
    Effect.gen(function* () {
      const outcome = Effect.fnUntraced(function* (local: boolean) {
        const relays = makeRelays(time, local)
        const relay = yield* relays.node()
        const stranger = yield* relays.stranger(relay)
        const hop = { ...nobody(relays.draw), address: placeAt(192, 168, 0, 9) }
        yield* stranger.say(...(yield* cellsFor(relays, hopOf(relay), [hop])))
        return [sizeOf(relay, "next hops being dialled"), sizeOf(relay, "dials"), relay.cells.stats().dropped]
      })
      assert.deepStrictEqual(yield* outcome(false), [0, 0, { "private address": 1 }])
      assert.deepStrictEqual(yield* outcome(true), [1, 1, {}])
    })
  )

  virtually("is dialled so often for one session and no oftener, whatever other sessions have done", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const relay = yield* relays.node()
      const [one, other] = [yield* relays.stranger(relay), yield* relays.stranger(relay)]
      const say = (who: typeof one, from: number, to: number) =>
        Effect.flatMap(
          cellsFor(
            relays,
            hopOf(relay),
            count(to - from).map((n) => deaf(relays, from + n))
          ),
          (cells) => who.say(...cells)
        )
      yield* say(one, 0, 40)
      assert.strictEqual(sizeOf(relay, "next hops being dialled"), DIALS)
      assert.deepStrictEqual(relay.cells.stats().dropped, { "dial budget": 40 - DIALS })
      yield* say(other, 40, 45)
      assert.strictEqual(sizeOf(relay, "next hops being dialled"), DIALS + 5)
      yield* Effect.sleep("3 seconds")
      yield* say(one, 45, 55)
      assert.strictEqual(sizeOf(relay, "next hops being dialled"), DIALS + 8)
      yield* Effect.sleep("20 seconds")
      assert.deepStrictEqual([sizeOf(relay, "next hops being dialled"), sizeOf(relay, "dials")], [0, 0])
      assert.strictEqual(relay.cells.stats().dropped.unreachable, DIALS + 8)
      assertBounded(relay)
    })
  )

  virtually("has room for so many bytes while it is being dialled, and the dial is one for all of them", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const relay = yield* relays.node()
      const stranger = yield* relays.stranger(relay)
      const room = WAITING_BYTES_OF_HOP / 4_096
      const hop = deaf(relays, 1)
      yield* stranger.say(...(yield* cellsFor(relays, hopOf(relay), new Array<Hop>(room + 6).fill(hop))))
      assert.deepStrictEqual(relay.cells.stats().dropped, { waiting: 6 })
      assert.strictEqual(sizeOf(relay, "bytes waiting for a next hop"), WAITING_BYTES_OF_HOP)
      assert.strictEqual(sizeOf(relay, "dials"), 1)
      assertBounded(relay)
      yield* Effect.sleep("20 seconds")
      assert.strictEqual(sizeOf(relay, "bytes waiting for a next hop"), 0)
      assert.deepStrictEqual(relay.cells.stats().dropped, { waiting: 6, unreachable: room })
    })
  )

  virtually("is reached though others have filled all places with hops that do not answer", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const [relay, far] = [yield* relays.node(), yield* relays.node()]
      for (let turn = 0; turn < 5; turn++) {
        const hostile = yield* relays.stranger(relay)
        const hops = count(DIALS).map((n) => deaf(relays, turn * DIALS + n))
        yield* hostile.say(...(yield* cellsFor(relays, hopOf(relay), hops)))
      }
      assert.strictEqual(sizeOf(relay, "next hops being dialled"), DIALLED_HOPS)
      assert.strictEqual(sizeOf(relay, "dials"), DIALLED_HOPS)
      assert.deepStrictEqual(relay.cells.stats().dropped, { unreachable: 5 * DIALS - DIALLED_HOPS })
      const honest = yield* relays.stranger(relay)
      yield* honest.say(...(yield* cellsFor(relays, hopOf(relay), [hopOf(far)])))
      assert.strictEqual(far.cells.stats().arrived, 1)
      assertBounded(relay)
    })
  )

  virtually(
    "is not lost to its relay, nor to this node's own cells, because somebody named a wrong place",
    ({ time }) =>
      Effect.gen(function* () {
        const relays = makeRelays(time)
        const [relay, far] = [yield* relays.node(), yield* relays.node()]
        const [hostile, honest] = [yield* relays.stranger(relay), yield* relays.stranger(relay)]
        yield* hostile.say(
          ...(yield* cellsFor(relays, hopOf(relay), [{ ...hopOf(far), address: placeAt(45, 0, 0, 1) }]))
        )
        assert.strictEqual(sizeOf(relay, "next hops being dialled"), 1)
        yield* honest.say(...(yield* cellsFor(relays, hopOf(relay), [hopOf(far)])))
        // The two that waited for different places are reached by the one session.
        assert.strictEqual(far.cells.stats().arrived, 2)
        assert.strictEqual(sizeOf(relay, "next hops being dialled"), 0)
      })
  )
})

describe("this node's own cells", () => {
  virtually("go where the record of the hop says when nobody says where it is", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const [sender, relay] = [yield* relays.node(), yield* relays.node()]
      const unknown = yield* Effect.flip(sender.cells.send(yield* relays.request([nearHopOf(relay)])))
      assert.include(unknown, { _tag: "CellNotSent", layer: "address", reason: "no address" })
      const session = yield* sender.manager.connect(relay.target)
      yield* session.close("leaving")
      yield* settle
      assert.isUndefined(sender.manager.find(relay.manager.self().key))
      yield* sender.cells.send(yield* relays.request([nearHopOf(relay)]))
      yield* settle
      assert.strictEqual(relay.cells.stats().arrived, 1)
    })
  )

  virtually("tell in which layer it ended: nobody there, another node, no room", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const [sender, relay] = [yield* relays.node(), yield* relays.node()]
      const why = (hop: Hop) =>
        Effect.map(
          Effect.flatMap(relays.request([hop]), (cell) => Effect.flip(sender.cells.send(cell))),
          ({ layer, reason }) => `${layer}: ${reason}`
        )
      assert.strictEqual(yield* why(deaf(relays, 1)), "transport: timeout")
      assert.strictEqual(
        yield* why({ ...nobody(relays.draw), address: hopAddressOf(relay.address.bytes)! }),
        "handshake: wrong peer"
      )
      assert.strictEqual(
        yield* why({ ...nobody(relays.draw), address: placeAt(10, 0, 0, 1) }),
        "transport: private address"
      )
      const session = yield* sender.manager.connect(relay.target)
      while (session.offer(FrameType.GOSSIP, new Uint8Array(60_000)));
      while (session.offer(FrameType.GOSSIP, new Uint8Array(1_000)));
      assert.strictEqual(yield* why(hopOf(relay)), "session: no room")
    })
  )

  virtually("are not counted as relayed, nor against a stranger's budget", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const sender = yield* relays.node()
      const all = count(100).map((n) => deaf(relays, n))
      const fibers = Effect.forEach(
        all,
        (hop) => Effect.flatMap(relays.request([hop]), (cell) => Effect.flip(sender.cells.send(cell))),
        { concurrency: 100 }
      )
      const failures = yield* fibers
      assert.isTrue(failures.every(({ reason }) => reason === "timeout"))
      assert.deepStrictEqual(sender.cells.stats(), { forwarded: 0, arrived: 0, dropped: {} })
    })
  )
})

describe("an answer's first hop", () => {
  virtually("is dialled under the rules for strangers, within one budget", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const node = yield* relays.node()
      const why = (hop: Hop) =>
        Effect.map(
          Effect.flatMap(relays.reply([hop]), (cell) => Effect.flip(node.cells.answer(cell))),
          ({ layer, reason }) => `${layer}: ${reason}`
        )
      assert.strictEqual(
        yield* why({ ...nobody(relays.draw), address: placeAt(10, 0, 0, 1) }),
        "address: private address"
      )
      assert.strictEqual(yield* why(nobody(relays.draw)), "address: no session")
      const failures = yield* Effect.forEach(count(80), (n) => why(deaf(relays, n)), { concurrency: 80 })
      const refused = failures.filter((it) => it === "session: too many dials for strangers")
      assert.lengthOf(refused, 80 - DIALLED_HOPS)
      assert.strictEqual(sizeOf(node, "peers dialled for answers"), 0)
    })
  )

  virtually("is found by its record where the block names no place, and its place by nobody else's", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const [node, relay] = [yield* relays.node(), yield* relays.node()]
      const session = yield* node.manager.connect(relay.target)
      yield* session.close("leaving")
      yield* settle
      yield* node.cells.answer(yield* relays.reply([nearHopOf(relay)]))
      yield* settle
      assert.strictEqual(relay.cells.stats().arrived, 1)
    })
  )
})
