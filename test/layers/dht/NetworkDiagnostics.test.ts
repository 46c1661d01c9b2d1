import { assert, describe, it } from "@effect/vitest"
import { TestNetwork, type TestNode } from "allium/testing"
import { Effect, Fiber, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { proofOf } from "#core/dht/challenge"
import { compareDistance } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import * as NetworkDiagnostics from "#layers/dht/NetworkDiagnostics"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { hexOf } from "#schemas/bytes/bytes"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { Dht } from "#services/dht/Dht"
import { Diagnostics } from "#services/dht/Diagnostics"
import type { ServingMode } from "#services/dht/Membership"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable, type Whereabouts } from "#services/dht/RoutingTable"
import { Serving } from "#services/dht/Serving"
import { Identity } from "#services/identity/Identity"
import { Rpc, type RpcError, RpcTimeout } from "#services/rpc/Rpc"
import { ConnectFailed, type DialTarget, type Session } from "#services/session/SessionManager"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"
import { identity, peer, suite, table } from "./fixtures.ts"
import { addressAt, sessionsDouble, sessionWith } from "./sessionsDouble.ts"

const block = Uint8Array.of(1, 2, 3)
const key = suite.sha256(block)
const cid = cidOfDigest(RAW, key)
const NONE = new Uint8Array(0)

/** A node's way of answering; `me` is who asks. */
type Behaviour = (request: DhtRequest, me: Uint8Array, it: Contact) => Effect.Effect<DhtAnswer, RpcError>

const values = (...records: ReadonlyArray<Uint8Array>): Effect.Effect<DhtAnswer> =>
  Effect.succeed({ _tag: "Values", records, peers: [], more: false })
const failing = (tag: string) => Effect.fail(new RpcFailure({ tag, detail: "", data: null }))

const proving =
  (content: Uint8Array): Behaviour =>
  (request, me, it) =>
    request._tag === "Challenge"
      ? Effect.succeed({
          _tag: "Proof",
          proof: proofOf(suite.sha256, { nonce: request.nonce, asker: me, holder: it.nodeId }, content)
        })
      : values(content)

const behaviours: Record<string, Behaviour> = {
  honest: proving(block),
  liar: proving(Uint8Array.of(66)),
  empty: (request) => (request._tag === "Challenge" ? failing("NotFound") : values()),
  old: (request) => (request._tag === "Challenge" ? failing("UnknownMethod") : values(block)),
  busy: () => failing("Busy"),
  silent: () => Effect.fail(new RpcTimeout({ peer: "", method: "", milliseconds: 3_000 })),
  refused: () => Effect.fail(new ConnectFailed({ peer: "", layer: "transport", reason: "refused" })),
  endless: () => Effect.never
}

/** A node of the name that says how it behaves, and closest first. */
const behaving = (...names: ReadonlyArray<string>): ReadonlyArray<Contact> =>
  names
    .map((name) => peer(name, { addresses: [addressAt("/ip4/10.0.0.1/tcp/4150").bytes] }))
    .sort((a, b) => compareDistance(key, a.nodeId, b.nodeId))
const nameOf = (all: ReadonlyArray<string>) => (nodeId: string) =>
  all.find((name) => hexOf(peer(name).nodeId) === nodeId) ?? "me"

class World {
  closest: ReadonlyArray<Contact> = []
  providers: ReadonlyArray<Contact> = []
  /** Who does not answer a lookup. */
  silent: ReadonlyArray<Contact> = []
  mode: ServingMode = "client"
  lookup: Effect.Effect<void> = Effect.void
  readonly asked: Array<string> = []
  readonly looked: Array<Uint8Array> = []
  readonly dialled: Array<DialTarget> = []
  sessions: ReadonlyArray<Session> = []
  readonly known = new Map<string, Whereabouts>()

  readonly #rpc = Layer.effect(
    Rpc,
    Effect.map(Identity, ({ nodeId: me }) => ({
      call: () => Effect.die("not asked"),
      handle: () => Effect.void,
      handleAnonymous: () => Effect.void,
      handleDht: () => Effect.void,
      ping: () => Effect.die("not asked"),
      hello: () => undefined,
      roundTrip: () => 1.5,
      dht: (target, request) => {
        const it = [...this.closest, ...this.providers].find(({ nodeId }) => hexOf(nodeId) === hexOf(target.nodeId))!
        const name = Object.keys(behaviours).find((name) => peer(name).key === it.key) ?? ""
        this.asked.push(`${name} ${request._tag}`)
        return behaviours[name]!(request, me, it)
      }
    }))
  )

  readonly #queries = Layer.mock(QueryExecutor, {
    lookupNode: (target, options) => {
      this.looked.push(target)
      for (const contact of this.silent)
        options?.onStep?.({ contact, hop: 1, path: 0, outcome: "silent", milliseconds: 900, fresh: 0 })
      const report = {
        requests: 4,
        failures: 1,
        hops: 2,
        path: this.closest.map(({ nodeId }) => nodeId),
        milliseconds: 7
      }
      return Effect.as(this.lookup, { closest: this.closest, report })
    }
  })

  readonly #dht = Layer.mock(Dht, {
    findProviders: () =>
      Effect.succeed(this.providers.map(({ nodeId, publicKey }) => ({ nodeId, publicKey, issued: 1, expires: 2 })))
  })

  readonly #table = Layer.unwrap(
    Effect.map(RoutingTable, (fixture) =>
      Layer.succeed(RoutingTable, {
        ...fixture,
        closest: () => this.closest,
        whereabouts: (key) => this.known.get(key),
        isShareable: (key) => this.known.get(key)?.standing === "table",
        bucketOf: () => 9
      })
    )
  ).pipe(Layer.provide(table([])))

  readonly #sessions = sessionsDouble(
    () => this.sessions,
    (target) => {
      this.dialled.push(target)
      return target.addresses.some(({ port }) => port === 1)
        ? Effect.fail(new ConnectFailed({ peer: "", layer: "handshake", reason: "wrong peer" }))
        : Effect.succeed(sessionWith(peer("friend")))
    }
  )

  readonly run = <A, E>(body: Effect.Effect<A, E, Diagnostics | RecordStore | PinStore | Identity | Scope.Scope>) =>
    body.pipe(
      Effect.provide(NetworkDiagnostics.layer({ replicationFactor: 3 })),
      Effect.provide(
        Layer.mergeAll(
          this.#rpc,
          this.#queries,
          this.#dht,
          this.#table,
          this.#sessions,
          Layer.succeed(Serving, { mode: () => this.mode, become: () => Effect.void }),
          MemoryPinStore.layer,
          MemoryRecordStore.layer()
        ).pipe(Layer.provideMerge(identity("me")))
      ),
      Effect.scoped
    )
}

const explain = Effect.flatMap(Diagnostics, (it) => it.content(cid))
const explainPeer = (contact: Contact) => Effect.flatMap(Diagnostics, (it) => it.peer(contact.nodeId))

const keep = (bytes: Uint8Array, expires = 1_000) =>
  Effect.flatMap(RecordStore, (records) =>
    records.put([{ kind: RecordKind.Block, key, member: NONE, seq: 0, expires, storedBy: key, bytes }])
  )

describe("NetworkDiagnostics of content", () => {
  it.effect("challenges the closest for what this node holds, and tells what each one said", () => {
    const world = new World()
    const names = Object.keys(behaviours).filter((name) => name !== "endless")
    world.closest = behaving(...names)
    return world.run(
      Effect.gen(function* () {
        yield* keep(block)
        const told = yield* explain
        const said = Object.fromEntries(
          told.answers.map(({ answer, detail, nodeId }) => [nameOf(names)(nodeId), `${answer}: ${detail}`])
        )
        assert.deepStrictEqual(said, {
          honest: "holds: proved it",
          liar: "wrong proof: its proof is of other content",
          empty: "does not: it says that it has not",
          old: "holds: sent it",
          busy: "refused: dht: Busy",
          silent: "silent: rpc: no answer in 3000 ms",
          refused: "silent: transport: refused",
          me: "holds: this node"
        })
        assert.deepStrictEqual([told.local, told.localExpires, told.target, told.holders], [true, 1_000, 3, 3])
        assert.strictEqual(told.health, "healthy")
        assert.deepInclude(told.lookup, { finished: true, requests: 4, failures: 1, hops: 2, milliseconds: 7 })
        assert.deepStrictEqual(
          told.lookup.path,
          world.closest.map(({ nodeId }) => hexOf(nodeId))
        )
      })
    )
  })

  it.effect("has it sent where this node does not hold it, and takes no other bytes for it", () => {
    const world = new World()
    world.closest = behaving("honest", "liar", "empty")
    return world.run(
      Effect.gen(function* () {
        const told = yield* explain
        assert.sameMembers(world.asked, ["honest FindValue", "liar FindValue", "empty FindValue"])
        const answers = told.answers.map(({ answer, nodeId }) => [nameOf(["honest", "liar", "empty"])(nodeId), answer])
        assert.deepStrictEqual(Object.fromEntries(answers), { honest: "holds", liar: "wrong proof", empty: "does not" })
        assert.deepStrictEqual([told.local, told.localExpires, told.holders, told.health], [false, null, 1, "degraded"])
      })
    )
  })

  it.effect("expects it on the closest, as many as are wanted, itself among them where it serves", () => {
    const world = new World()
    world.closest = behaving("honest", "empty", "old", "busy")
    return world.run(
      Effect.gen(function* () {
        const { nodeId } = yield* Identity
        const expected = Effect.map(explain, ({ answers }) => answers.map((it) => [it.nodeId, it.expected]))
        const sorted = world.closest.map((it) => it.nodeId as Uint8Array)
        assert.deepStrictEqual(
          yield* expected,
          sorted.map((id, at) => [hexOf(id), at < 3])
        )
        world.mode = "server"
        sorted.push(nodeId)
        sorted.sort((a, b) => compareDistance(key, a, b))
        assert.deepStrictEqual(
          yield* expected,
          sorted.map((id, at) => [hexOf(id), at < 3])
        )
      })
    )
  })

  it.effect("names who did not answer the lookup, and expects nothing of him", () => {
    const world = new World()
    world.closest = behaving("honest", "empty", "old")
    world.silent = behaving("refused")
    return world.run(
      Effect.gen(function* () {
        const { answers } = yield* explain
        const [gone] = answers.filter(({ answer }) => answer === "silent")
        const detail = "it did not answer the lookup"
        assert.deepInclude(gone, { nodeId: hexOf(peer("refused").nodeId), expected: false, detail, milliseconds: 900 })
        assert.strictEqual(answers.filter(({ expected }) => expected).length, 3)
        assert.strictEqual(world.asked.length, 3, "it is not waited for again")
      })
    )
  })

  it.effect("says that a copy is critical when nobody else has one, and that a damaged one is none", () => {
    const world = new World()
    world.closest = behaving("empty")
    return world.run(
      Effect.gen(function* () {
        yield* keep(block)
        assert.deepInclude(yield* explain, { holders: 1, health: "critical", local: true })
        yield* keep(Uint8Array.of(1, 2, 7))
        assert.deepInclude(yield* explain, { holders: 0, health: "critical", local: false, localExpires: null })
      })
    )
  })

  it.effect("tells whether this node refreshes it, and how many copies it then wants", () => {
    const world = new World()
    world.closest = behaving("honest", "old")
    return world.run(
      Effect.gen(function* () {
        assert.deepInclude(yield* explain, { pinned: null, target: 3, health: "degraded" })
        const times = { created: 1, refreshed: 2, due: 77 }
        const pin = { kind: 0, key, tree: false, factor: 2, priority: 0, size: 3, copies: -1, proven: 0, ...times }
        yield* (yield* PinStore).put([pin])
        assert.deepInclude(yield* explain, { pinned: { factor: 2, nextRefresh: 77 }, target: 2, health: "healthy" })
      })
    )
  })

  it.effect("asks whoever announced it and is known, however far away", () => {
    const world = new World()
    world.closest = behaving("empty")
    const [known, stranger] = [peer("honest"), peer("old")]
    world.providers = [known, stranger]
    world.sessions = [sessionWith(known)]
    return world.run(
      Effect.gen(function* () {
        const told = yield* explain
        assert.sameMembers(world.asked, ["empty FindValue", "honest FindValue"])
        assert.deepStrictEqual(told.providers, [hexOf(known.nodeId), hexOf(stranger.nodeId)])
        const answer = told.answers.find(({ nodeId }) => nodeId === hexOf(known.nodeId))
        assert.deepInclude(answer, { answer: "holds", expected: false })
        assert.match(answer?.address ?? "", /^\/ip4\/127\.0\.0\.1\/tcp\/4150\/p2p\/Qm/)
      })
    )
  })

  it.effect("ends in time where a lookup and a node do not", () => {
    const world = new World()
    world.closest = behaving("endless", "honest")
    world.lookup = Effect.never
    return world.run(
      Effect.gen(function* () {
        const explaining = yield* Effect.forkChild(explain)
        yield* TestClock.adjust("29 seconds")
        assert.isUndefined(explaining.pollUnsafe())
        yield* TestClock.adjust("1 second")
        const told = yield* Fiber.join(explaining)
        assert.isFalse(told.lookup.finished)
        assert.sameMembers(
          told.answers.map(({ answer, milliseconds }) => `${answer} ${milliseconds}`),
          ["silent 15000", "holds 0"]
        )
      })
    )
  })
})

describe("NetworkDiagnostics of a peer", () => {
  const at = (port: number, name: string) => peer(name, { addresses: [addressAt(`/ip4/10.0.0.1/tcp/${port}`).bytes] })
  const standing = (contact: Contact, failures = 0): Whereabouts => ({
    standing: failures < 3 ? "table" : "retired",
    contact,
    verifiedAt: failures < 3 ? 50 : Number.NEGATIVE_INFINITY,
    lastSeen: failures < 3 ? 60 : undefined,
    failures
  })

  it.effect("shows the session that is open, and dials nobody", () => {
    const world = new World()
    const friend = at(2, "friend")
    world.known.set(friend.key, standing(friend))
    world.sessions = [sessionWith(friend, 1_000)]
    return world.run(
      Effect.gen(function* () {
        yield* TestClock.adjust("61 seconds")
        const told = yield* explainPeer(friend)
        assert.deepInclude(told, { bucket: 9, standing: "table", verifiedAt: 50, lastSeen: 60, failures: 0 })
        assert.deepInclude(told, { shareable: true, dial: null })
        assert.deepInclude(told.session, { dialled: true, sinceSeconds: 60, roundTripMillis: 1.5, agent: null })
        assert.deepStrictEqual([world.dialled, world.looked], [[], []])
      })
    )
  })

  it.effect("dials whom it has no session with, and says where that ended", () => {
    const world = new World()
    const [well, ill] = [at(2, "well"), at(1, "ill")]
    world.known.set(well.key, standing(well))
    world.known.set(ill.key, standing(ill, 3))
    return world.run(
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* explainPeer(well)).dial, { reached: true, layer: "session", reason: "" })
        const told = yield* explainPeer(ill)
        assert.deepInclude(told, { standing: "retired", verifiedAt: null, lastSeen: null, failures: 3, session: null })
        assert.deepStrictEqual(told.dial, { reached: false, layer: "handshake", reason: "wrong peer" })
        assert.deepStrictEqual(world.looked, [])
      })
    )
  })

  it.effect("looks up whom it does not know, and says so where nobody does", () => {
    const world = new World()
    world.closest = [at(2, "far")]
    return world.run(
      Effect.gen(function* () {
        assert.deepInclude(yield* explainPeer(peer("far")), {
          standing: "unknown",
          dial: { reached: true, layer: "session", reason: "" }
        })
        const { addresses, dial } = yield* explainPeer(peer("nobody"))
        assert.deepStrictEqual([addresses, dial?.reached, dial?.layer], [[], false, "address"])
        assert.strictEqual(world.looked.length, 2)
      })
    )
  })

  it.effect("dials the address that it was told, on its owner's word", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const diagnostics = yield* Diagnostics
        const told = yield* diagnostics.peer(peer("far").nodeId, addressAt("/ip4/127.0.0.1/tcp/1"))
        assert.strictEqual(told.dial?.reason, "wrong peer")
        assert.isTrue(world.dialled[0]?.trusted)
        assert.deepStrictEqual(world.looked, [])
      })
    )
  })
})

describe("NetworkDiagnostics on a network", () => {
  const content = (node: TestNode) => node.run(Effect.flatMap(Diagnostics, (it) => it.content(cid)))
  const put = (node: TestNode) => node.run(Effect.flatMap(Dht, (dht) => dht.putBlock(block)))

  it.effect(
    "counts the holders before and after some have gone, from a node that holds it and from one that does not",
    () =>
      Effect.gen(function* () {
        const network = yield* TestNetwork.make({ nodes: 9, replicationFactor: 4 })
        const { holders } = yield* put(network.node(0))
        const held = new Set(holders.map((id: NodeId) => hexOf(id)))
        const outsider = network.nodes.find(({ nodeId }) => !held.has(hexOf(nodeId)))!
        for (const node of [network.node(0), outsider]) {
          const told = yield* content(node)
          const found = told.answers.filter(({ answer }) => answer === "holds").map(({ nodeId }) => nodeId)
          assert.deepStrictEqual(new Set(found), held)
          assert.deepInclude(told, { target: 4, holders: held.size, health: "healthy" })
          assert.deepStrictEqual(told.providers, [])
          assert.isAbove(told.lookup.path.length, 0)
          for (const { answer, expected } of told.answers) if (expected) assert.strictEqual(answer, "holds")
        }
        const gone = network.nodes.filter((node) => node !== network.node(0) && held.has(hexOf(node.nodeId)))
        for (const node of gone.slice(0, -1)) yield* node.crash({ power: true })
        const told = yield* content(network.node(0))
        assert.deepInclude(told, { holders: 2, health: "degraded" })
      })
  )

  it.effect("says of a dead node where dialling it ended, and of a live one that a session is open", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 4 })
      const peerOf = (node: TestNode) => network.node(0).run(Effect.flatMap(Diagnostics, (it) => it.peer(node.nodeId)))
      assert.deepInclude(yield* peerOf(network.node(1)), { standing: "table", dial: null })
      yield* network.node(2).crash()
      yield* network.advance("2 minutes")
      const told = yield* peerOf(network.node(2))
      assert.deepInclude(told, { session: null })
      assert.deepInclude(told.dial, { reached: false, layer: "transport" })
    })
  )
})
