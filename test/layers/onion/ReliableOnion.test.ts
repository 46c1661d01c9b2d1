import { assert, describe, it } from "@effect/vitest"
import { Clock, type Duration, Effect, Exit, Fiber, Result, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { ANSWER_LIMIT, ENVELOPE_LIMIT } from "#core/onion/cellPlan"
import { UNFINISHED_LIMIT } from "#core/onion/Reassembly"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import { keyOf } from "#schemas/bytes/bytes"
import { type InnerEnvelopeFields, write } from "#schemas/router/InnerEnvelope"
import type { Crypto } from "#services/identity/Crypto"
import { OPEN_QUESTIONS } from "#services/onion/Limits"
import type { OnionArrival } from "#services/onion/OnionRouter"
import { DeliveredStore } from "#services/storage/DeliveredStore"
import { StorageFailed } from "#services/storage/RecordStore"
import { Dice } from "#simulator/Dice"
import { pass, settle } from "../../laws/sessionWorld.ts"
import { classesOf, join, type OverlayNode, overlay, receiverOf, sizeOf } from "./overlay.ts"

const envelope = (length: number, first = 7): InnerEnvelopeFields => {
  const body = Uint8Array.from({ length }, (_, at) => at)
  body[0] = first
  return { type: "CRDT_OP", body }
}

const question = (length = 40, first = 0): InnerEnvelopeFields => ({ ...envelope(length, first), type: "RPC" })
const answer = (length: number): InnerEnvelopeFields => ({ ...envelope(length, 1), type: "RPC" })

const onions = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope | Crypto>) =>
  it.effect(name, () => body.pipe(Effect.provide(NodeCrypto.layer)))

/** Two nodes that relay for nobody, in a world of seven that do. */
const pair = Effect.gen(function* () {
  const world = yield* overlay(7)
  return { world, a: yield* join(world, "a"), b: yield* join(world, "b") }
})

/** Answers with so many bytes. */
const answering = (length: number) => (arrival: OnionArrival) => {
  Effect.runFork(Effect.ignore(arrival.reply(answer(length))))
  return "answering" as const
}

const bodies = ({ got }: OverlayNode) => got.map(({ envelope: { body } }) => body[0])

/** Nothing is left of what was sent. */
const assertDone = (node: OverlayNode) => {
  assert.strictEqual(sizeOf(node, "reply blocks given out"), 0)
  assert.strictEqual(sizeOf(node, "onion envelopes under way"), 0)
  assert.strictEqual(sizeOf(node, "answers with missing parts"), 0)
}

describe("ReliableOnion", () => {
  onions(
    "delivers an envelope over three relays and hears so over three others",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      yield* b.listen()
      yield* a.onion.send(b.contact, envelope(100))
      const [arrival] = b.got
      assert.deepStrictEqual(arrival?.envelope.body, envelope(100).body)
      assert.isAbove(arrival?.room ?? 0, 2_000)
      assert.deepStrictEqual([b.got.length, world.carried.length, classesOf(world)], [1, 8, [0]])
      assert.deepStrictEqual([a.told.succeeded, a.told.failed], [2, []])
      assert.strictEqual(world.carried[3]?.to, b.contact.key)
      assert.strictEqual(world.carried[7]?.to, a.contact.key)
      const pairs = world.carried.map(({ from, to }) => from + to)
      assert.notInclude(pairs, a.contact.key + b.contact.key)
      assertDone(a)
    })
  )

  onions(
    "brings an answer, in one cell or in several",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      for (const [length, wanted, cells, cellClass] of [
        [1_000, undefined, 8, 0],
        [5_000, 6_000, 12, 0],
        [33_000, 33_100, 8, 1],
        [120_000, 125_000, 20, 1],
        [300_000, 300_100, 24, 2],
        [500_000, ANSWER_LIMIT, 36, 2]
      ] as const) {
        world.carried.length = 0
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* b.listen(answering(length))
            const options = wanted === undefined ? {} : { answerBytes: wanted }
            const { body } = yield* a.onion.request(b.contact, question(), options)
            assert.deepStrictEqual(body, answer(length).body)
          })
        )
        assert.deepStrictEqual([world.carried.length, classesOf(world)], [cells, [cellClass]])
      }
      assertDone(a)
    })
  )

  onions(
    "refuses a second answer, one that is too large and one that comes when the blocks are dead",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* b.listen(() => "answering")
      const asking = yield* Effect.forkChild(a.onion.request(b.contact, question()))
      yield* settle
      const arrival = b.got[0]!
      const tooLarge = yield* Effect.flip(arrival.reply(answer(arrival.room)))
      assert.include(tooLarge, { _tag: "NotAnswerable", reason: "too large", room: arrival.room })
      yield* arrival.reply(answer(arrival.room - 2))
      assert.include(yield* Effect.flip(arrival.reply(answer(1))), { reason: "answered" })
      assert.strictEqual((yield* Fiber.join(asking)).body.length, arrival.room - 2)

      for (const minutes of [9, 11]) {
        const late = yield* Effect.forkChild(a.onion.request(b.contact, question()))
        yield* settle
        yield* Fiber.interrupt(late)
        yield* TestClock.adjust(`${minutes} minutes`)
        const replied = yield* Effect.result(b.got.at(-1)!.reply(answer(1)))
        assert.strictEqual(
          Result.isFailure(replied) ? replied.failure.reason : "sent",
          minutes === 9 ? "sent" : "expired"
        )
      }
    })
  )

  onions(
    "takes another route while nobody answers, and delivers once although the ACKs are lost",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      yield* b.listen()
      let acks = 0
      world.isLost = ({ from }) => from === b.contact.key && ++acks <= 2
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(100)))
      yield* pass(14)
      yield* Fiber.join(sending)
      assert.strictEqual(acks, 3)
      assert.strictEqual(b.got.length, 1)
      const firstHops = world.carried.flatMap(({ from, to }) => (from === a.contact.key ? [to] : []))
      assert.strictEqual(new Set(firstHops).size, 3)
      assert.strictEqual(a.told.failed.length, 4)
      assertDone(a)
    })
  )

  onions(
    "settles by the late ACK of an earlier try, while it waits or rests",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      yield* b.listen()
      const held: Array<() => void> = []
      const { carry } = world
      world.carry = (from, outgoing) => {
        if (from === b.contact.key && held.length === 0) held.push(() => carry(from, outgoing))
        else if (from !== b.contact.key) carry(from, outgoing)
      }
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(100)))
      yield* pass(9)
      assert.isUndefined(sending.pollUnsafe())
      for (const release of held) release()
      yield* settle
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(sending)))
      assertDone(a)
    })
  )

  onions(
    "brings 60 envelopes of all sizes, each exactly once, although every tenth cell is lost on each link",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      const dice = new Dice("lost cells")
      world.isLost = () => dice.chance(0.1)
      yield* b.listen()
      const all = Array.from({ length: 60 }, (_, n) => envelope(n % 10 === 0 ? 150_000 : 200 * n, n))
      const sending = yield* Effect.forkChild(
        Effect.forEach(all, (it) => a.onion.send(b.contact, it), { concurrency: all.length, discard: true })
      )
      yield* pass(120)
      yield* Fiber.join(sending)
      assert.deepStrictEqual(
        bodies(b).toSorted((x, y) => x! - y!),
        all.map((_, n) => n)
      )
      assertDone(a)
    })
  )

  onions(
    "asks a handler once, and repeats its answer for whoever did not get it",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      let answers = 0
      world.isLost = ({ from }) => from === b.contact.key && ++answers <= 3
      yield* b.listen(answering(6_000))
      const asking = yield* Effect.forkChild(a.onion.request(b.contact, question(), { answerBytes: 6_500 }))
      yield* pass(20)
      assert.deepStrictEqual((yield* Fiber.join(asking)).body, answer(6_000).body)
      assert.strictEqual(b.got.length, 1)
      assertDone(a)
    })
  )

  onions(
    "answers by the freshest blocks, and says by older ones that it is at it",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      yield* b.listen(() => "answering")
      const asking = yield* Effect.forkChild(a.onion.request(b.contact, question()))
      yield* pass(12)
      const acks = world.carried.filter(({ from }) => from === b.contact.key).length
      assert.isAtLeast(acks, 2)
      assert.strictEqual(b.got.length, 1)
      yield* b.got[0]!.reply(answer(50))
      assert.deepStrictEqual((yield* Fiber.join(asking)).body, answer(50).body)
      assert.strictEqual(world.carried.filter(({ from }) => from === b.contact.key).length, acks + 1)
    })
  )

  onions(
    "gives up after ten minutes, and says how often it tried and what it met",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      world.isLost = () => true
      const sending = yield* Effect.forkChild(Effect.flip(a.onion.send(b.contact, envelope(10))))
      yield* pass(615)
      const error = yield* Fiber.join(sending)
      assert.include(error, { _tag: "OnionUnanswered", last: "silence" })
      assert.isTrue(error._tag === "OnionUnanswered" && error.routes >= 80 && error.seconds >= 600)
      assertDone(a)
    })
  )

  onions(
    "tells who keeps the routes of a guard that it cannot reach, and goes on by another",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      yield* b.listen()
      const guard = world.relays[0]!.key
      world.unreachable.add(guard)
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(10)))
      yield* pass(2)
      yield* Fiber.join(sending)
      assert.deepStrictEqual(a.told.guardFailed, [guard])
    })
  )

  onions(
    "has no route where too few relays are known, and sends nothing that is too large",
    Effect.gen(function* () {
      const world = yield* overlay(2)
      const [a, b] = [yield* join(world, "a"), yield* join(world, "b")]
      assert.include(yield* Effect.flip(a.onion.send(b.contact, envelope(10))), { _tag: "NoRoute" })
      assert.strictEqual(a.told.prepared, 1)
      const tooLarge = yield* Effect.flip(a.onion.send(b.contact, envelope(ENVELOPE_LIMIT)))
      assert.include(tooLarge, { _tag: "EnvelopeTooLarge", limit: ENVELOPE_LIMIT })
      assert.strictEqual(world.carried.length, 0)
    })
  )

  onions(
    "brings an envelope that just fits",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      yield* b.listen()
      yield* a.onion.send(b.contact, envelope(ENVELOPE_LIMIT - 2))
      assert.strictEqual(b.got[0]?.envelope.body.length, ENVELOPE_LIMIT - 2)
      assert.strictEqual(world.carried.length, 8 * 4 + 4)
    })
  )

  onions(
    "leaves nothing behind when whoever sends gives up",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      world.isLost = () => true
      const sending = yield* Effect.forkChild(a.onion.request(b.contact, question(), { answerBytes: 20_000 }))
      yield* pass(10)
      assert.isAbove(sizeOf(a, "reply blocks given out") ?? 0, 0)
      yield* Fiber.interrupt(sending)
      assertDone(a)
    })
  )

  onions(
    "does not acknowledge what nobody takes, and delivers it when somebody does",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      let room = false
      yield* b.listen(() => (room ? "taken" : "refused"))
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(10)))
      yield* pass(10)
      assert.isUndefined(sending.pollUnsafe())
      room = true
      yield* pass(7)
      yield* Fiber.join(sending)
      assert.strictEqual(b.got.length, 1)
    })
  )

  onions(
    "knows after a restart what it has delivered, and acknowledges it again",
    Effect.gen(function* () {
      const { a, world } = yield* pair
      const saved = new MemoryDeliveredStore.SavedIds()
      const before = yield* Effect.scoped(
        Effect.gen(function* () {
          const b = yield* join(world, "c", { saved })
          yield* b.listen()
          world.isLost = ({ from }) => from === b.contact.key
          yield* Effect.forkDetach(a.onion.send(b.contact, envelope(10)))
          yield* settle
          return b
        })
      )
      assert.strictEqual(before.got.length, 1)
      world.isLost = () => false
      const after = yield* join(world, "c", { saved })
      yield* after.listen()
      yield* pass(7)
      assert.strictEqual(after.got.length, 0)
      assertDone(a)
    })
  )

  onions(
    "finds a recipient again that has begun anew with another onion key",
    Effect.gen(function* () {
      const { a, world } = yield* pair
      const before = yield* Effect.scoped(join(world, "c"))
      yield* TestClock.adjust("1 hour")
      const after = yield* join(world, "c", { run: 2 })
      assert.strictEqual(after.contact.key, before.contact.key)
      assert.notDeepEqual(after.contact.record.onion, before.contact.record.onion)
      yield* after.listen()
      const sending = yield* Effect.forkChild(a.onion.send(before.contact, envelope(10)))
      yield* pass(25)
      yield* Fiber.join(sending)
      assert.deepStrictEqual([after.got.length, a.told.doubted], [1, [after.contact.key]])
    })
  )

  onions(
    "acknowledges nothing that is not written down",
    Effect.gen(function* () {
      const { a, world } = yield* pair
      const memory = MemoryDeliveredStore.make()
      let full = true
      const store = DeliveredStore.of({
        ...memory,
        add: (ids, at) =>
          Effect.suspend(() => (full ? new StorageFailed({ operation: "add", cause: "full" }) : memory.add(ids, at)))
      })
      const b = yield* join(world, "c", { store })
      yield* b.listen()
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(10)))
      yield* pass(10)
      assert.isUndefined(sending.pollUnsafe())
      full = false
      yield* pass(7)
      yield* Fiber.join(sending)
      assert.strictEqual(b.got.length, 1)
    })
  )

  onions(
    "drops what makes no envelope, and answers that are not what was asked for",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      yield* b.listen()
      const receiver = receiverOf(world, b)
      const messageId = new Uint8Array(16).fill(3) as never
      for (const part of [0, 1]) {
        const piece = Uint8Array.of(9, 9)
        receiver.onDeliver({
          _tag: "Deliver",
          cellClass: 0,
          payload: { messageId, part, parts: 2, piece, blocks: [] }
        })
      }
      receiver.onReply({ _tag: "Reply", id: new Uint8Array(16), body: new Uint8Array(3_396) })
      assert.strictEqual(b.got.length, 0)

      // A relay of the answer spoils it: only the requester can tell, and takes another.
      const { carry } = world
      let spoilt = 0
      world.carry = (from, { cell, to }) => {
        if (from === b.contact.key && spoilt++ === 0) cell[cell.length - 1]! ^= 1
        carry(from, { cell, to })
      }
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(10)))
      yield* pass(6)
      yield* Fiber.join(sending)
      assert.deepStrictEqual([spoilt, b.got.length], [2, 1])
    })
  )

  onions(
    "does not take an answer under another message id for its own",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      const receiver = receiverOf(world, b)
      let renamed = 0
      world.members.get(b.contact.key)!.receiver = {
        ...receiver,
        onDeliver: (delivered) => {
          const messageId = new Uint8Array(16).fill(8) as never
          const { payload } = delivered
          receiver.onDeliver(renamed++ === 0 ? { ...delivered, payload: { ...payload, messageId } } : delivered)
        }
      }
      yield* b.listen()
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(10)))
      yield* pass(3)
      assert.isUndefined(sending.pollUnsafe())
      yield* pass(4)
      yield* Fiber.join(sending)
      assert.strictEqual(b.got.length, 2)
    })
  )

  onions(
    "takes no more questions than it may leave open, and further ones when some are answered or over",
    Effect.gen(function* () {
      const { b, world } = yield* pair
      yield* b.listen(() => "answering")
      const { onDeliver } = receiverOf(world, b)
      const ask = (n: number) => {
        const messageId = new Uint8Array(16)
        new DataView(messageId.buffer).setUint32(0, n)
        const payload = { messageId: messageId as never, part: 0, parts: 1, piece: write(question()), blocks: [] }
        onDeliver({ _tag: "Deliver", cellClass: 0, payload })
      }
      for (let n = 0; n < OPEN_QUESTIONS + 10; n++) ask(n)
      assert.strictEqual(b.got.length, OPEN_QUESTIONS)
      yield* settle
      assert.strictEqual(sizeOf(b, "questions without an answer"), OPEN_QUESTIONS)
      yield* pass(661)
      assert.strictEqual(sizeOf(b, "questions without an answer"), 0)
      ask(OPEN_QUESTIONS)
      assert.strictEqual(b.got.length, OPEN_QUESTIONS + 1)
    })
  )

  onions(
    "opens an answer once, however often it comes",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      const receiver = receiverOf(world, a)
      let replied = 0
      world.members.get(a.contact.key)!.receiver = {
        ...receiver,
        onReply: (reply) => {
          replied++
          receiver.onReply(reply)
          receiver.onReply(reply)
        }
      }
      yield* b.listen(answering(100))
      yield* a.onion.request(b.contact, question())
      const last = world.carried.at(-1)!
      world.carry(last.from, { to: { nodeId: a.contact.nodeId }, cell: last.cell })
      assert.deepStrictEqual([replied, world.dropped], [1, ["replayed"]])
      assert.deepStrictEqual([a.told.succeeded, a.told.failed], [2, []])
    })
  )

  onions(
    "keeps no more unfinished envelopes than its limit, and forgets them in time",
    Effect.gen(function* () {
      const { b, world } = yield* pair
      const receiver = receiverOf(world, b)
      for (let n = 0; n < 2 * UNFINISHED_LIMIT; n++) {
        const messageId = new Uint8Array(16).fill(1) as never
        new DataView((messageId as Uint8Array).buffer).setUint32(0, n)
        const piece = new Uint8Array(10)
        receiver.onDeliver({
          _tag: "Deliver",
          cellClass: 0,
          payload: { messageId, part: 0, parts: 2, piece, blocks: [] }
        })
      }
      assert.strictEqual(sizeOf(b, "onion envelopes with missing parts"), UNFINISHED_LIMIT)
      yield* pass(661)
      assert.strictEqual(sizeOf(b, "onion envelopes with missing parts"), 0)
    })
  )

  onions(
    "hands an MLS message to the peer that a cell names, and reports its ACK by the first block",
    Effect.gen(function* () {
      const { a, b, world } = yield* pair
      const handed: Array<[Uint8Array, InnerEnvelopeFields]> = []
      let refuses = true
      yield* b.onion.onHand((_, messageId, it) =>
        Effect.suspend(() => {
          handed.push([messageId, it])
          return refuses ? Effect.fail("no ACK") : Effect.void
        })
      )
      // What a node sends is for its recipient; this is the same cell with the other flag.
      const deliver = receiverOf(world, b)
      const next = { nodeId: a.contact.nodeId }
      world.members.get(b.contact.key)!.receiver = {
        ...deliver,
        onDeliver: ({ cellClass, payload }) =>
          deliver.onHand({ _tag: "Hand", next, cellClass, payload, envelope: { ...envelope(30), type: "WELCOME" } })
      }
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, { ...envelope(30), type: "WELCOME" }))
      yield* pass(1)
      assert.isUndefined(sending.pollUnsafe())
      refuses = false
      yield* pass(6)
      yield* Fiber.join(sending)
      assert.strictEqual(handed.length, 2)
      assert.deepStrictEqual(handed[0]?.[0], handed[1]?.[0])
      assert.deepStrictEqual(handed[1]?.[1].body, envelope(30).body)
      assert.deepStrictEqual(
        b.reached.map(({ nodeId }) => keyOf(nodeId)),
        [a.contact.key, a.contact.key]
      )
    })
  )

  onions(
    "sends loops of cells where the policy asks for cover, and hands none of them to anybody",
    Effect.gen(function* () {
      const world = yield* overlay(5)
      const a = yield* join(world, "a", { mixing: { cover: 30 } })
      const hidden = yield* join(world, "b", { mixing: { cover: 30 }, listens: false })
      for (const node of [a, hidden]) yield* node.listen()
      yield* pass(60)
      for (const { contact, got } of [a, hidden]) {
        const [out, home] = [
          world.carried.filter(({ from }) => from === contact.key),
          world.carried.filter(({ to }) => to === contact.key)
        ]
        assert.isTrue(out.length > 15 && out.length < 50, `${out.length} loops`)
        assert.strictEqual(home.length, out.length)
        assert.strictEqual(got.length, 0)
      }
      assert.deepStrictEqual(classesOf(world), [0])
    })
  )

  onions(
    "asks hops to hold cells where the policy says so, and waits for so much longer",
    Effect.gen(function* () {
      const world = yield* overlay(7)
      const a = yield* join(world, "a", { mixing: { hopDelay: 2_000 } })
      const b = yield* join(world, "b")
      world.isLost = () => true
      const sending = yield* Effect.forkChild(a.onion.send(b.contact, envelope(10)))
      yield* pass(5)
      assert.strictEqual(world.carried.length, 1)
      yield* pass(60)
      assert.isTrue(world.carried.length > 1 && world.carried.length < 10, `${world.carried.length} tries`)
      yield* Fiber.interrupt(sending)
    })
  )

  onions(
    "sleeps only while something is under way or is to be forgotten",
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let sleeps = 0
      const counting: Clock.Clock = Object.assign(Object.create(clock), {
        sleep: (duration: Duration.Duration) => {
          sleeps++
          return clock.sleep(duration)
        }
      })
      const body = Effect.gen(function* () {
        const { a, b } = yield* pair
        yield* b.listen(answering(10))
        yield* pass(10)
        assert.strictEqual(sleeps, 0)
        yield* a.onion.request(b.contact, question())
        yield* pass(900)
        assert.isAbove(sleeps, 5)
        sleeps = 0
        yield* pass(10)
        assert.strictEqual(sleeps, 0)
      })
      yield* Effect.provideService(body, Clock.Clock, counting)
    })
  )
})
