import { assert, describe, it } from "@effect/vitest"
import { TestNetwork, type TestNode } from "allium/testing"
import { Effect } from "effect"
import { commonPrefixLength } from "#core/dht/distance"
import { hexOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { AGENT } from "#schemas/node/version"
import { Dht } from "#services/dht/Dht"
import { Replicator } from "#services/dht/Replicator"
import { Node } from "#services/node/Node"
import { type Pin, PinStore } from "#services/storage/PinStore"

const status = (node: TestNode) => node.run(Effect.flatMap(Node, (it) => it.status))
const peers = (node: TestNode) => node.run(Effect.flatMap(Node, (it) => it.peers))

const pin = (n: number, fields: Partial<Pin>): Pin => ({
  kind: RecordKind.Name,
  key: new Uint8Array(32).fill(n),
  tree: false,
  factor: 3,
  priority: 0,
  created: 1,
  refreshed: 1,
  due: 4_000_000_000,
  size: 1,
  copies: 2,
  proven: 0,
  ...fields
})

describe("RunningNode", () => {
  it.effect("tells how what it keeps is doing, whatever its kind, and when it last compared", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 4, replicationFactor: 3 })
      const node = network.node(1)
      assert.deepInclude((yield* status(node)).replication, { kept: 0, healthy: 0, unknown: 0, averageReplication: 0 })
      yield* node.run(Effect.flatMap(Dht, (dht) => dht.putBlock(Uint8Array.of(1))))
      yield* node.run(
        Effect.flatMap(PinStore, (pins) =>
          pins.put([pin(1, {}), pin(2, { copies: 1 }), pin(3, { copies: 0 }), pin(4, { copies: -1 })])
        )
      )
      yield* node.run(Effect.flatMap(Replicator, (replicator) => replicator.syncNow))
      const { replication } = yield* status(node)
      assert.deepInclude(replication, { kept: 5, healthy: 2, degraded: 1, critical: 1, unknown: 1 })
      assert.isNumber(replication.lastSync)
    })
  )

  it.effect("shows whom it knows by bucket, with the session if there is one, and who does not answer", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 8 })
      const node = network.node(0)
      const others = network.nodes.filter((it) => it !== node)
      const shown = yield* peers(node)
      assert.sameMembers(
        shown.map(({ nodeId }) => nodeId),
        others.map(({ nodeId }) => hexOf(nodeId))
      )
      const bucketOf = new Map(others.map(({ nodeId }) => [hexOf(nodeId), commonPrefixLength(nodeId, node.nodeId)]))
      assert.isTrue((yield* status(node)).relays)
      for (const { bucket, failures, inTable, nodeId, relays, session, verifiedAt } of shown) {
        assert.isTrue(relays)
        assert.deepStrictEqual([bucket, inTable, failures], [bucketOf.get(nodeId), true, 0])
        assert.isNotNull(verifiedAt)
        assert.strictEqual(session?.agent, AGENT)
      }
      const order = shown.map(({ bucket }) => bucket)
      assert.deepStrictEqual(
        order,
        order.toSorted((a, b) => b - a)
      )
      yield* network.node(3).crash()
      yield* network.advance("1 second")
      const gone = (yield* peers(node)).find(({ nodeId }) => nodeId === hexOf(network.node(3).nodeId))
      assert.deepInclude(gone, { inTable: true, session: null })
      assert.match(gone?.address ?? "", /^\/ip4\/.*\/p2p\/Qm/)
    })
  )
})
