import { assert, describe, it } from "@effect/vitest"
import { TestNetwork, type TestNode } from "allium/testing"
import { Clock, Effect } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { DHT_SERVER, ONION_RELAY } from "#schemas/identity/PeerRecord"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { INTRODUCE, Serving } from "#services/dht/Serving"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Bounds } from "#services/node/Bounds"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"

const modeOf = (node: TestNode) => node.run(Effect.map(Serving, (it) => it.mode()))
const become = (node: TestNode, mode: "client" | "server") => node.run(Effect.flatMap(Serving, (it) => it.become(mode)))
const capabilitiesOf = (node: TestNode) => node.run(Effect.map(SessionManager, (it) => it.self().record.capabilities))
const knows = (node: TestNode, other: TestNode) =>
  node.run(Effect.map(RoutingTable, (it) => it.find(keyOf(other.nodeId)) !== undefined))
const chargedBy = (node: TestNode) =>
  node.run(
    Effect.map(Bounds, (it) =>
      it
        .list()
        .find(({ name }) => name === "charged peers")
        ?.size()
    )
  )

describe("a node in mode auto", () => {
  it.effect(
    "serves and relays once it has joined and was dialled back, and is then known to all; behind a router it never does",
    () =>
      Effect.gen(function* () {
        const network = yield* TestNetwork.make({ nodes: 9, natted: 1 })
        const [first, second, natted] = [network.node(0), network.node(7), network.node(8)]
        for (const [node, mode] of [
          [first, "server"] as const,
          [second, "server"] as const,
          [natted, "client"] as const
        ]) {
          assert.strictEqual(yield* modeOf(node), mode)
          assert.strictEqual(yield* capabilitiesOf(node), mode === "server" ? DHT_SERVER | ONION_RELAY : 0)
        }
        assert.isTrue(yield* knows(first, second))
        assert.isTrue(yield* knows(natted, second))
        assert.isFalse(yield* knows(first, natted))
      })
  )

  it.effect("is dropped by all when it turns client, answers nobody, and is found again as a server", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 6 })
      const [changing, other] = [network.node(3), network.node(5)]
      const found = other.run(Effect.flatMap(QueryExecutor, (it) => it.lookupNode(changing.nodeId)))
      assert.strictEqual((yield* found).closest[0]?.key, keyOf(changing.nodeId))
      yield* become(changing, "client")
      assert.isFalse(yield* knows(other, changing))
      const target = new Uint8Array(32)
      const refused = yield* other.run(
        Effect.flatMap(Rpc, (rpc) => Effect.flip(rpc.dht(changing, { _tag: "FindNode", target })))
      )
      assert.strictEqual(refused._tag === "RpcFailure" && refused.tag, "NotServed")
      assert.isFalse((yield* found).closest.some((it) => it.key === keyOf(changing.nodeId)))
      yield* become(changing, "server")
      yield* network.advance("2 seconds")
      assert.isTrue(yield* knows(other, changing))
      assert.strictEqual((yield* found).closest[0]?.key, keyOf(changing.nodeId))
      assert.strictEqual(yield* chargedBy(other), 0)
    })
  )

  it.effect("shows a new onion key to every peer with a session", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 3 })
      const [changing, other] = [network.node(0), network.node(2)]
      const fresh = yield* changing.run(
        Effect.gen(function* () {
          const key = (yield* Crypto).agreementKey(new Uint8Array(32).fill(9))
          const { onionKeys, publicKey } = yield* Identity
          onionKeys.rotate(key, Math.floor((yield* Clock.currentTimeMillis) / 1000))
          return { publicKey, onion: key.publicKey }
        })
      )
      yield* network.advance("2 seconds")
      const known = yield* other.run(Effect.map(KnownPeers, (book) => book.find(fresh.publicKey)))
      assert.deepStrictEqual([...(known?.record.onion ?? [])], [...fresh.onion])
    })
  )

  it.effect("believes of a peer only what that peer has signed", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 3 })
      const [one, two, liar] = [network.node(0), network.node(1), network.node(2)]
      const foreign = yield* two.run(Effect.map(SessionManager, (it) => it.self().bytes))
      const forged = yield* liar.run(Effect.map(SessionManager, (it) => it.self().bytes.slice()))
      forged[forged.length - 1]! ^= 1
      for (const bytes of [foreign, forged, new Uint8Array(5)]) {
        const refused = yield* liar.run(Effect.flatMap(Rpc, (rpc) => Effect.flip(rpc.call(one, INTRODUCE, bytes))))
        assert.strictEqual(refused._tag === "RpcFailure" && refused.tag, "BadRecord")
      }
      assert.strictEqual(yield* chargedBy(one), 1)
      const own = yield* liar.run(Effect.map(SessionManager, (it) => it.self().bytes))
      assert.isNull(yield* liar.run(Effect.flatMap(Rpc, (rpc) => rpc.call(one, INTRODUCE, own))))
    })
  )
})
