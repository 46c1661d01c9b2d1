import { assert, describe, it } from "@effect/vitest"
import { TestNetwork } from "allium/testing"
import { Context, Effect, Layer, Stream } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import type { Cid } from "#schemas/content/Cid"
import { DHT_SERVER, ONION_RELAY } from "#schemas/identity/PeerRecord"
import { Blobs } from "#services/content/Blobs"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht } from "#services/dht/Dht"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Node } from "#services/node/Node"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { addressesOf, hub, localNode } from "./localNode.ts"

const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => Math.imul(index + 1, 2_654_435_761) >>> 24)
const put = (content: Uint8Array) => Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.make(content)))
const get = (cid: Cid) =>
  Effect.flatMap(Blobs, (blobs) => Effect.map(Stream.runCollect(blobs.get(cid)), (pieces) => concatBytes(pieces)))
const status = Effect.flatMap(Node, (node) => node.status)

describe("a whole node", () => {
  it.effect("finds content of several blocks that another node put, and tells it in its status", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 4 })
      const { cid, replicas } = yield* network.node(1).run(put(bytes))
      assert.strictEqual(replicas, 4)
      assert.deepStrictEqual(yield* network.node(3).run(get(cid)), bytes)
      const told = yield* network.node(3).run(status)
      assert.deepInclude(told, { joined: true, local: false, network: "simulation", contacts: 3, records: 9 })
    })
  )

  it.effect("keeps its sessions through hours of virtual time, or finds the way again", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 2 })
      const { cid } = yield* network.node(0).run(put(Uint8Array.of(1, 2, 3)))
      yield* network.advance("6 hours")
      assert.deepStrictEqual(yield* network.node(1).run(get(cid)), Uint8Array.of(1, 2, 3))
      assert.isAtLeast((yield* network.node(1).run(status)).uptimeSeconds, 6 * 3_600)
    })
  )

  it.effect("ends its sessions when it stops", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 2 })
      const sessions = network.node(0).run(Effect.map(SessionManager, (it) => it.list().length))
      assert.strictEqual(yield* sessions, 1)
      yield* network.node(1).stop
      yield* network.advance("1 second")
      assert.strictEqual(yield* sessions, 0)
    })
  )

  it.effect("offers to relay as long as it serves, unless it was told not to", () =>
    Effect.gen(function* () {
      const shown = (settings: Parameters<typeof localNode>[1]) =>
        Effect.map(localNode("a", settings), (node) => Context.get(node, SessionManager).self().record.capabilities)
      assert.strictEqual(yield* shown({}), DHT_SERVER | ONION_RELAY)
      assert.strictEqual(yield* shown({ relay: false }), DHT_SERVER)
      assert.strictEqual(yield* shown({ mode: "client" }), 0)
    }).pipe(Effect.provide(hub))
  )

  it.effect("refuses an address that is none", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(localNode("a", { listen: ["nowhere"] }))
      assert.deepInclude(error, { _tag: "InvalidAddress", address: "nowhere" })
    }).pipe(Effect.provide(hub))
  )
})

describe("the variants of a node", () => {
  it.effect("with plain sessions it joins others of its kind, whose addresses it verifies", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 2, sessions: "plain" })
      const [a, b] = [network.node(0), network.node(1)]
      const { key } = yield* a.run(Effect.flatMap(Dht, (dht) => dht.putBlock(Uint8Array.of(1))))
      assert.deepStrictEqual(yield* b.run(Effect.flatMap(Dht, (dht) => dht.getBlock(key))), Uint8Array.of(1))
      const [contact] = yield* a.run(Effect.map(RoutingTable, (table) => table.list()))
      assert.isTrue(Number.isFinite(contact?.verifiedAt), "b dialled, so a had to probe")
    })
  )

  it.effect("with plain sessions it does not come to a session with a real node", () =>
    Effect.gen(function* () {
      const a = yield* localNode("a")
      const b = yield* localNode("b", { bootstrap: addressesOf(a) }, { sessions: "plain" })
      const { tried } = yield* Effect.flip(Context.get(b, Bootstrap).joined)
      assert.strictEqual(tried.length, 1)
    }).pipe(Effect.provide(hub))
  )

  it.effect("another server answers in the place of the real one", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const server = Layer.effectDiscard(
        Effect.flatMap(Rpc, (rpc) =>
          rpc.handleDht((request) =>
            Effect.sync(() => {
              asked.push(request._tag)
              return { _tag: "Nodes", peers: [] }
            })
          )
        )
      )
      const a = yield* localNode("a", {}, { server })
      const b = yield* localNode("b", { bootstrap: addressesOf(a) })
      yield* Context.get(b, Bootstrap).joined
      assert.deepStrictEqual(asked, ["FindNode"])
    }).pipe(Effect.provide(hub))
  )
})
