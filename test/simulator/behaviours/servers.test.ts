import { assert, describe, it } from "@effect/vitest"
import { TestNetwork, type TestNetworkOptions, type TestNode } from "allium/testing"
import { Effect, Metric } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import * as Mutable from "#schemas/dht/Mutable"
import { RecordKind } from "#schemas/dht/Record"
import type { Behaviour } from "#schemas/simulation/Fault"
import { Dht } from "#services/dht/Dht"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { served } from "#services/rpc/Metrics"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"

/** Nodes of a network in which answers name twenty others: a burst of them does not fit into a queue. */
const FULL_ANSWERS: Partial<TestNetworkOptions> = { nodes: 24, sessions: "plain" }

/** Two honest nodes (and as many as are said), and one that is not from now on. */
const threeWith = Effect.fnUntraced(function* (behaviour: Behaviour, options: Partial<TestNetworkOptions> = {}) {
  const network = yield* TestNetwork.make({ nodes: 3, ...options })
  const [one, bad, two] = [network.node(0), network.node(1), network.node(2)]
  yield* network.apply({ _tag: "Turn", node: 1, behaviour })
  yield* network.until(() => bad.run(Effect.map(RoutingTable, (table) => table.size() > 1)))
  yield* two.run(Effect.flatMap(SessionManager, (sessions) => sessions.connect(bad)))
  return { network, one, two, bad }
})

const sizeOf = (node: TestNode, name: string) =>
  node.run(
    Effect.map(Bounds, (bounds) =>
      bounds
        .list()
        .find((it) => it.name === name)
        ?.size()
    )
  )

const lookUp = (node: TestNode, target: number) =>
  node.run(Effect.flatMap(QueryExecutor, (it) => it.lookupNode(new Uint8Array(32).fill(target))))

const knownTo = (node: TestNode) =>
  node.run(Effect.map(RoutingTable, (table) => table.list().map(({ contact }) => contact.key)))

const bansOf = (node: TestNode) => node.run(Effect.map(SessionManager, (sessions) => sessions.stats().bans))

const keyOfNode = (node: TestNode) => keyOf(node.nodeId)

const outcomes = (outcome: string) =>
  Effect.map(Metric.value(Metric.withAttributes(served, { outcome })), ({ count }) => Number(count))

describe("a node that is", () => {
  it.effect("silent is charged for each request, and leaves the table after three", () =>
    Effect.gen(function* () {
      const { bad, network, one, two } = yield* threeWith("silent")
      assert.include(yield* knownTo(two), keyOfNode(bad))
      for (let n = 0; n < 4; n++) {
        assert.deepStrictEqual(
          (yield* lookUp(two, n)).closest.map((it) => it.key),
          [keyOfNode(one)]
        )
      }
      // The lookups did not wait for it; their requests do.
      yield* network.advance("10 seconds")
      assert.deepStrictEqual(yield* knownTo(two), [keyOfNode(one)])
      assert.strictEqual(yield* sizeOf(two, "charged peers"), 1)
    })
  )

  it.effect("lying sends nobody to the table, and is banned for what is not signed", () =>
    Effect.gen(function* () {
      const { bad, one, two } = yield* threeWith("lying")
      const { closest, report } = yield* lookUp(two, 1)
      assert.isAbove(report.failures, 5, "who was named is not there")
      assert.sameMembers(
        closest.map((contact) => contact.key),
        [keyOfNode(bad), keyOfNode(one)]
      )
      assert.sameMembers(yield* knownTo(two), [keyOfNode(bad), keyOfNode(one)])
      // All at once: dials that lead nowhere take ten seconds, and what a peer owes melts away with time.
      const targets = Array.from({ length: 80 }, (_, n) => n * 3 + 2)
      yield* Effect.forEach(targets, (target) => lookUp(two, target), { concurrency: targets.length })
      assert.strictEqual(yield* bansOf(two), 1)
      assert.isUndefined(yield* two.run(Effect.map(SessionManager, (sessions) => sessions.find(keyOfNode(bad)))))
    })
  )

  it.effect("forging is charged for each kind of record, and readers find the true one or none", () =>
    Effect.gen(function* () {
      const { one, two } = yield* threeWith("forging")
      const salt = Uint8Array.of(1)
      yield* one.run(Effect.flatMap(Dht, (dht) => dht.putMutable(salt, Uint8Array.of(7))))
      const { publicKey: author } = yield* one.run(Identity)
      const read = (salt: Uint8Array) => two.run(Effect.flatMap(Dht, (dht) => dht.getMutable(author, salt)))
      const charged = [yield* sizeOf(two, "charged peers")]
      const { value } = yield* read(salt)
      charged.push(yield* sizeOf(two, "charged peers"))
      assert.deepStrictEqual([value, charged], [Uint8Array.of(7), [0, 1]])
      const unknown = new Uint8Array(32)
      const missing = two.run(Effect.flatMap(Dht, (dht) => dht.getBlock(unknown)))
      assert.strictEqual((yield* Effect.flip(missing))._tag, "NotFound")
      for (let n = 0; n < 4; n++) yield* Effect.flip(read(unknown.subarray(n, 3)))
      assert.strictEqual(yield* bansOf(two), 1)
    })
  )

  it.effect("flooding is told to wait, and others are still answered", () =>
    Effect.gen(function* () {
      const { network, one, two } = yield* threeWith("flooding", FULL_ANSWERS)
      const busy = yield* outcomes("busy")
      for (let n = 0; n < 6; n++) {
        yield* network.advance("30 seconds")
        assert.strictEqual((yield* lookUp(two, n)).report.failures, 0)
        for (const { limit, name, size } of yield* one.run(Effect.map(Bounds, (bounds) => bounds.list())))
          assert.isAtMost(size(), limit, name)
      }
      assert.isAbove((yield* outcomes("busy")) - busy, 100)
    })
  )

  it.effect("replaying shows the first version and brings it back, and is refused", () =>
    Effect.gen(function* () {
      const { bad, network, one, two } = yield* threeWith("replaying")
      const salt = Uint8Array.of(1)
      const { publicKey: author } = yield* one.run(Identity)
      const { sha256 } = yield* one.run(Crypto)
      const key = sha256(Mutable.keyPreimage(author, salt))
      for (const version of [1, 2])
        yield* one.run(Effect.flatMap(Dht, (dht) => dht.putMutable(salt, Uint8Array.of(version))))
      const find = { _tag: "FindValue", kind: RecordKind.Mutable, key, minSeq: 0, after: new Uint8Array(0) } as const
      const answer = yield* two.run(Effect.flatMap(Rpc, (rpc) => rpc.dht(bad, find)))
      const shown = answer._tag === "Values" ? answer.records.map(Mutable.read) : []
      assert.deepStrictEqual(
        shown.map((it) => (it._tag === "Success" ? it.success.value[0] : 0)),
        [1]
      )
      const read = two.run(Effect.flatMap(Dht, (dht) => dht.getMutable(author, salt)))
      assert.strictEqual((yield* read).value[0], 2)
      const refused = yield* outcomes("refused")
      yield* network.advance("2 minutes")
      assert.isAtLeast((yield* outcomes("refused")) - refused, 4)
      for (const node of [one, two]) {
        const [held] = yield* node.run(Effect.flatMap(RecordStore, (records) => records.get(RecordKind.Mutable, key)))
        const record = Mutable.read(held?.bytes ?? new Uint8Array(0))
        assert.strictEqual(record._tag === "Success" ? record.success.value[0] : 0, 2)
      }
    })
  )
})
