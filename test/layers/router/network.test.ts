import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue, Schema } from "effect"
import { keyOf, utf8 } from "#schemas/bytes/bytes"
import type { Topic } from "#schemas/gossip/GossipMessage"
import { FrameType } from "#schemas/session/Frame"
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
