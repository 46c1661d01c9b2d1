/** What peers may try that do not keep the protocol of gossip, and what comes of it. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Random, type Scope } from "effect"
import { GOSSIP_THRESHOLD, GRAYLIST_THRESHOLD } from "#core/gossip/PeerScore"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { write } from "#schemas/gossip/GossipFrame"
import { FrameType } from "#schemas/session/Frame"
import { ALLOWANCE, WANTED_OF_PEER } from "#services/gossip/Limits"
import { SecureRandom } from "#services/identity/SecureRandom"
import { pass, settle } from "../../laws/sessionWorld.ts"
import { always, assertBounded, connected, gossiper, signed, stranger, taken, topicOf } from "./gossiping.ts"

const inNetwork = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope | MemoryTransport.MemoryHub>) =>
  it.effect(name, () => Effect.scoped(body).pipe(Effect.provide(MemoryTransport.hub), Random.withSeed(name)))

const topic = topicOf(1)

/** A node that takes part, a neighbour to whom it would pass messages on, and a stranger. */
const scene = Effect.gen(function* () {
  const [node, other] = [yield* gossiper("node"), yield* gossiper("other")]
  yield* connected([other, node])
  const queue = yield* node.gossip.join(topic, always("accept"))
  const beyond = yield* other.gossip.join(topic, always("accept"))
  const peer = yield* stranger("peer", node)
  peer.say({ topics: [{ topic, on: true }] })
  yield* settle
  const random = Context.get(peer.services, SecureRandom)
  const ids = (count: number) => Array.from({ length: count }, () => random.bytes(32))
  return { node, queue, beyond, peer, ids }
})

describe("MeshGossip among strangers", () => {
  inNetwork(
    "a message whose signature is wrong goes nowhere, and whoever sends three is not heard any more",
    Effect.gen(function* () {
      const { beyond, node, peer, queue } = yield* scene
      for (let n = 0; n < 3; n++) {
        const message = signed(peer, { topic, issued: yield* Clock.currentTimeMillis, data: Uint8Array.of(n) })
        message[message.length - 1]! ^= 1
        peer.say({ messages: [message] })
        yield* settle
      }
      assert.deepStrictEqual([yield* taken(queue), yield* taken(beyond)], [[], []])
      assert.isBelow(node.gossip.scoreOf(peer.key), GRAYLIST_THRESHOLD)
      // Each of them was charged: with two more offences it is banned.
      for (let n = 0; n < 2; n++) node.manager.charge(peer.key, "bad record")
      assert.strictEqual(node.manager.stats().bans, 1)
    })
  )

  inNetwork(
    "who is below the graylist is not heard, and finds its score again when it comes back",
    Effect.gen(function* () {
      const { node, peer, queue } = yield* scene
      for (let n = 0; n < 3; n++) {
        const message = signed(peer, { topic, issued: yield* Clock.currentTimeMillis, data: Uint8Array.of(n) })
        message[message.length - 1]! ^= 1
        peer.say({ messages: [message] })
        yield* settle
      }
      yield* peer.session.close("leaving")
      yield* settle
      const session = yield* peer.manager.connect(node.target)
      yield* settle
      const good = signed(peer, { topic, issued: yield* Clock.currentTimeMillis, data: Uint8Array.of(9) })
      for (let n = 0; n < 4; n++) session.offer(FrameType.GOSSIP, new Uint8Array(3))
      session.offer(FrameType.GOSSIP, write({ topics: [{ topic, on: true }], messages: [good] }))
      yield* settle
      assert.isTrue(session.isOpen())
      assert.deepStrictEqual(yield* taken(queue), [])
      assert.isBelow(node.gossip.scoreOf(peer.key), GRAYLIST_THRESHOLD)
    })
  )

  inNetwork(
    "messages too old, too far ahead, of topics that nobody has joined here, and known ones are not delivered",
    Effect.gen(function* () {
      const { beyond, node, peer, queue } = yield* scene
      yield* pass(100)
      const now = yield* Clock.currentTimeMillis
      const say = (issued: number, n: number, name = topic) =>
        peer.say({ messages: [signed(peer, { topic: name, issued, data: Uint8Array.of(n) })] })
      say(now - 90_001, 1)
      say(now + 10_001, 2)
      say(now, 3, topicOf(2))
      for (const issued of [now - 90_000, now + 10_000]) say(issued, 4)
      say(now, 5)
      say(now, 5)
      yield* settle
      assert.deepStrictEqual(
        [yield* taken(queue), yield* taken(beyond)],
        [
          [4, 4, 5],
          [4, 4, 5]
        ]
      )
      // Nothing of it is a crime.
      assert.isAtLeast(node.gossip.scoreOf(peer.key), 0)
      // Neither comes it back when the id is forgotten.
      yield* pass(150)
      say(now, 5)
      yield* settle
      assert.deepStrictEqual(yield* taken(queue), [])
    })
  )

  inNetwork(
    "frames and messages that are none are charged",
    Effect.gen(function* () {
      const { node, peer } = yield* scene
      peer.say({ messages: [new Uint8Array(100)] })
      yield* settle
      assert.isBelow(node.gossip.scoreOf(peer.key), 0)
      for (let n = 0; n < 4; n++) peer.session.offer(FrameType.GOSSIP, new Uint8Array(3))
      yield* settle
      assert.isFalse(peer.session.isOpen())
    })
  )

  inNetwork(
    "a flood of topics fills no more than the topics of one neighbour, and ends the session",
    Effect.gen(function* () {
      const { ids, node, peer } = yield* scene
      for (let n = 0; n < 200; n++) {
        peer.say({ topics: ids(50).map((topic) => ({ topic, on: true })) })
        yield* settle
        assertBounded(node)
        if (n % 20 === 0) yield* pass(1)
      }
      assert.isFalse(peer.session.isOpen())
      assert.strictEqual(node.gossip.peers(topic).length, 1)
    })
  )

  inNetwork(
    "a million ids that do not exist are asked for within limits, and end the session of who told of them",
    Effect.gen(function* () {
      const { ids, node, peer } = yield* scene
      const some = ids(256)
      let told = 0
      for (let n = 0; n < 3_907; n++) {
        // Each list is new by its first bytes.
        for (const id of some) new DataView(id.buffer).setUint32(0, told++)
        peer.say({ ihave: [{ topic, ids: some }] })
        if (n % 16 === 15) yield* settle
        if (n % 256 === 255) {
          assertBounded(node)
          yield* pass(1)
        }
      }
      yield* settle
      assert.isAtLeast(told, 1_000_000)
      assertBounded(node)
      assert.isAtMost(peer.heard.flatMap(({ iwant }) => iwant).length, WANTED_OF_PEER)
      // It went on beyond what anybody is told of, and that alone has ended it.
      assert.isFalse(peer.session.isOpen())
      assert.isAtMost(node.gossip.stats().neighbours, 1)
    })
  )

  inNetwork(
    "who does not send what it told of, again and again, is not asked any more",
    Effect.gen(function* () {
      const { ids, node, peer } = yield* scene
      const asked = () => peer.heard.flatMap(({ iwant }) => iwant).length
      for (let second = 0; second < 30; second++) {
        peer.say({ ihave: [{ topic, ids: ids(1) }] })
        yield* pass(1)
      }
      assert.isBelow(node.gossip.scoreOf(peer.key), GOSSIP_THRESHOLD)
      const before = asked()
      assert.isAtLeast(before, 5)
      for (let second = 0; second < 10; second++) {
        peer.say({ ihave: [{ topic, ids: ids(1) }] })
        yield* pass(1)
      }
      assert.strictEqual(asked(), before)
      assert.isTrue(peer.session.isOpen())
    })
  )

  inNetwork(
    "more valid messages than a node can verify are dropped, and the others' are still taken",
    Effect.gen(function* () {
      const { node, peer, queue } = yield* scene
      yield* pass(20)
      const now = yield* Clock.currentTimeMillis
      for (let n = 0; n < 60; n++) {
        const messages = Array.from({ length: 50 }, (_, m) =>
          signed(peer, { topic, issued: now - n * 50 - m, data: Uint8Array.of(1) })
        )
        peer.say({ messages })
        yield* settle
        yield* taken(queue)
      }
      const { accepted } = node.gossip.stats()
      assert.strictEqual(accepted, ALLOWANCE.checks.burst + 1)
      assertBounded(node)
      const honest = yield* stranger("honest", node)
      honest.say({ topics: [{ topic, on: true }] })
      honest.say({ messages: [signed(honest, { topic, issued: now, data: Uint8Array.of(2) })] })
      yield* settle
      assert.deepStrictEqual(yield* taken(queue), [2])
    })
  )

  inNetwork(
    "large answers are given by the byte, however often somebody asks",
    Effect.gen(function* () {
      const { node, peer } = yield* scene
      peer.say({ prune: [{ topic, backoff: 60 }] })
      yield* settle
      const { id } = yield* node.gossip.publish(topic, new Uint8Array(60 * 1024))
      for (let n = 0; n < 100; n++) {
        peer.say({ iwant: new Array(256).fill(id) })
        yield* settle
      }
      const answered = peer.heard.flatMap(({ messages }) => messages).length
      assert.isAtLeast(answered, 1)
      assert.isAtMost(answered, 20)
    })
  )

  inNetwork(
    "slow validators are not a place to wait in for more than there is room",
    Effect.gen(function* () {
      const node = yield* gossiper("node")
      yield* node.gossip.join(topic, () => Effect.as(Effect.sleep("4 seconds"), "accept" as const))
      const peer = yield* stranger("peer", node)
      peer.say({ topics: [{ topic, on: true }] })
      yield* pass(20)
      const now = yield* Clock.currentTimeMillis
      for (let n = 0; n < 10; n++) {
        peer.say({
          messages: Array.from({ length: 50 }, (_, m) =>
            signed(peer, { topic, issued: now - n * 50 - m, data: Uint8Array.of(1) })
          )
        })
        yield* settle
        assertBounded(node)
      }
      yield* pass(5)
      assert.strictEqual(node.gossip.stats().accepted, 64)
    })
  )
})
