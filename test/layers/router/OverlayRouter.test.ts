import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Queue, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { utf8 } from "#schemas/bytes/bytes"
import { InnerEnvelope, MessageId, writeEnvelope } from "#schemas/router/InnerEnvelope"
import { FrameType, INNER_LIMIT } from "#schemas/session/Frame"
import { INCOMING_QUEUE } from "#services/router/Limits"
import { RouterHandle } from "#services/router/RouterHandle"
import type { Session } from "#services/session/SessionManager"
import { inbox, makeWorld, pass, type SessionsLayer, settle, startNode } from "../../laws/sessionWorld.ts"
import { directOnly } from "./directOnly.ts"

const world = makeWorld(NoiseSessions.layer as SessionsLayer)

const peer = Effect.fnUntraced(function* (seed: string, at?: string) {
  const node = yield* startNode(world, { seed, ...(at === undefined ? {} : { at }) })
  const services = yield* Layer.build(directOnly.pipe(Layer.provide(Layer.succeedContext(node.services))))
  return { ...node, router: Context.get(services, RouterHandle) }
})

const pair = Effect.gen(function* () {
  world.cut = false
  return { a: yield* peer("a"), b: yield* peer("b", "/memory/2") }
})

const inNetwork = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope | MemoryTransport.MemoryHub>) =>
  it.effect(name, () => Effect.scoped(body).pipe(Effect.provide(MemoryTransport.hub)))

const snapshot = (text: string) => new InnerEnvelope({ type: "SNAPSHOT", body: utf8(text) })

describe("OverlayRouter", () => {
  inNetwork(
    "delivers an envelope to every subscriber of its type, and says so to the sender",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const [one, two] = [yield* b.router.incoming("SNAPSHOT"), yield* b.router.incoming("SNAPSHOT")]
      const other = yield* b.router.incoming("WELCOME")
      yield* a.router.send(b.target, snapshot("x"), { privacy: "direct" })
      for (const queue of [one, two]) {
        const { envelope, from } = yield* Queue.take(queue)
        assert.deepStrictEqual(envelope.body, utf8("x"))
        assert.strictEqual(from?.key, a.key)
      }
      assert.strictEqual(Queue.sizeUnsafe(other), 0)
    })
  )

  inNetwork(
    "refuses the anonymous path instead of taking another",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const refused = yield* Effect.flip(a.router.send(b.target, snapshot("x"), { privacy: "anonymous" }))
      assert.strictEqual(refused._tag, "NoRoute")
      assert.isUndefined(a.manager.find(b.key))
    })
  )

  inNetwork(
    "sends again until the ACK comes, and the recipient delivers once",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const queue = yield* b.router.incoming("SNAPSHOT")
      const session = yield* a.manager.connect(b.target)
      yield* settle
      // Twice the same message id, as when only the ACK was lost.
      const messageId = MessageId.make(new Uint8Array(16).fill(7))
      const payload = writeEnvelope({ messageId, envelope: snapshot("once") })
      session.offer(FrameType.ENVELOPE, payload)
      session.offer(FrameType.ENVELOPE, payload)
      yield* settle
      assert.strictEqual(Queue.sizeUnsafe(queue), 1)

      world.cut = true
      const sending = yield* Effect.forkChild(a.router.sendDirect(b.target, snapshot("later")))
      yield* settle
      world.cut = false
      yield* TestClock.adjust("7 seconds")
      yield* settle
      yield* Fiber.join(sending)
      assert.strictEqual(Queue.sizeUnsafe(queue), 2)
    })
  )

  inNetwork(
    "gives up after five tries to a peer that nobody listens on, naming how many",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const sending = yield* Effect.forkChild(Effect.flip(a.router.sendDirect(b.target, snapshot("x"))))
      for (let second = 0; second < 60; second++) {
        yield* TestClock.adjust("1 second")
        yield* settle
      }
      assert.include(yield* Fiber.join(sending), { _tag: "Unacknowledged", tries: 5 })
    })
  )

  inNetwork(
    "holds no more than its queue for a slow subscriber, and acknowledges only what it holds",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const queue = yield* b.router.incoming("SNAPSHOT")
      const sending = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: INCOMING_QUEUE + 5 }, (_, at) => a.router.sendDirect(b.target, snapshot(`${at}`))),
          { concurrency: INCOMING_QUEUE + 5 }
        )
      )
      yield* settle
      assert.strictEqual(Queue.sizeUnsafe(queue), INCOMING_QUEUE)
      yield* Queue.takeAll(queue)
      yield* TestClock.adjust("7 seconds")
      yield* settle
      yield* Fiber.join(sending)
      assert.strictEqual(Queue.sizeUnsafe(queue), 5)
    })
  )

  inNetwork(
    "charges a peer for what is no envelope",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const session = yield* a.manager.connect(b.target)
      yield* settle
      for (let round = 0; round < 4; round++) session.offer(FrameType.ENVELOPE, new Uint8Array(17))
      yield* settle
      assert.isFalse(session.isOpen())
    })
  )

  inNetwork(
    "asks again by a new session when the old one ended, and gets the answer that was given",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const queue = yield* b.router.incoming("RPC")
      const ask = a.router.ask(b.target, { type: "RPC", body: Uint8Array.of(0, 5) }, { privacy: "direct" })
      const asking = yield* Effect.forkChild(ask)
      yield* settle
      const { reply } = yield* Queue.take(queue)
      // Acknowledged; the answer goes out and never arrives.
      world.cut = true
      yield* reply({ type: "RPC", body: Uint8Array.of(1, 6) })
      yield* settle
      world.cut = false
      yield* a.manager.find(b.key)!.close("leaving")
      yield* b.manager.find(a.key)!.close("leaving")
      yield* pass(8)
      assert.deepStrictEqual((yield* Fiber.join(asking)).body, Uint8Array.of(1, 6))
      assert.strictEqual(Queue.sizeUnsafe(queue), 0)
    })
  )

  inNetwork(
    "says that a question is there and not answered, and drops the answer that comes too late",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const [queue, own] = [yield* b.router.incoming("RPC"), yield* a.router.incoming("RPC")]
      const ask = a.router.ask(b.target, { type: "RPC", body: Uint8Array.of(0) }, { privacy: "direct" })
      const asking = yield* Effect.forkChild(Effect.flip(ask))
      yield* settle
      yield* pass(31)
      assert.include(yield* Fiber.join(asking), { _tag: "Unanswered", seconds: 30 })
      const { reply } = yield* Queue.take(queue)
      yield* reply({ type: "RPC", body: Uint8Array.of(1) })
      yield* settle
      assert.strictEqual(Queue.sizeUnsafe(own), 0)
      assert.isTrue(a.manager.find(b.key)?.isOpen())
    })
  )

  inNetwork(
    "takes an ACK and an answer from whom it asked only",
    Effect.gen(function* () {
      world.cut = false
      const a = yield* peer("a", "/memory/1")
      const [b, c] = [
        yield* startNode(world, { seed: "b", at: "/memory/2" }),
        yield* startNode(world, { seed: "c", at: "/memory/3" })
      ]
      const heard = yield* inbox(b, FrameType.ENVELOPE)
      const own = yield* a.router.incoming("RPC")
      const asking = yield* Effect.forkChild(
        a.router.ask(b.target, { type: "RPC", body: Uint8Array.of(0) }, { privacy: "direct" })
      )
      yield* settle
      const messageId = MessageId.make(heard[0]!.slice(0, 16))
      const say = (session: Session, type: "ACK" | "RPC", body: Uint8Array) => {
        session.offer(FrameType.ENVELOPE, writeEnvelope({ messageId, envelope: { type, body } }))
        return settle
      }
      const other = yield* c.manager.connect(a.target)
      yield* say(other, "ACK", messageId)
      yield* say(other, "RPC", Uint8Array.of(1, 9))
      yield* pass(6)
      assert.strictEqual(heard.length, 2, "sent again, as nobody acknowledged it")
      yield* say(b.manager.find(a.key)!, "RPC", Uint8Array.of(1, 2))
      assert.deepStrictEqual((yield* Fiber.join(asking)).body, Uint8Array.of(1, 2))
      assert.strictEqual(Queue.sizeUnsafe(own), 0)
    })
  )

  inNetwork(
    "sends no envelope that a frame cannot carry, and says how much one can",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const queue = yield* b.router.incoming("SNAPSHOT")
      const limit = INNER_LIMIT - 16
      const of = (length: number) => new InnerEnvelope({ type: "SNAPSHOT", body: new Uint8Array(length - 2) })
      yield* a.router.sendDirect(b.target, of(limit))
      assert.strictEqual((yield* Queue.take(queue)).room, limit)
      const refused = yield* Effect.flip(a.router.sendDirect(b.target, of(limit + 1)))
      assert.include(refused, { _tag: "EnvelopeTooLarge", bytes: limit + 1, limit })
    })
  )
})
