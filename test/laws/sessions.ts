/** What every session layer promises (services/session/SessionManager.ts), whatever its handshake. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, PubSub, type Scope } from "effect"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { FrameType, INNER_LIMIT } from "#schemas/session/Frame"
import { SEND_QUEUE } from "#services/session/Limits"
import type { Session, SessionEvent } from "#services/session/SessionManager"
import { dial, listen, receive } from "./connections.ts"
import {
  at,
  inbox,
  makeWorld,
  pass,
  type SessionsLayer,
  settle,
  startNode,
  type TestNode,
  type World
} from "./sessionWorld.ts"

const marks = (got: ReadonlyArray<Uint8Array>) => got.map((payload) => [payload.length, payload[0]])

const closeReason = (session: Session) => Effect.forkChild(session.closed)

/** Two nodes and the session between them, from both sides. */
const couple = Effect.fnUntraced(function* (world: World, open = false) {
  const a = yield* startNode(world, { seed: "a", at: "/memory/1", open })
  const b = yield* startNode(world, { seed: "b", at: "/memory/2", open })
  const near = yield* a.manager.connect(b.target)
  yield* settle
  const far = b.manager.find(a.key)
  assert.isDefined(far)
  return { a, b, near, far: far as Session }
})

export const sessionLaws = (sessions: SessionsLayer): void => {
  const law = (
    name: string,
    body: (world: World) => Effect.Effect<void, unknown, Scope.Scope | MemoryTransport.MemoryHub>
  ) => it.effect(name, () => Effect.scoped(body(makeWorld(sessions))).pipe(Effect.provide(MemoryTransport.hub)))

  describe("opening", () => {
    law("both ends know each other, and say where they listen", (world) =>
      Effect.gen(function* () {
        const { a, b, far, near } = yield* couple(world)
        assert.strictEqual(near.contact.key, b.key)
        assert.strictEqual(far.contact.key, a.key)
        assert.deepStrictEqual([near.dialled, far.dialled], [true, false])
        assert.strictEqual(far.contact.addresses[0]?.text, "/memory/1")
        assert.match(String(a.manager.listening()[0]), /^\/memory\/1\/p2p\/Qm/)
        assert.deepStrictEqual(a.manager.stats(), { open: 1, halfOpen: 0, bans: 0 })
        assert.deepStrictEqual(b.manager.stats(), { open: 1, halfOpen: 0, bans: 0 })
      })
    )

    law("both ends know what the other says of itself, and where it sees this one", (world) =>
      Effect.gen(function* () {
        const a = yield* startNode(world, { seed: "a", agent: "first/1" })
        const b = yield* startNode(world, { seed: "b", at: "/memory/2", agent: "second/2" })
        b.manager.setServing(true)
        const near = yield* a.manager.connect(b.target)
        yield* settle
        const far = b.manager.find(a.key)
        assert.include(near.hello, { minor: 0, agent: "second/2", mode: "server" })
        assert.include(far?.hello, { minor: 0, agent: "first/1", mode: "client" })
        assert.deepStrictEqual(near.hello.observed, far?.address.bytes)
        assert.deepStrictEqual(far?.hello.observed, near.address.bytes)
      })
    )

    law(
      "a record that was signed anew, because the node serves or no longer does, is what the next session shows",
      (world) =>
        Effect.gen(function* () {
          const { a, b, far } = yield* couple(world)
          const before = a.manager.self()
          a.manager.setServing(true)
          assert.isAbove(a.manager.self().record.seq, before.record.seq)
          assert.strictEqual(a.manager.self().record.capabilities & DHT_SERVER, DHT_SERVER)
          assert.strictEqual(far.contact.record.capabilities & DHT_SERVER, 0)
          yield* far.close("leaving")
          yield* settle
          yield* a.manager.connect(b.target)
          yield* settle
          assert.strictEqual(b.manager.find(a.key)?.contact.record.seq, a.manager.self().record.seq)
        })
    )

    law("who connects to one peer at the same time shares one session", (world) =>
      Effect.gen(function* () {
        const a = yield* startNode(world, { seed: "a" })
        const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
        const got = yield* Effect.all(
          [1, 2, 3].map(() => a.manager.connect(b.target)),
          { concurrency: 3 }
        )
        assert.strictEqual(new Set(got).size, 1)
        assert.strictEqual(yield* a.manager.connect(b.target), got[0])
      })
    )

    law("handlers hear of an opening before the first frame, and of the end after the last", (world) =>
      Effect.gen(function* () {
        const a = yield* startNode(world, { seed: "a" })
        const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
        const heard: Array<string> = []
        yield* a.manager.onOpen((session) => void session.offer(FrameType.GOSSIP, new Uint8Array(1)))
        yield* b.manager.onOpen(() => void heard.push("open"))
        yield* b.manager.onFrame(FrameType.GOSSIP, () => heard.push("frame") > 0)
        yield* b.manager.onClose((_, reason) => void heard.push(reason))
        const session = yield* a.manager.connect(b.target)
        yield* settle
        yield* session.close("leaving")
        yield* settle
        assert.deepStrictEqual(heard, ["open", "frame", "goodbye"])
      })
    )

    law("another peer than the expected one, oneself, and nobody are refused with layer and reason", (world) =>
      Effect.gen(function* () {
        const { a, b } = yield* couple(world)
        const c = yield* startNode(world, { seed: "c" })
        const why = (from: TestNode, nodeId: TestNode["nodeId"], address: string) =>
          Effect.map(Effect.flip(from.manager.connect({ nodeId, addresses: [at(address)], trusted: true })), (it) => [
            it.layer,
            it.reason
          ])
        assert.deepStrictEqual(yield* why(c, a.nodeId, "/memory/2"), ["handshake", "wrong peer"])
        assert.deepStrictEqual(yield* why(c, c.nodeId, "/memory/2"), ["address", "own node"])
        assert.deepStrictEqual(yield* why(c, b.nodeId, "/memory/99"), ["transport", "refused"])
        yield* settle
        assert.strictEqual(b.manager.stats().open, 1)
        assert.strictEqual(b.manager.stats().halfOpen, 0)
      })
    )

    law("a node of another network does not get in", (world) =>
      Effect.gen(function* () {
        const a = yield* startNode(world, { seed: "a", network: "elsewhere" })
        const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
        const failure = yield* Effect.flip(a.manager.connect(b.target))
        assert.strictEqual(failure.layer === "handshake" || failure.layer === "transport", true)
        yield* settle
        assert.deepStrictEqual(b.manager.stats(), { open: 0, halfOpen: 0, bans: 0 })
      })
    )

    law("a peer that failed is left alone until its back-off has passed, and longer each time", (world) =>
      Effect.gen(function* () {
        const a = yield* startNode(world, { seed: "a" })
        const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
        yield* b.stop
        const reason = Effect.map(Effect.flip(a.manager.connect(b.target)), (it) => it.reason)
        assert.strictEqual(yield* reason, "refused")
        assert.strictEqual(yield* reason, "failed a moment ago")
        yield* pass(2)
        assert.strictEqual(yield* reason, "refused")
        yield* pass(1)
        assert.strictEqual(yield* reason, "failed a moment ago")
        yield* startNode(world, { seed: "b", at: "/memory/2" })
        yield* pass(3)
        assert.isTrue((yield* a.manager.connect(b.target)).isOpen())
      })
    )

    law("an address that a stranger named keeps nobody from reaching the peer where it is", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* startNode(world, { seed: "a" }), yield* startNode(world, { seed: "b", at: "/memory/2" })]
        const told = (text: string) => ({ nodeId: b.nodeId, addresses: [at(text)], hearsay: true })
        const reason = (text: string) => Effect.map(Effect.flip(a.manager.connect(told(text))), (it) => it.reason)
        assert.strictEqual(yield* reason("/memory/98"), "refused")
        assert.strictEqual(yield* reason("/memory/98"), "failed a moment ago")
        assert.strictEqual(yield* reason("/memory/99"), "refused")
        yield* listen(yield* MemoryTransport.make, at("/memory/3"), () => Effect.never)
        const waiting = yield* Effect.forkChild(a.manager.connect(told("/memory/3")))
        yield* settle
        const session = yield* a.manager.connect(b.target)
        assert.isTrue(session.isOpen())
        assert.strictEqual(yield* Fiber.join(waiting), session)
      })
    )

    law("a dial at a stranger's word ends with whoever wanted it, another goes on", (world) =>
      Effect.gen(function* () {
        const [a, b] = [yield* startNode(world, { seed: "a" }), yield* startNode(world, { seed: "b" })]
        let [opened, ended] = [0, 0]
        const silent = Effect.sync(() => opened++).pipe(
          Effect.andThen(Effect.never),
          Effect.ensuring(Effect.sync(() => ended++))
        )
        const memory = yield* MemoryTransport.make
        yield* listen(memory, at("/memory/3"), (connection) =>
          Effect.raceFirst(silent, Effect.ignore(Effect.forever(receive(connection))))
        )
        const give = Effect.fnUntraced(function* (hearsay: boolean) {
          const target = { nodeId: b.nodeId, addresses: [at("/memory/3")], trusted: true, hearsay }
          const fiber = yield* Effect.forkChild(a.manager.connect(target))
          yield* settle
          yield* Fiber.interrupt(fiber)
          yield* settle
        })
        yield* give(true)
        yield* give(false)
        assert.deepStrictEqual([opened, ended], [2, 1])
      })
    )

    law("a connection that says nothing is closed at the deadline, and garbage at once", (world) =>
      Effect.gen(function* () {
        const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
        const memory = yield* MemoryTransport.make
        const silent = yield* dial(memory, at("/memory/2"))
        const garbage = yield* dial(memory, at("/memory/2"))
        yield* settle
        assert.strictEqual(b.manager.stats().halfOpen, 2)
        garbage.write([new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")])
        yield* settle
        assert.strictEqual(b.manager.stats().halfOpen, 1)
        yield* pass(9)
        assert.strictEqual(b.manager.stats().halfOpen, 1)
        yield* pass(2)
        assert.strictEqual(b.manager.stats().halfOpen, 0)
        assert.strictEqual((yield* Effect.flip(Effect.forever(receive(silent)))).reason, "reset")
      })
    )
  })

  describe("carrying", () => {
    law("frames of all sizes arrive in order, both ways", (world) =>
      Effect.gen(function* () {
        const { a, b, far, near } = yield* couple(world)
        const [atA, atB] = [yield* inbox(a, FrameType.RPC_RES), yield* inbox(b, FrameType.RPC_REQ)]
        const sizes = [0, 1, 4096, 4097, INNER_LIMIT, 3, 30_000, 40_000, 9]
        for (const [i, size] of sizes.entries()) {
          assert.isTrue(near.offer(FrameType.RPC_REQ, new Uint8Array(size).fill(i)))
          assert.isTrue(far.offer(FrameType.RPC_RES, new Uint8Array(size).fill(i)))
        }
        yield* settle
        const expected = sizes.map((size, i) => [size, size === 0 ? undefined : i])
        assert.deepStrictEqual(marks(atB), expected)
        assert.deepStrictEqual(marks(atA), expected)
      })
    )

    law("what is offered in one tick leaves as one message", (world) =>
      Effect.gen(function* () {
        const { b, near } = yield* couple(world)
        const got = yield* inbox(b, FrameType.GOSSIP)
        const before = world.written
        for (let i = 0; i < 100; i++) near.offer(FrameType.GOSSIP, new Uint8Array(64))
        yield* settle
        assert.strictEqual(got.length, 100)
        assert.strictEqual(world.written - before, 1)
      })
    )

    law("offer refuses when the queue is full; send waits, and everything arrives", (world) =>
      Effect.gen(function* () {
        const { b, near } = yield* couple(world)
        const got = yield* inbox(b, FrameType.DHT_RES)
        let taken = 0
        while (near.offer(FrameType.DHT_RES, new Uint8Array(60_000).fill(taken))) taken++
        assert.isAtMost(taken * 60_000, SEND_QUEUE)
        assert.isFalse(near.offer(FrameType.DHT_RES, new Uint8Array(INNER_LIMIT + 1)))
        const rest = Array.from({ length: 100 }, (_, i) =>
          near.send(FrameType.DHT_RES, new Uint8Array(60_000).fill(taken + i))
        )
        yield* Effect.all(rest)
        yield* settle
        assert.deepStrictEqual(
          marks(got),
          got.map((_, i) => [60_000, i % 256])
        )
        assert.strictEqual(got.length, taken + 100)
      })
    )

    law("a frame changed on its way ends the session, and the node goes on", (world) =>
      Effect.gen(function* () {
        const { b, far, near } = yield* couple(world)
        const reason = yield* closeReason(far)
        world.tamper = (message) => Uint8Array.from(message, (byte, i) => (i === message.length - 1 ? byte ^ 1 : byte))
        near.offer(FrameType.GOSSIP, new Uint8Array(9))
        yield* settle
        world.tamper = undefined
        assert.strictEqual(yield* Fiber.join(reason), "bad mac")
        assert.strictEqual(b.manager.stats().open, 0)
      })
    )

    law("an unsealed frame ends the session", (world) =>
      Effect.gen(function* () {
        const { far, near } = yield* couple(world)
        const reason = yield* closeReason(far)
        world.tamper = () => Uint8Array.of(1, 4, 0, 0, 0, 0, 0, 0)
        near.offer(FrameType.GOSSIP, new Uint8Array(9))
        yield* settle
        world.tamper = undefined
        assert.strictEqual(yield* Fiber.join(reason), "unsealed frame")
      })
    )

    law("a type that nobody handles is skipped", (world) =>
      Effect.gen(function* () {
        const { b, near } = yield* couple(world)
        const got = yield* inbox(b, FrameType.GOSSIP)
        near.offer(FrameType.RELAY, new Uint8Array(9))
        near.offer(FrameType.GOSSIP, new Uint8Array(2))
        yield* settle
        assert.strictEqual(got.length, 1)
        assert.isTrue(near.isOpen())
      })
    )
  })

  describe("ending", () => {
    law("close says goodbye after what was offered, and sending fails from then on", (world) =>
      Effect.gen(function* () {
        const { b, far, near } = yield* couple(world)
        const got = yield* inbox(b, FrameType.GOSSIP)
        const reason = yield* closeReason(far)
        near.offer(FrameType.GOSSIP, new Uint8Array(5))
        yield* near.close("leaving")
        assert.isFalse(near.isOpen())
        assert.isFalse(near.offer(FrameType.GOSSIP, new Uint8Array(5)))
        assert.strictEqual((yield* Effect.flip(near.send(FrameType.GOSSIP, new Uint8Array(5)))).reason, "closed here")
        assert.strictEqual(yield* Fiber.join(reason), "goodbye")
        assert.strictEqual(got.length, 1)
      })
    )

    law("a stopping node says goodbye to everyone", (world) =>
      Effect.gen(function* () {
        const { b, near } = yield* couple(world)
        const reason = yield* closeReason(near)
        yield* b.stop
        assert.strictEqual(yield* Fiber.join(reason), "goodbye")
      })
    )

    law("a session that was silent is asked three times, then it is dead; one that answers lives", (world) =>
      Effect.gen(function* () {
        const { b, far, near } = yield* couple(world)
        yield* pass(100)
        assert.isTrue(near.isOpen() && far.isOpen(), "heartbeats keep it")
        world.cut = true
        const reason = yield* closeReason(near)
        yield* pass(45)
        assert.isTrue(near.isOpen())
        yield* pass(31)
        assert.strictEqual(yield* Fiber.join(reason), "silent")
        assert.strictEqual(b.manager.stats().open, 0)
      })
    )

    law("a busy session sends no heartbeat", (world) =>
      Effect.gen(function* () {
        const { b, near, far } = yield* couple(world)
        yield* inbox(b, FrameType.GOSSIP)
        const before = world.written
        for (let turn = 0; turn < 6; turn++) {
          near.offer(FrameType.GOSSIP, new Uint8Array(1))
          far.offer(FrameType.GOSSIP, new Uint8Array(1))
          yield* pass(10)
        }
        assert.strictEqual(world.written - before, 12)
      })
    )

    law("an idle session is given up, unless the peer is of use", (world) =>
      Effect.gen(function* () {
        const { a, b, near } = yield* couple(world)
        let isUseful = true
        a.manager.keepIf(() => isUseful)
        b.manager.keepIf(() => true)
        // One who says yes is enough.
        for (const { manager } of [a, b]) manager.keepIf(() => false)
        yield* pass(310)
        assert.isTrue(near.isOpen())
        const reason = yield* closeReason(near)
        isUseful = false
        yield* pass(1)
        assert.strictEqual(yield* Fiber.join(reason), "idle")
      })
    )

    law("above the limit the least useful session goes, never the newcomer", (world) =>
      Effect.gen(function* () {
        const hub = yield* startNode(world, { seed: "hub", at: "/memory/7", sessionsMax: 2 })
        const [a, b, c] = [
          yield* startNode(world, { seed: "a" }),
          yield* startNode(world, { seed: "b" }),
          yield* startNode(world, { seed: "c" })
        ]
        hub.manager.keepIf((contact) => contact.key === a.key)
        for (const node of [a, b, c]) {
          yield* node.manager.connect(hub.target)
          yield* pass(4)
        }
        assert.deepStrictEqual(
          [a, b, c].map((node) => hub.manager.find(node.key) !== undefined),
          [true, false, true]
        )
      })
    )

    law("above the limit a session in use stays, and an idle one of a useful peer goes", (world) =>
      Effect.gen(function* () {
        const hub = yield* startNode(world, { seed: "hub", at: "/memory/7", sessionsMax: 2 })
        const [a, b, c] = [
          yield* startNode(world, { seed: "a" }),
          yield* startNode(world, { seed: "b" }),
          yield* startNode(world, { seed: "c" })
        ]
        hub.manager.keepIf((contact) => contact.key === a.key)
        yield* a.manager.connect(hub.target)
        yield* pass(4)
        for (const node of [b, c]) {
          yield* node.manager.connect(hub.target)
          yield* pass(1)
        }
        assert.deepStrictEqual(
          [a, b, c].map((node) => hub.manager.find(node.key) !== undefined),
          [false, true, true]
        )
      })
    )
  })

  describe("second sessions", () => {
    law("when both dial at once, both ends use the same one, and the other ends within ten seconds", (world) =>
      Effect.gen(function* () {
        const a = yield* startNode(world, { seed: "a", at: "/memory/1" })
        const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
        yield* Effect.all([a.manager.connect(b.target), b.manager.connect(a.target)], { concurrency: 2 })
        yield* settle
        const [atA, atB] = [a.manager.find(b.key), b.manager.find(a.key)]
        assert.isTrue(atA?.takesRequests() && atB?.takesRequests())
        assert.notStrictEqual(atA?.dialled, atB?.dialled)
        assert.strictEqual(a.manager.stats().open, 2)
        yield* pass(11)
        assert.deepStrictEqual([a.manager.stats().open, b.manager.stats().open], [1, 1])
        assert.strictEqual(a.manager.find(b.key), atA)
      })
    )

    law("a peer that started again replaces its old session at once", (world) =>
      Effect.gen(function* () {
        const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
        const first = yield* startNode(world, { seed: "a first", keys: "a" })
        yield* first.manager.connect(b.target)
        yield* settle
        const old = b.manager.find(first.key)
        assert.isDefined(old)
        const again = yield* startNode(world, { seed: "a second", keys: "a" })
        assert.strictEqual(again.key, first.key)
        yield* again.manager.connect(b.target)
        yield* settle
        assert.isFalse(old?.isOpen())
        assert.strictEqual(yield* (old as Session).closed, "replaced")
        assert.isTrue(b.manager.find(first.key)?.isOpen())
      })
    )
  })

  describe("misbehaving", () => {
    law("what a handler calls malformed is charged, and at the bottom the peer is banned for a time", (world) =>
      Effect.gen(function* () {
        const { a, b, far, near } = yield* couple(world)
        yield* b.manager.onFrame(FrameType.DHT_REQ, () => false)
        const reason = yield* closeReason(far)
        for (let i = 0; i < 4; i++) near.offer(FrameType.DHT_REQ, new Uint8Array(1))
        yield* settle
        assert.strictEqual(yield* Fiber.join(reason), "banned")
        assert.strictEqual(b.manager.stats().bans, 1)
        yield* pass(1)
        assert.strictEqual((yield* Effect.flip(b.manager.connect(a.target))).reason, "banned")
        yield* a.manager.connect(b.target).pipe(Effect.ignore)
        yield* settle
        assert.strictEqual(b.manager.stats().open, 0, "the banned one may dial, and is not let in")
        yield* pass(30 * 60)
        assert.strictEqual(b.manager.stats().bans, 0)
        assert.isTrue((yield* b.manager.connect(a.target)).isOpen())
      })
    )

    law("in an open network a flood of frames ends the session", (world) =>
      Effect.gen(function* () {
        const { b, far, near } = yield* couple(world, true)
        const got = yield* inbox(b, FrameType.GOSSIP)
        const reason = yield* closeReason(far)
        for (let i = 0; i < 30 && near.isOpen(); i++) {
          for (let j = 0; j < 10_000; j++) near.offer(FrameType.GOSSIP, new Uint8Array(1))
          yield* settle
        }
        assert.strictEqual(yield* Fiber.join(reason), "flooding")
        assert.isBelow(got.length, 260_000)
      })
    )
  })

  law("events tell of openings and ends", (world) =>
    Effect.gen(function* () {
      const a = yield* startNode(world, { seed: "a" })
      const b = yield* startNode(world, { seed: "b", at: "/memory/2" })
      const subscription = yield* PubSub.subscribe(b.manager.events)
      const session = yield* a.manager.connect(b.target)
      yield* settle
      yield* session.close("leaving")
      yield* settle
      const events: ReadonlyArray<SessionEvent> = yield* PubSub.takeAll(subscription)
      assert.deepStrictEqual(
        events.map((event) => (event._tag === "Closed" ? event.reason : event._tag)),
        ["Opened", "goodbye"]
      )
    })
  )
}
