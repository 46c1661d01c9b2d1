import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Queue, Result, Schema } from "effect"
import { buildRequest, type Hop } from "#core/onion/buildRequest"
import { hopOf } from "#core/onion/hops"
import { minuteOf, ttlOf } from "#core/onion/minutes"
import { makeReplyBlock } from "#core/onion/replyBlock"
import { keyOf, utf8 } from "#schemas/bytes/bytes"
import type { Topic } from "#schemas/gossip/GossipMessage"
import { type MessageId, write } from "#schemas/router/InnerEnvelope"
import { FrameType } from "#schemas/session/Frame"
import { Crypto } from "#services/identity/Crypto"
import { SecureRandom } from "#services/identity/SecureRandom"
import { OnionCells } from "#services/onion/OnionCells"
import { RouterHandle } from "#services/router/RouterHandle"
import { Rpc, type RpcMethod } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { routerLaws } from "../../laws/routerHandle.ts"
import { routedNetwork } from "./network.ts"

const pairOf = (nodes: number) =>
  Effect.map(routedNetwork(nodes), ({ network }) => ({
    network,
    a: network.node(nodes - 2),
    b: network.node(nodes - 1)
  }))

routerLaws("direct", pairOf(2))
routerLaws("anonymous", pairOf(6))

const shout: RpcMethod<string, string> = { name: "test/shout", request: Schema.String, response: Schema.String }

describe("OverlayRouter in a network", () => {
  it.effect("answers 50 anonymous calls at once, while relays are killed one after the other", () =>
    Effect.gen(function* () {
      const { network } = yield* routedNetwork(11)
      const [a, b] = [network.node(9), network.node(10)]
      let served = 0
      yield* b.run(
        Effect.flatMap(Rpc, (rpc) =>
          rpc.handleAnonymous(shout, (text) =>
            Effect.sync(() => {
              served++
              return text.toUpperCase()
            })
          )
        )
      )
      const call = (n: number) =>
        Effect.andThen(
          Effect.sleep(n * 100),
          Effect.flatMap(RouterHandle, (router) =>
            router.rpcCall(b, shout, `number ${n}`, { privacy: "anonymous", answerBytes: 1_024 })
          )
        )
      const numbers = Array.from({ length: 50 }, (_, n) => n)
      const calling = yield* Effect.forkChild(
        a.run(Effect.forEach(numbers, call, { concurrency: numbers.length }), { patience: "10 minutes" })
      )
      for (const victim of [1, 2, 3]) {
        yield* network.advance("1 seconds")
        yield* network.node(victim).crash({ disk: "kept" })
      }
      yield* network.advance("1 minute")
      assert.deepStrictEqual(
        yield* Fiber.join(calling),
        numbers.map((n) => `NUMBER ${n}`)
      )
      assert.strictEqual(served, 50)
    })
  )

  it.effect("opens no session between the two ends", () =>
    Effect.gen(function* () {
      const { network } = yield* routedNetwork(9)
      const [a, b] = [network.node(7), network.node(8)]
      const find = (key: string) => Effect.map(SessionManager, (sessions) => sessions.find(key)?.isOpen() === true)
      const before = yield* a.run(find(keyOf(b.nodeId)))
      yield* b.run(Effect.flatMap(RouterHandle, (router) => router.incoming("CRDT_OP")))
      yield* a.run(
        Effect.flatMap(RouterHandle, (router) => router.sendAnonymous(b.nodeId, { type: "CRDT_OP", body: utf8("x") }))
      )
      assert.strictEqual(yield* a.run(find(keyOf(b.nodeId))), before)
      const relayed = yield* Effect.forEach(network.nodes, (node) =>
        node.run(Effect.map(OnionCells, (cells) => cells.stats().forwarded))
      )
      assert.strictEqual(
        relayed.reduce((sum, count) => sum + count, 0),
        6
      )
      assert.deepStrictEqual([relayed[7], relayed[8]], [0, 0])
    })
  )

  it.effect("hands a Welcome out of an onion to the peer that it names, whose ACK comes back by the block", () =>
    Effect.gen(function* () {
      const { contacts, network } = yield* routedNetwork(7)
      const [a, b] = [network.node(0), network.node(1)]
      const welcome = yield* b.run(Effect.flatMap(RouterHandle, (router) => router.incoming("WELCOME")))
      const hop = (n: number): Hop => hopOf(contacts[n]!, false)
      const send = Effect.gen(function* () {
        const [cells, suite, { bytes }] = [yield* OnionCells, yield* Crypto, yield* SecureRandom]
        const minute = minuteOf((yield* Clock.currentTimeMillis) / 1000)
        const common = { cellClass: 0, ttl: ttlOf(minute + 4) } as const
        const back = [hop(6), hop(5), hop(0)]
        const own = makeReplyBlock(suite, bytes, { ...common, path: back, ephemerals: cells.ephemerals.take(3) })
        const { block } = Result.getOrThrow(own)
        const piece = write({ type: "WELCOME", body: utf8("come in") })
        const payload = { messageId: bytes(16) as MessageId, part: 0, parts: 1, piece, blocks: [block] }
        const path = [hop(2), hop(3), hop(4)]
        const request = { ...common, path, ephemerals: cells.ephemerals.take(3), payload, handTo: hop(1) }
        const outgoing = Result.getOrThrow(buildRequest(suite, bytes, request))
        yield* cells.send(outgoing)
      })
      const arrived = Effect.map(OnionCells, (cells) => cells.stats().arrived)
      yield* a.run(send)
      yield* network.advance("2 seconds")
      const { envelope, from } = yield* b.run(Queue.take(welcome))
      assert.deepStrictEqual(envelope.body, utf8("come in"))
      assert.deepStrictEqual(from?.nodeId, network.node(4).nodeId)
      assert.strictEqual(yield* a.run(arrived), 1)
    })
  )

  it.effect("answers a neighbour's call in an envelope, knowing him, and counts envelopes of later versions", () =>
    Effect.gen(function* () {
      const { network } = yield* routedNetwork(2)
      const [a, b] = [network.node(0), network.node(1)]
      yield* b.run(
        Effect.flatMap(Rpc, (rpc) =>
          rpc.handle(shout, (text, from) => Effect.succeed(`${text} ${keyOf(from.nodeId) === keyOf(a.nodeId)}`))
        )
      )
      const call = Effect.flatMap(RouterHandle, (router) => router.rpcCall(b, shout, "me?", { privacy: "direct" }))
      assert.strictEqual(yield* a.run(call), "me? true")
      const session = yield* a.run(Effect.flatMap(SessionManager, (sessions) => sessions.connect(b)))
      const later = new Uint8Array(20)
      later[16] = 200
      for (let n = 0; n < 10; n++) session.offer(FrameType.ENVELOPE, later)
      yield* network.advance("1 second")
      assert.isTrue(session.isOpen())
      assert.strictEqual(yield* a.run(call), "me? true")
    })
  )

  it.effect("spreads what is published to whoever has joined the topic", () =>
    Effect.gen(function* () {
      const { network } = yield* routedNetwork(3)
      const topic = new Uint8Array(32).fill(5) as Topic
      const join = Effect.flatMap(RouterHandle, (router) =>
        router.subscribeTopic(topic, () => Effect.succeed("accept"))
      )
      const queues = yield* Effect.forEach(network.nodes, (node) => node.run(join))
      yield* network.advance("3 seconds")
      yield* network.node(0).run(Effect.flatMap(RouterHandle, (router) => router.publish(topic, utf8("news"))))
      yield* network.advance("3 seconds")
      for (const [n, queue] of queues.entries()) {
        const got = yield* network.node(n).run(Queue.clear(queue))
        assert.deepStrictEqual(
          got.map(({ data }) => Buffer.from(data).toString()),
          n === 0 ? [] : ["news"]
        )
      }
    })
  )
})
