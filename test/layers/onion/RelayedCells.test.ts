import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import type { Hop } from "#core/onion/buildRequest"
import type { CellClass } from "#schemas/onion/OnionCell"
import { writeHeader } from "#schemas/onion/OnionHeader"
import { write } from "#schemas/router/InnerEnvelope"
import { BAD_CELL_COST, OPEN_CELLS } from "#services/onion/Limits"
import type { CellDropped } from "#services/onion/OnionCells"
import { virtually } from "../../simulator/inVirtualTime.ts"
import {
  assertBounded,
  hopOf,
  makeRelays,
  type NodeOptions,
  nearHopOf,
  nobody,
  placeAt,
  type Relays,
  settle,
  sizeOf
} from "./relaying.ts"

/** A node, a stranger with a session to it, and another one to which cells go on. */
const scene = Effect.fnUntraced(function* (relays: Relays, options: NodeOptions = {}) {
  const node = yield* relays.node(options)
  const [stranger, far] = [yield* relays.stranger(node), yield* relays.stranger(node)]
  yield* settle
  const session = node.manager.find(stranger.manager.self().key)!
  return {
    ...relays,
    another: () => relays.stranger(node),
    /** As if the stranger had said it, and at once. */
    bring: (cell: Uint8Array) => node.bring(session, cell),
    node,
    stranger,
    far,
    hop: hopOf(node),
    beyond: nearHopOf(far)
  }
})

type Scene = Effect.Success<ReturnType<typeof scene>>

interface Bad {
  readonly cells: (at: Scene) => Effect.Effect<ReadonlyArray<Uint8Array>>
  readonly options?: NodeOptions
  /** Costs what other cells cost: it is not the cell that is bad. */
  readonly innocent?: boolean
}

const one = (cell: (at: Scene) => Uint8Array): Bad => ({ cells: (at) => Effect.sync(() => [cell(at)]) })

/** A cell for the node itself, or for a path that begins with it. */
const requested = (path: (at: Scene) => ReadonlyArray<Hop>, also: Omit<Bad, "cells"> = {}): Bad => ({
  cells: (at) => Effect.map(at.request(path(at)), ({ cell }) => [cell]),
  ...also
})

const changed = (at: number): Bad => ({
  cells: ({ beyond, hop, request }) =>
    Effect.map(request([hop, beyond]), ({ cell }) => {
      cell[at]! ^= 1
      return [cell]
    })
})

const inMinutes = (minutes: number): Bad => ({
  cells: ({ beyond, hop, request, ttlIn }) =>
    Effect.flatMap(ttlIn(minutes), (ttl) => Effect.map(request([hop, beyond], { ttl }), ({ cell }) => [cell]))
})

const quic = { transport: "quic", ip: Uint8Array.of(45, 1, 1, 1), port: 4_001 } as const

/** What each reason needs to happen; those that need many cells have tests of their own. */
const bad: Partial<Record<CellDropped, Bad>> = {
  agreement: one(() => new Uint8Array(4_096)),
  sealed: changed(40),
  body: changed(4_000),
  header: one(({ crafted, hop }) => crafted(hop, () => new Uint8Array(80).fill(255))),
  nowhere: {
    cells: ({ crafted, hop, ttlIn }) =>
      Effect.map(ttlIn(1), (ttl) => {
        const header = { deliverLocal: false, reply: false, ttl, delay: 0 }
        return [crafted(hop, (bodyTag) => writeHeader({ ...header, bodyTag }))]
      }),
    innocent: true
  },
  payload: {
    cells: ({ crafted, hop, ttlIn }) =>
      Effect.map(ttlIn(1), (ttl) => {
        const header = { deliverLocal: true, reply: false, ttl, delay: 0 }
        return [crafted(hop, (bodyTag) => writeHeader({ ...header, bodyTag }))]
      })
  },
  "not handed on": {
    cells: ({ beyond: handTo, hop, request }) => Effect.map(request([hop], { handTo }), ({ cell }) => [cell])
  },
  expired: inMinutes(-1),
  "too far": inMinutes(7),
  replayed: {
    cells: ({ hop, request }) => Effect.map(request([hop]), ({ cell }) => [cell, cell])
  },
  full: {
    cells: ({ hop, request }) =>
      Effect.map(Effect.all([request([hop]), request([hop])]), (all) => all.map((it) => it.cell)),
    options: { peeledLimit: 1 },
    innocent: true
  },
  "not a relay": requested(({ beyond, hop }) => [hop, beyond], { options: { relays: false } }),
  loop: requested(({ hop }) => [hop, hop]),
  "no session": requested(({ draw, hop }) => [hop, nobody(draw)]),
  address: requested(({ draw, hop }) => [hop, { ...nobody(draw), address: quic }]),
  "private address": requested(({ draw, hop }) => [hop, { ...nobody(draw), address: placeAt(192, 168, 1, 1) }]),
  unwanted: requested(({ hop }) => [hop], { options: { receives: false }, innocent: true })
}

describe("RelayedCells", () => {
  virtually("carries a cell over three relays that have never met to its recipient, and the answer back", ({ time }) =>
    Effect.gen(function* () {
      const { node, payloadOf, reply, request } = makeRelays(time)
      const [sender, recipient] = [yield* node({ relays: false }), yield* node({ relays: false })]
      const relays = [yield* node(), yield* node(), yield* node()]
      const payload = payloadOf()
      yield* sender.cells.send(yield* request([...relays, recipient].map(hopOf), { payload }))
      yield* settle
      assert.deepStrictEqual(
        recipient.got.delivered.map((it) => it.payload.messageId),
        [payload.messageId]
      )
      for (const { cells, manager } of relays) {
        assert.deepStrictEqual(cells.stats(), { forwarded: 1, arrived: 0, dropped: {} })
        assert.lengthOf(manager.list(), 2)
      }
      yield* recipient.cells.answer(yield* reply([...relays.toReversed(), sender].map(hopOf)))
      yield* settle
      assert.lengthOf(sender.got.replied, 1)
      for (const { cells } of relays) assert.strictEqual(cells.stats().forwarded, 2)
      assert.deepStrictEqual(
        [sender, recipient].map(({ cells }) => cells.stats()),
        [
          { forwarded: 0, arrived: 1, dropped: {} },
          { forwarded: 0, arrived: 1, dropped: {} }
        ]
      )
      for (const it of [sender, recipient, ...relays]) assertBounded(it)
    })
  )

  for (const [reason, { cells, innocent = false, options }] of Object.entries(bad)) {
    virtually(
      `drops what is "${reason}" in silence, counts it, and ${innocent ? "no more" : "slows its session"}`,
      ({ time }) =>
        Effect.gen(function* () {
          const at = yield* scene(makeRelays(time), options)
          const { far, node, stranger } = at
          const four = (yield* Effect.all(new Array<ReturnType<typeof cells>>(4).fill(cells(at)))).flat()
          const looked = yield* throttledAfter(at, four)
          const { throttled: _, size: __, ...dropped } = node.cells.stats().dropped
          const count = reason === "full" ? 7 : 4
          assert.deepStrictEqual(dropped, { [reason]: count })
          assert.deepStrictEqual([...stranger.heard, ...far.heard], [])
          assert.strictEqual(node.manager.list().length, 2)
          assert.deepStrictEqual([node.manager.stats().bans, sizeOf(node, "charged peers")], [0, 0])
          const cost = count * (innocent ? 1 : BAD_CELL_COST) + four.length - count
          assert.strictEqual(looked, lookedAt(OPEN_CELLS.burst - cost))
          assertBounded(node)
        })
    )
  }

  virtually("carries what others bring while a session is throttled, and hears that one again later", ({ time }) =>
    Effect.gen(function* () {
      const { another, beyond, far, hop, node, request, stranger } = yield* scene(makeRelays(time))
      const other = yield* another()
      const [one, two, three] = yield* Effect.all([1, 2, 3].map(() => request([hop, beyond])))
      const wrong = new Array<Uint8Array>(lookedAt(OPEN_CELLS.burst)).fill(new Uint8Array(5))
      yield* Effect.all([stranger.say(...wrong, one!.cell), other.say(two!.cell)], { concurrency: 2 })
      assert.deepStrictEqual(node.cells.stats().dropped, { size: wrong.length, throttled: 1 })
      assert.lengthOf(far.heard, 1)
      yield* stranger.say(three!.cell)
      assert.lengthOf(far.heard, 2)
    })
  )

  virtually("looks at fewer large cells than small ones", ({ time }) =>
    Effect.gen(function* () {
      const forwarded = Effect.fnUntraced(function* (cellClass: CellClass) {
        const { beyond, bring, hop, node, request } = yield* scene(makeRelays(time))
        // These leave sixteen.
        for (let n = 2; n < lookedAt(OPEN_CELLS.burst); n++) bring(new Uint8Array(5))
        for (let n = 0; n < 30; n++) bring((yield* request([hop, beyond], { cellClass })).cell)
        const { dropped, forwarded } = node.cells.stats()
        return [forwarded + (dropped["no room"] ?? 0), dropped.throttled]
      })
      assert.deepStrictEqual(yield* forwarded(0), [17, 13])
      assert.deepStrictEqual(yield* forwarded(1), [9, 21])
      assert.deepStrictEqual(yield* forwarded(2), [9, 21])
    })
  )

  virtually("forgets a session that has ended", ({ time }) =>
    Effect.gen(function* () {
      const { hop, node, request, stranger } = yield* scene(makeRelays(time))
      yield* stranger.say((yield* request([hop])).cell)
      for (const session of node.manager.list()) yield* session.close("leaving")
      yield* settle
      assert.strictEqual(node.manager.stats().open, 0)
      assertBounded(node)
    })
  )

  virtually("does not peel a cell again, however often it comes", ({ time }) =>
    Effect.gen(function* () {
      const { beyond, bring, far, hop, node, request } = yield* scene(makeRelays(time))
      const { cell } = yield* request([hop, beyond])
      for (let n = 0; n < 20; n++) {
        for (let times = 0; times < 1_000; times++) bring(cell)
        yield* settle
      }
      assert.lengthOf(far.heard, 1)
      assert.strictEqual(sizeOf(node, "peeled cells"), 1)
      const { replayed = 0, throttled = 0 } = node.cells.stats().dropped
      assert.strictEqual(replayed + throttled, 19_999)
      assertBounded(node)
    })
  )

  virtually("forgets the cells whose minute is over, and does nothing more once it has forgotten all", ({ time }) =>
    Effect.gen(function* () {
      const { hop, node, request, stranger } = yield* scene(makeRelays(time))
      yield* stranger.say((yield* request([hop])).cell)
      assert.strictEqual(sizeOf(node, "peeled cells"), 1)
      yield* Effect.sleep("4 minutes")
      assert.strictEqual(sizeOf(node, "peeled cells"), 1)
      yield* Effect.sleep("3 minutes")
      assert.strictEqual(sizeOf(node, "peeled cells"), 0)
    })
  )

  virtually("hands an envelope on to whoever does that, with the peer that it names", ({ time }) =>
    Effect.gen(function* () {
      const { beyond: handTo, far, hop, node, payloadOf, request, stranger } = yield* scene(makeRelays(time))
      const welcome = payloadOf({ piece: write({ type: "WELCOME", body: new Uint8Array(9) }) })
      yield* stranger.say((yield* request([hop], { handTo, payload: welcome })).cell)
      const [handed] = node.got.handed
      assert.deepStrictEqual(handed?.payload.messageId, welcome.messageId)
      const { contact } = yield* node.cells.reach(handed!.next)
      assert.strictEqual(contact.key, far.manager.self().key)
    })
  )

  virtually("a node that does not relay has what is for it, and hands nothing on", ({ time }) =>
    Effect.gen(function* () {
      const at = yield* scene(makeRelays(time), { relays: false })
      const { beyond: handTo, hop, node, payloadOf, request, stranger } = at
      const welcome = payloadOf({ piece: write({ type: "WELCOME", body: new Uint8Array(9) }) })
      yield* stranger.say((yield* request([hop], { handTo, payload: welcome })).cell, (yield* request([hop])).cell)
      assert.deepStrictEqual(node.cells.stats(), { forwarded: 0, arrived: 1, dropped: { "not a relay": 1 } })
    })
  )

  virtually("opens what was sealed for the key before the present one, and for none before that", ({ time }) =>
    Effect.gen(function* () {
      const { hop, keys, node, request, stranger } = yield* scene(makeRelays(time))
      const rotate = Effect.map(Clock.currentTimeMillis, (now) => {
        node.identity.onionKeys.rotate(keys(1)[0]!, Math.floor(now / 1_000))
      })
      yield* rotate
      yield* stranger.say((yield* request([hop])).cell)
      assert.lengthOf(node.got.delivered, 1)
      yield* rotate
      yield* stranger.say((yield* request([hop])).cell)
      assert.deepStrictEqual(node.cells.stats().dropped, { sealed: 1 })
    })
  )

  virtually("has one receiver", ({ time }) =>
    Effect.gen(function* () {
      const { cells } = yield* makeRelays(time).node()
      const again = yield* Effect.exit(cells.receive({ onDeliver: () => {}, onHand: () => {}, onReply: () => {} }))
      assert.isTrue(Exit.hasDies(again))
    })
  )
})

/** Bad cells of which so many tokens are the end: the last one may take more than there are. */
const lookedAt = (tokens: number) => Math.floor(tokens / BAD_CELL_COST) + 1

/** Says these cells and then, in the same moment, many of a wrong size; answers how many of those were looked at. */
const throttledAfter = Effect.fnUntraced(function* (
  { node, stranger }: Pick<Scene, "node" | "stranger">,
  first: ReadonlyArray<Uint8Array> = []
) {
  const wrong = new Array<Uint8Array>(lookedAt(OPEN_CELLS.burst) + 100).fill(new Uint8Array(5))
  yield* stranger.say(...first, ...wrong)
  return node.cells.stats().dropped.size ?? 0
})
