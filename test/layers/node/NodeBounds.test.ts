import { assert, describe, it } from "@effect/vitest"
import { TestNetwork } from "allium/testing"
import { Context, Effect, Exit, Scope } from "effect"
import * as NodeBounds from "#layers/node/NodeBounds"
import { Dht } from "#services/dht/Dht"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"
import { hub, localNode } from "./localNode.ts"

/** Of a network that is not local. */
const HOSTS = "half-open connections of a host"

const watched = [
  "addresses to verify",
  "answers kept for onions",
  "answers kept for sessions",
  "answers with missing parts",
  "asked peers without a session",
  "authors of a document",
  "back-offs of meshes",
  "bad scores of peers that left",
  "banned peers",
  "bytes of answers kept for onions",
  "bytes of answers kept for sessions",
  "bytes of cached messages",
  "bytes of cells held back",
  "bytes of cells held back of a session",
  "bytes of onion envelopes with missing parts",
  "bytes of operations that came early",
  "bytes to be sent in a session",
  "bytes waiting for a next hop",
  "cached messages",
  "callers waiting for a peer",
  "callers waiting for a peer that has room",
  "charged peers",
  "comparisons of documents",
  "comparisons under way",
  "dialled handshakes",
  "dials",
  "documents kept equal",
  "doubted delegates",
  "doubted recipients",
  "envelopes for a subscriber",
  "envelopes handed to peers",
  "ephemeral keys",
  "fan-outs",
  "gossip neighbours without a session",
  "guards",
  "half-open connections",
  "hinted contacts",
  "known peers",
  "lookups of recipients",
  "members of a mesh",
  "messages asked for",
  "messages being judged",
  "messages for a subscriber",
  "newcomers to compare with",
  "newcomers to the routing table",
  "next hops being dialled",
  "nodes looked for by delegates",
  "onion envelopes under way",
  "onion envelopes with missing parts",
  "open logs",
  "operations for anonymous askers",
  "operations that came early",
  "operations that were looked for",
  "peeled answers",
  "peeled cells",
  "peers dialled for answers",
  "peers in back-off",
  "peers that are dialled back",
  "peers that compare",
  "peers to compare a document with",
  "peers whose documents cannot be joined",
  "peers with cells without a session",
  "peers with known outcomes",
  "proofs of equivocation",
  "puts waiting for the disk",
  "questions without an answer",
  "reads of documents for peers",
  "receipts",
  "recipients that were looked up",
  "relays",
  "relays of a network",
  "reply blocks given out",
  "requests in envelopes",
  "requests in envelopes of neighbours",
  "requests in flight to a peer",
  "requests out of onions",
  "requests served for a peer",
  "retired contacts",
  "routes",
  "routing table",
  "seen envelopes",
  "seen envelopes to be written",
  "seen messages",
  "served peers without a session",
  "sessions",
  "slow requests of lookups that are over",
  "spent work",
  "stored bytes",
  "storing networks",
  "storing peers",
  "storing peers of a network",
  "topics of a neighbour",
  "verified records",
  "work of anonymous stores"
]

const bounds = Effect.map(Bounds, (it) => it.list())
const sizes = Effect.map(bounds, (list) => Object.fromEntries(list.map(({ name, size }) => [name, size()])))

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
      const network = yield* TestNetwork.make({ nodes: 2, storage: "sqlite" })
      const [a, b] = [network.node(0), network.node(1)]
      const list = yield* a.run(bounds)
      assert.deepStrictEqual(list.map(({ name }) => name).sort(), [...watched, HOSTS].sort())
      assert.isTrue(list.every(({ limit, size }) => size() <= limit))
      yield* b.run(Effect.flatMap(Dht, (dht) => dht.putMutable(Uint8Array.of(1), new Uint8Array(100))))
      const inA = yield* a.run(sizes)
      assert.deepInclude(inA, { sessions: 1, "routing table": 1, "known peers": 1, "storing peers": 1 })
      assert.deepInclude(inA, { "verified records": 1, "asked peers without a session": 0 })
      assert.isAbove(inA["stored bytes"] ?? 0, 200)
      assert.deepInclude(yield* b.run(sizes), { "storing peers": 0, "verified records": 1 })
      yield* a.run(Effect.map(SessionManager, (sessions) => sessions.charge("somebody", "timeout")))
      assert.deepInclude(yield* a.run(sizes), { "charged peers": 1, "banned peers": 0 })
    })
  )

  it.effect("watches the connections of each host only on a network that is not local", () =>
    Effect.gen(function* () {
      const othersOf = (local: boolean) =>
        Effect.map(localNode("a", { local }), (node) =>
          Context.get(node, Bounds)
            .list()
            .flatMap(({ name }) => (watched.includes(name) ? [] : [name]))
        )
      assert.deepStrictEqual([yield* othersOf(false), yield* othersOf(true)], [[HOSTS], []])
    }).pipe(Effect.provide(hub))
  )
})
