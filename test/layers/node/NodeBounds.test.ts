import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as NodeBounds from "#layers/node/NodeBounds"
import * as TestNode from "#layers/node/Test"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht } from "#services/dht/Dht"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"

const watched = [
  "addresses to verify",
  "asked peers without a session",
  "banned peers",
  "bytes to be sent in a session",
  "callers waiting for a peer",
  "charged peers",
  "dialled handshakes",
  "dials",
  "envelopes for a subscriber",
  "half-open connections",
  "hinted contacts",
  "known peers",
  "newcomers to the routing table",
  "peers in back-off",
  "puts waiting for the disk",
  "requests in flight to a peer",
  "requests served for a peer",
  "retired contacts",
  "routing table",
  "seen envelopes",
  "served peers without a session",
  "sessions",
  "stored bytes",
  "storing networks",
  "storing peers",
  "storing peers of a network",
  "verified records"
]

const sizes = (node: Context.Context<never>) =>
  Object.fromEntries(
    Context.get(node, Bounds)
      .list()
      .map(({ name, size }) => [name, size()])
  )

describe("NodeBounds", () => {
  it.effect("forgets a collection when its layer closes", () =>
    Effect.gen(function* () {
      const bounds = yield* NodeBounds.make
      const scope = yield* Scope.make()
      yield* bounds.watch("things", 3, () => 2).pipe(Scope.provide(scope))
      const [things] = bounds.list()
      assert.deepStrictEqual([things?.name, things?.limit, things?.size()], ["things", 3, 2])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(bounds.list(), [])
    })
  )

  it.effect("hears of every collection of a node, each node of its own, and of what really is in them", () =>
    Effect.gen(function* () {
      const a = yield* Layer.build(TestNode.layer({ seed: "a" }))
      const b = yield* Layer.build(TestNode.layer({ seed: "b", bootstrap: TestNode.addressesOf(a) }))
      yield* Context.get(b, Bootstrap).joined
      const bounds = Context.get(a, Bounds).list()
      assert.deepStrictEqual(bounds.map(({ name }) => name).sort(), watched)
      assert.isTrue(bounds.every(({ limit, size }) => size() <= limit))
      yield* Context.get(b, Dht).putMutable(Uint8Array.of(1), new Uint8Array(100))
      assert.deepInclude(sizes(a), { sessions: 1, "routing table": 1, "known peers": 1, "storing peers": 1 })
      assert.deepInclude(sizes(a), { "verified records": 1, "asked peers without a session": 0 })
      assert.isAbove(sizes(a)["stored bytes"] ?? 0, 200)
      assert.deepInclude(sizes(b), { "storing peers": 0, "verified records": 1 })
      Context.get(a, SessionManager).charge("somebody", "timeout")
      assert.deepInclude(sizes(a), { "charged peers": 1, "banned peers": 0 })
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("watches the connections of each host on a network that is not local", () =>
    Effect.gen(function* () {
      const node = yield* Layer.build(TestNode.layer({ seed: "a", local: false }))
      assert.deepStrictEqual(
        Object.keys(sizes(node)).filter((name) => !watched.includes(name)),
        ["half-open connections of a host"]
      )
    }).pipe(Effect.provide(TestNode.world))
  )
})
