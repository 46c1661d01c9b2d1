import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as TestNode from "#layers/node/Test"
import { concatBytes } from "#schemas/bytes/bytes"
import { Blobs } from "#services/content/Blobs"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Identity } from "#services/identity/Identity"
import { Node } from "#services/node/Node"
import { SessionManager } from "#services/session/SessionManager"

const start = (options: TestNode.TestOptions) => Layer.build(TestNode.layer(options))

/** Nodes that know each other, the first of them the bootstrap of the others. */
const startAll = Effect.fnUntraced(function* (...seeds: ReadonlyArray<string>) {
  const [first = "", ...others] = seeds
  const nodes = [yield* start({ seed: first })]
  for (const seed of others) {
    const node = yield* start({ seed, bootstrap: TestNode.addressesOf(nodes[0]!) })
    yield* Context.get(node, Bootstrap).joined
    nodes.push(node)
  }
  return nodes
})

describe("Test node", () => {
  it.effect("has the same keys for the same seed, and others for another", () =>
    Effect.gen(function* () {
      const didOf = (seed: string) =>
        Effect.scoped(Effect.map(start({ seed }), (node) => Context.get(node, Identity).did))
      assert.strictEqual(yield* didOf("a"), yield* didOf("a"))
      assert.notStrictEqual(yield* didOf("a"), yield* didOf("b"))
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("finds content of several blocks that another node put, and tells it in its status", () =>
    Effect.gen(function* () {
      const nodes = yield* startAll("a", "b", "c", "d")
      const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => Math.imul(index + 1, 2_654_435_761) >>> 24)
      const { cid, replicas } = yield* Context.get(nodes[1]!, Blobs).put(Stream.make(bytes))
      assert.strictEqual(replicas, 4)
      const pieces = yield* Stream.runCollect(Context.get(nodes[3]!, Blobs).get(cid))
      assert.deepStrictEqual(concatBytes(pieces), bytes)
      const status = yield* Context.get(nodes[3]!, Node).status
      assert.deepInclude(status, { joined: true, local: true, network: "local", contacts: 3, records: 9 })
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("keeps its sessions through hours of virtual time, or finds the way again", () =>
    Effect.gen(function* () {
      const [alice, bob] = yield* startAll("a", "b")
      const { cid } = yield* Context.get(alice!, Blobs).put(Stream.make(Uint8Array.of(1, 2, 3)))
      yield* TestClock.adjust("6 hours")
      const pieces = yield* Stream.runCollect(Context.get(bob!, Blobs).get(cid))
      assert.deepStrictEqual(concatBytes(pieces), Uint8Array.of(1, 2, 3))
      assert.isAtLeast((yield* Context.get(bob!, Node).status).uptimeSeconds, 6 * 3_600)
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("refuses an address that is none", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(start({ seed: "a", listen: ["nowhere"] })))
      assert.deepInclude(error, { _tag: "InvalidAddress", address: "nowhere" })
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("ends its sessions when its scope closes", () =>
    Effect.gen(function* () {
      const alice = yield* start({ seed: "a" })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const bob = yield* start({ seed: "b", bootstrap: TestNode.addressesOf(alice) })
          yield* Context.get(bob, Bootstrap).joined
          assert.strictEqual(Context.get(alice, SessionManager).list().length, 1)
        })
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(Context.get(alice, SessionManager).list().length, 0)
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("holds what an app puts where the network is mocked", () =>
    Effect.gen(function* () {
      const blobs = yield* Blobs
      const { cid } = yield* blobs.put(Stream.make(Uint8Array.of(9)))
      assert.deepStrictEqual(concatBytes(yield* Stream.runCollect(blobs.get(cid))), Uint8Array.of(9))
    }).pipe(Effect.provide(TestNode.mocked))
  )
})
