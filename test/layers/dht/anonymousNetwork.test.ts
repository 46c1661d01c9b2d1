/** Anonymous operations in a network of production nodes: from one end to the other, over relays, by delegates. */
import { assert, describe, it } from "@effect/vitest"
import { TestNetwork, type TestNode } from "allium/testing"
import { Effect, Layer, Queue, Result, Stream } from "effect"
import { concatBytes, equalBytes, keyOf, utf8 } from "#schemas/bytes/bytes"
import {
  type DhtRequest,
  readRequest as readDhtRequest,
  readValues,
  writeAnswer,
  writeRequest
} from "#schemas/dht/DhtMessage"
import { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { answerBody, kindOf, readAnswerIn, requestBody } from "#schemas/router/Question"
import { readRequest, writeOk } from "#schemas/rpc/RpcMessage"
import { Blobs } from "#services/content/Blobs"
import { Delegates } from "#services/dht/Delegates"
import { Dht } from "#services/dht/Dht"
import { ANONYMOUS_LIFETIME } from "#services/dht/Limits"
import { RouterHandle } from "#services/router/RouterHandle"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"

const anonymously = { privacy: "anonymous" } as const
const salt = Uint8Array.of(1)

const dht = <A, E>(node: TestNode, use: (dht: Dht["Service"]) => Effect.Effect<A, E>) =>
  node.run(Effect.flatMap(Dht, use))
const blobs = <A, E>(node: TestNode, use: (blobs: Blobs["Service"]) => Effect.Effect<A, E>) =>
  node.run(Effect.flatMap(Blobs, use))

/** What a node holds in its own name. */
const ownRecords = (node: TestNode) => node.run(Effect.flatMap(RecordStore, (records) => records.usage(node.nodeId)))

describe("a network of twelve", () => {
  it.effect("puts and gets everything for one of whom it does not know who it is, and who keeps nothing of it", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 12, replicationFactor: 3, sessions: "plain" })
      const [alice, bob] = [network.node(3), network.node(7)]

      const block = yield* dht(alice, (it) => it.putBlock(utf8("a secret"), anonymously))
      assert.deepStrictEqual([block.reached, block.factor, block.holders], [3, 3, []])
      assert.strictEqual(network.nodes.filter((it) => it.holds(RecordKind.Block, block.key)).length, 3)
      assert.deepStrictEqual(yield* dht(bob, (it) => it.getBlock(block.key, anonymously)), utf8("a secret"))

      yield* dht(alice, (it) => it.putMutable(salt, utf8("first"), anonymously))
      const said = yield* dht(alice, (it) => it.putMutable(salt, utf8("second"), anonymously))
      const mutable = yield* dht(bob, (it) => it.getMutable(said.author, salt, anonymously))
      assert.deepStrictEqual([mutable.value, mutable.seq], [utf8("second"), said.seq])
      assert.strictEqual(mutable.expires - mutable.issued, ANONYMOUS_LIFETIME)

      const named = yield* dht(alice, (it) => it.putName("n", utf8("mine"), anonymously))
      yield* dht(bob, (it) => it.putName("n", utf8("bob's")))
      const names = yield* dht(alice, (it) => it.getName("n", anonymously))
      assert.deepStrictEqual(
        names.map(({ value }) => value),
        [utf8("mine"), utf8("bob's")]
      )
      assert.deepStrictEqual(names[0]?.author, named.author)
      assert.notStrictEqual(keyOf(named.author), keyOf(said.author))

      // More than fits the reply blocks of a first question.
      const long = new Uint8Array(50_000).fill(7)
      const large = yield* dht(alice, (it) => it.putMutable(Uint8Array.of(2), long, anonymously))
      const got = yield* dht(bob, (it) => it.getMutable(large.author, Uint8Array.of(2), anonymously))
      assert.deepStrictEqual(got.value, long)
      const others = network.nodes.filter((it) => it !== alice)
      for (const node of others) yield* dht(node, (it) => it.putName("all", new Uint8Array(1_000)))
      assert.strictEqual((yield* dht(alice, (it) => it.getName("all", anonymously))).length, 11)

      const { cid } = yield* blobs(bob, (it) => it.put(Stream.make(utf8("bob provides this"))))
      const providers = yield* dht(alice, (it) => it.findProviders(cid, anonymously))
      assert.deepStrictEqual(
        providers.map(({ nodeId }) => keyOf(nodeId)),
        [keyOf(bob.nodeId)]
      )

      const missing = yield* Effect.flip(dht(alice, (it) => it.getBlock(new Uint8Array(32), anonymously)))
      assert.deepInclude(missing, { _tag: "NotFound", asked: 2 })
      assert.deepStrictEqual(yield* ownRecords(alice), { records: 0, bytes: 0 })
      assert.strictEqual(yield* alice.run(Effect.flatMap(PinStore, (pins) => pins.count)), 0)
    })
  )

  it.effect("carries a file of several blocks, none of which shows that its putter or its reader had it", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 12, replicationFactor: 3, sessions: "plain", seed: 2 })
      const [alice, bob] = [network.node(1), network.node(10)]
      const content = concatBytes(Array.from({ length: 4 }, (_, n) => new Uint8Array(30_000).fill(n)))
      const { blocks, cid, expires } = yield* blobs(alice, (it) => it.put(Stream.make(content), anonymously))
      assert.strictEqual(blocks, 5)
      const before = yield* bob.run(Effect.flatMap(RecordStore, (it) => it.usage()))
      const back = yield* blobs(bob, (it) => Stream.runCollect(it.get(cid, anonymously)))
      assert.isTrue(equalBytes(concatBytes(back), content))
      assert.deepStrictEqual(yield* bob.run(Effect.flatMap(RecordStore, (it) => it.usage())), before)
      for (const node of [alice, bob]) assert.deepStrictEqual(yield* ownRecords(node), { records: 0, bytes: 0 })
      assert.deepStrictEqual(yield* dht(bob, (it) => it.findProviders(cid)), [])
      const now = yield* dht(bob, (it) =>
        Effect.map(it.putBlock(salt, { lifetime: 1_000 }), (put) => put.expires - 1_000)
      )
      assert.approximately(expires - now, ANONYMOUS_LIFETIME, 60)
    })
  )

  it.effect("finds the record of a node for one who is about to write to it, and does not ask that node", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 12, replicationFactor: 3, sessions: "plain", seed: 3 })
      const [alice, bob] = [network.node(1), network.node(10)]
      const find = (nodeId: NodeId) => alice.run(Effect.flatMap(Delegates, (it) => it.findNode(nodeId)))
      assert.strictEqual((yield* find(bob.nodeId))?.key, keyOf(bob.nodeId))
      assert.isUndefined(yield* find(new Uint8Array(32) as NodeId))
    })
  )

  it.effect("believes no delegate that forges what it is asked for, and asks the next", () =>
    Effect.gen(function* () {
      let lies = 0
      // Answers before the honest part of its node does.
      const liar = Layer.effectDiscard(
        Effect.gen(function* () {
          const envelopes = yield* (yield* RouterHandle).incoming("DHT")
          const lie = Effect.flatMap(Queue.take(envelopes), ({ envelope, from, reply }) => {
            const frame = readRequest(envelope.body.subarray(1))
            const asked = Result.flatMap(frame, ({ body }) => readDhtRequest(body))
            const isFind = Result.isSuccess(asked) && asked.success._tag === "FindValue"
            if (from !== undefined || kindOf(envelope) !== "request" || !isFind) return Effect.void
            lies++
            const records = [utf8("not what was asked for")]
            const answer = writeAnswer({ _tag: "Values", records, peers: [], more: false })
            return Effect.ignore(reply({ type: "DHT", body: answerBody(writeOk(0, answer)) }))
          })
          yield* Effect.forkScoped(Effect.forever(lie))
        })
      )
      const network = yield* TestNetwork.make({
        nodes: 12,
        replicationFactor: 3,
        sessions: "plain",
        seed: 4,
        app: liar
      })
      const { key } = yield* dht(network.node(1), (it) => it.putBlock(utf8("true"), { factor: 1 }))
      // A holder has the truth at hand and is faster than its liar.
      for (const reader of network.nodes.filter((it) => !it.holds(RecordKind.Block, key))) {
        const got = yield* Effect.result(dht(reader, (it) => it.getBlock(key, anonymously)))
        if (Result.isSuccess(got)) assert.deepStrictEqual(got.success, utf8("true"))
        else assert.strictEqual(got.failure._tag, "PrivacyUnavailable")
      }
      assert.isAbove(lies, 10)
    })
  )

  it.effect("goes on when nodes of the routes and delegates lose their power", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 14, sessions: "plain", seed: 6 })
      const [alice, bob] = [network.node(3), network.node(7)]
      const texts = ["one", "two", "three"].map(utf8)
      const keys: Array<Uint8Array> = []
      for (const text of texts) keys.push((yield* dht(alice, (it) => it.putBlock(text, anonymously))).key)
      for (const number of [1, 5, 9]) yield* network.node(number).crash({ power: true })
      for (const [at, key] of keys.entries())
        assert.deepStrictEqual(yield* dht(bob, (it) => it.getBlock(key, anonymously)), texts[at])
      assert.strictEqual((yield* dht(bob, (it) => it.putBlock(utf8("four"), anonymously))).reached, 5)
    })
  )

  it.effect("answers a neighbour's envelope from what is held, as a request in a frame", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 3, replicationFactor: 1, sessions: "plain", seed: 5 })
      const [alice, bob] = [network.node(0), network.node(1)]
      const { key } = yield* dht(bob, (it) => it.putBlock(utf8("held"), { factor: 1 }))
      const ask = (request: DhtRequest) => {
        const envelope = { type: "DHT", body: requestBody(writeRequest(request)) } as const
        return alice.run(Effect.flatMap(RouterHandle, (it) => it.ask(bob, envelope, { privacy: "direct" })))
      }
      const answer = yield* ask({ _tag: "FindValue", kind: RecordKind.Block, key, minSeq: 0, after: new Uint8Array(0) })
      const said = Result.getOrThrow(readAnswerIn("DHT", answer))
      assert.isTrue(said._tag === "Ok")
      const values = Result.getOrThrow(readValues(said._tag === "Ok" ? said.body : salt))
      assert.deepStrictEqual(values.records, [utf8("held")])
      const refused = Result.getOrThrow(readAnswerIn("DHT", yield* ask({ _tag: "AddProvider", record: salt })))
      assert.strictEqual(refused._tag === "Error" && refused.failure.tag, "Malformed")
    })
  )
})
