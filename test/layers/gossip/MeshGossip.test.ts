import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Layer, Queue, Random, Schedule, Scope } from "effect"
import { DEGREE_LOW } from "#core/gossip/tending"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { DATA_LIMIT } from "#schemas/gossip/GossipMessage"
import type { Verdict } from "#services/gossip/Gossip"
import { SUBSCRIBER_QUEUE } from "#services/gossip/Limits"
import { HeartbeatPace } from "#services/gossip/Schedules"
import { Crypto } from "#services/identity/Crypto"
import { pass, settle } from "../../laws/sessionWorld.ts"
import { always, assertBounded, connected, gossiper, signed, stranger, taken, topicOf } from "./gossiping.ts"

const inNetwork = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope | MemoryTransport.MemoryHub>) =>
  it.effect(name, () => Effect.scoped(body).pipe(Effect.provide(MemoryTransport.hub), Random.withSeed(name)))

const topic = topicOf(1)
const bytes = (...all: ReadonlyArray<number>) => Uint8Array.from(all)

/** Three in a row: the outer two do not know each other. */
const row = Effect.gen(function* () {
  const [a, b, c] = [yield* gossiper("a"), yield* gossiper("b"), yield* gossiper("c")]
  yield* connected([a, b], [b, c])
  return { a, b, c }
})

describe("MeshGossip", () => {
  inNetwork(
    "a message reaches subscribers beyond the neighbours, once, and says who wrote and who brought it",
    Effect.gen(function* () {
      const { a, b, c } = yield* row
      const queues = []
      for (const node of [a, b, c]) queues.push(yield* node.gossip.join(topic, always("accept")))
      yield* settle
      const { id, neighbours } = yield* a.gossip.publish(topic, bytes(7))
      yield* settle
      assert.strictEqual(neighbours, 1)
      const got = yield* Queue.clear(queues[2]!)
      assert.deepStrictEqual(
        got.map((it) => [it.id, it.data, it.author, it.from.key, it.issued]),
        [[id, bytes(7), a.manager.self().publicKey, b.key, yield* Clock.currentTimeMillis]]
      )
      assert.deepStrictEqual([yield* taken(queues[0]!), yield* taken(queues[1]!)], [[], [7]])
      yield* pass(5)
      assert.deepStrictEqual(yield* taken(queues[2]!), [])
      assert.include(b.gossip.stats(), { accepted: 1, topics: 1, neighbours: 2, members: 2 })
    })
  )

  inNetwork(
    "what comes on several ways is delivered once, and every message of one author in its own right",
    Effect.gen(function* () {
      const nodes = []
      for (const seed of ["a", "b", "c", "d"]) nodes.push(yield* gossiper(seed))
      for (const from of nodes) for (const to of nodes) if (from.key < to.key) yield* connected([from, to])
      const queues = []
      for (const node of nodes) queues.push(yield* node.gossip.join(topic, always("accept")))
      yield* settle
      for (let n = 0; n < 3; n++) yield* nodes[0]!.gossip.publish(topic, bytes(7))
      yield* settle
      for (const queue of queues.slice(1)) assert.deepStrictEqual(yield* taken(queue), [7, 7, 7])
      assert.isAbove(nodes[1]!.gossip.stats().known, 0)
      for (const node of nodes) assertBounded(node)
    })
  )

  inNetwork(
    "only what the validator accepts is delivered and passed on, and what it rejects is held against the neighbour",
    Effect.gen(function* () {
      const { a, b, c } = yield* row
      yield* a.gossip.join(topic, always("accept"))
      const verdicts: Record<number, Verdict> = { 1: "accept", 2: "ignore", 3: "reject" }
      const atB = yield* b.gossip.join(topic, ({ data }) => Effect.succeed(verdicts[data[0]!] ?? "ignore"))
      const atC = yield* c.gossip.join(topic, always("accept"))
      yield* settle
      for (const n of [1, 2]) yield* a.gossip.publish(topic, bytes(n))
      yield* settle
      assert.isAtLeast(b.gossip.scoreOf(a.key), 0)
      yield* a.gossip.publish(topic, bytes(3))
      yield* settle
      assert.deepStrictEqual([yield* taken(atB), yield* taken(atC)], [[1], [1]])
      assert.isBelow(b.gossip.scoreOf(a.key), 0)
      yield* pass(2)
      assert.deepStrictEqual(
        b.gossip.peers(topic).map((peer) => [peer.contact.key, peer.inMesh]),
        [
          [a.key, false],
          [c.key, true]
        ]
      )
    })
  )

  inNetwork(
    "a validator may wait, but not for ever; one that fails is as one that ignores",
    Effect.gen(function* () {
      const { a, b, c } = yield* row
      yield* a.gossip.join(topic, always("accept"))
      const atB = yield* b.gossip.join(topic, ({ data }) => {
        if (data[0] === 3) throw new Error("a defect of the validator")
        return Effect.as(Effect.sleep(data[0] === 1 ? "2 seconds" : "6 seconds"), "accept" as const)
      })
      const atC = yield* c.gossip.join(topic, always("accept"))
      yield* settle
      for (const n of [1, 2, 3]) yield* a.gossip.publish(topic, bytes(n))
      yield* pass(1)
      assert.deepStrictEqual([yield* taken(atB), yield* taken(atC)], [[], []])
      yield* pass(8)
      assert.deepStrictEqual([yield* taken(atB), yield* taken(atC)], [[1], [1]])
      assert.isAtLeast(b.gossip.scoreOf(a.key), 0)
    })
  )

  inNetwork(
    "a topic that several have joined takes only what all of them accept",
    Effect.gen(function* () {
      const { a, b } = yield* row
      yield* a.gossip.join(topic, always("accept"))
      const one = yield* b.gossip.join(topic, always("accept"))
      const scope = yield* Scope.make()
      const other = yield* Scope.provide(
        b.gossip.join(topic, ({ data }) => Effect.succeed(data[0] === 1 ? "accept" : "ignore")),
        scope
      )
      yield* settle
      for (const n of [1, 2]) yield* a.gossip.publish(topic, bytes(n))
      yield* settle
      assert.deepStrictEqual([yield* taken(one), yield* taken(other)], [[1], [1]])
      yield* Scope.close(scope, Exit.void)
      yield* a.gossip.publish(topic, bytes(2))
      yield* settle
      assert.deepStrictEqual(yield* taken(one), [2])
    })
  )

  inNetwork(
    "who has left gets no more, and neighbours know it",
    Effect.gen(function* () {
      const { a, b } = yield* row
      yield* a.gossip.join(topic, always("accept"))
      const scope = yield* Scope.make()
      yield* Scope.provide(b.gossip.join(topic, always("accept")), scope)
      yield* settle
      assert.strictEqual(a.gossip.peers(topic).length, 1)
      yield* Scope.close(scope, Exit.void)
      yield* settle
      assert.deepStrictEqual([a.gossip.peers(topic), b.gossip.stats().topics], [[], 0])
      assert.strictEqual((yield* a.gossip.publish(topic, bytes(1))).neighbours, 0)
    })
  )

  inNetwork(
    "publishes to a topic that it has not joined, and under another key",
    Effect.gen(function* () {
      const { a, b, c } = yield* row
      const atB = yield* b.gossip.join(topic, always("accept"))
      const atC = yield* c.gossip.join(topic, always("accept"))
      yield* settle
      const author = Context.get(a.services, Crypto).signingKey(new Uint8Array(32).fill(5))
      yield* a.gossip.publish(topic, bytes(1), { author })
      yield* settle
      for (const queue of [atB, atC]) assert.deepStrictEqual((yield* Queue.take(queue)).author, author.publicKey)
      assert.strictEqual((yield* Effect.flip(a.gossip.publish(topicOf(9), bytes(1))))._tag, "NotJoined")
    })
  )

  inNetwork(
    "refuses what is too large, and more topics than neighbours would accept",
    Effect.gen(function* () {
      const { a, b } = yield* row
      const large = yield* Effect.flip(a.gossip.publish(topic, new Uint8Array(DATA_LIMIT + 1)))
      assert.include(large, { _tag: "TooLarge", limit: DATA_LIMIT })
      for (let n = 0; n < 64; n++) yield* a.gossip.join(topicOf(n), always("accept"))
      yield* a.gossip.join(topicOf(63), always("accept"))
      assert.strictEqual((yield* Effect.flip(a.gossip.join(topicOf(64), always("accept"))))._tag, "TooManyTopics")
      yield* b.gossip.join(topic, always("accept"))
      yield* settle
      assert.isAtMost(a.manager.stats().bans + b.manager.stats().bans, 0)
      assert.strictEqual((yield* a.gossip.publish(topic, new Uint8Array(DATA_LIMIT))).neighbours, 1)
      yield* settle
      assert.strictEqual(b.gossip.stats().accepted, 1)
    })
  )

  inNetwork(
    "who publishes more than its rate waits, and nothing is lost",
    Effect.gen(function* () {
      const { a, b } = yield* row
      const queue = yield* b.gossip.join(topic, always("accept"))
      yield* settle
      const publishing = Effect.forEach(Array.from({ length: 250 }), () => a.gossip.publish(topic, bytes(1)))
      yield* Effect.forkChild(publishing)
      yield* settle
      assert.strictEqual(yield* Queue.size(queue), 200)
      yield* pass(1)
      assert.strictEqual(yield* Queue.size(queue), 250)
    })
  )

  inNetwork(
    "a subscriber that does not read misses the newest, which is counted, and nobody else misses anything",
    Effect.gen(function* () {
      const { a, b, c } = yield* row
      const slow = yield* b.gossip.join(topic, always("accept"))
      const other = yield* c.gossip.join(topic, always("accept"))
      yield* settle
      let read = 0
      for (let n = 0; n < SUBSCRIBER_QUEUE + 10; n++) {
        yield* a.gossip.publish(topic, bytes(n & 255)).pipe(Effect.forkChild)
        if (n % 50 === 49) yield* pass(1)
        read += (yield* taken(other)).length
      }
      yield* pass(3)
      read += (yield* taken(other)).length
      assert.strictEqual(read, SUBSCRIBER_QUEUE + 10)
      assert.strictEqual(yield* Queue.size(slow), SUBSCRIBER_QUEUE)
      assert.strictEqual(b.gossip.stats().dropped, 10)
      assertBounded(b)
    })
  )

  inNetwork(
    "meshes come back after a session is lost, and an idle one that carries a mesh is kept",
    Effect.gen(function* () {
      const { a, b } = yield* row
      yield* a.gossip.join(topic, always("accept"))
      const queue = yield* b.gossip.join(topic, always("accept"))
      yield* pass(330)
      const session = a.manager.find(b.key)
      assert.isTrue(session?.isOpen())
      yield* session!.close("leaving")
      yield* settle
      assert.strictEqual(a.gossip.stats().members, 0)
      yield* a.manager.connect(b.target)
      yield* settle
      yield* a.gossip.publish(topic, bytes(4))
      yield* settle
      assert.deepStrictEqual(yield* taken(queue), [4])
    })
  )

  inNetwork(
    "who takes part in nothing sends nothing, and has no heartbeat",
    Effect.gen(function* () {
      let beats = 0
      const counted = Schedule.tap(Schedule.spaced("1 second"), () => Effect.sync(() => beats++))
      const a = yield* gossiper("a", Layer.succeed(HeartbeatPace, counted))
      const peer = yield* stranger("peer", a)
      const scope = yield* Scope.make()
      yield* Scope.provide(a.gossip.join(topic, always("accept")), scope)
      peer.say({ topics: [{ topic, on: true }], prune: [{ topic, backoff: 60 }] })
      yield* a.gossip.publish(topic, bytes(1))
      yield* pass(3)
      yield* Scope.close(scope, Exit.void)
      yield* pass(10)
      const before = peer.heard.length
      assert.isAbove(before, 3)
      const beatsBefore = beats
      yield* pass(60)
      assert.strictEqual(peer.heard.length, before)
      assert.isAtMost(beats, beatsBefore + 1)
      yield* a.gossip.join(topic, always("accept"))
      yield* pass(10)
      assert.isAbove(beats, beatsBefore + 5)
    })
  )

  inNetwork(
    "tells neighbours outside of the mesh what there is, and gives it to who asks",
    Effect.gen(function* () {
      const { a, b } = yield* row
      yield* a.gossip.join(topic, always("accept"))
      yield* b.gossip.join(topic, always("accept"))
      const peer = yield* stranger("peer", b)
      peer.say({ topics: [{ topic, on: true }] })
      yield* settle
      assert.deepStrictEqual(
        peer.heard.flatMap(({ graft }) => graft),
        [topic]
      )
      // It does not want to be in the mesh.
      peer.say({ prune: [{ topic, backoff: 60 }] })
      yield* settle
      const { id } = yield* a.gossip.publish(topic, bytes(9))
      yield* settle
      assert.isTrue(peer.heard.every(({ messages }) => messages.length === 0))
      yield* pass(2)
      assert.deepStrictEqual(peer.heard.flatMap(({ ihave }) => ihave)[0], { topic, ids: [id] })
      peer.say({ iwant: [id, new Uint8Array(32)] })
      yield* settle
      assert.strictEqual(peer.heard.flatMap(({ messages }) => messages).length, 1)
    })
  )

  inNetwork(
    "asks for what it is told of, of one neighbour after the other until one sends it",
    Effect.gen(function* () {
      const b = yield* gossiper("b")
      const queue = yield* b.gossip.join(topic, always("accept"))
      const [liar, honest] = [yield* stranger("liar", b), yield* stranger("honest", b)]
      const message = signed(honest, { topic, issued: yield* Clock.currentTimeMillis, data: bytes(8) })
      const id = Context.get(b.services, Crypto).sha256(message)
      for (const peer of [liar, honest]) {
        peer.say({ topics: [{ topic, on: true }], ihave: [{ topic, ids: [id] }] })
        yield* settle
      }
      const asked = (peer: typeof liar) => peer.heard.flatMap(({ iwant }) => iwant).length
      assert.deepStrictEqual([asked(liar), asked(honest)], [1, 0])
      yield* pass(5)
      assert.deepStrictEqual([asked(liar), asked(honest)], [1, 1])
      honest.say({ messages: [message] })
      yield* pass(5)
      assert.deepStrictEqual(yield* taken(queue), [8])
      assert.deepStrictEqual([asked(liar), asked(honest)], [1, 1])
      assert.isAtLeast(b.gossip.stats().members, Math.min(2, DEGREE_LOW))
    })
  )
})
