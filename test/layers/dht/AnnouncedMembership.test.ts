import { assert, describe, it } from "@effect/vitest"
import { TestNetwork } from "allium/testing"
import { Effect, Layer, Result, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { signAnnouncement } from "#core/dht/signRecord"
import * as AnnouncedMembership from "#layers/dht/AnnouncedMembership"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import * as Announcement from "#schemas/dht/Announcement"
import { OPEN_NAMESPACE, RecordKind } from "#schemas/dht/Record"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht } from "#services/dht/Dht"
import { Membership } from "#services/dht/Membership"
import { Serving } from "#services/dht/Serving"
import { Identity } from "#services/identity/Identity"
import { ConnectFailed, type DialTarget } from "#services/session/SessionManager"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"
import { identity, networkId, peer, signingOf, suite, table } from "./fixtures.ts"
import { addressAt, sessionsDouble, sessionWith } from "./sessionsDouble.ts"

const DAY = 86_400

const keyOf = (name: string, authority: Uint8Array = OPEN_NAMESPACE) =>
  suite.sha256(Announcement.keyPreimage(authority, name))

/** What somebody says of himself. */
const announced = (who: string, name: string, issued = 0, authority = OPEN_NAMESPACE): Uint8Array =>
  signAnnouncement(
    { signing: signingOf(who), networkId },
    { authority, name, issued, expires: issued + DAY, grants: [] }
  )

const row = (bytes: Uint8Array) => {
  const { authority, expires, issued, name, node } = Result.getOrThrow(Announcement.read(bytes))
  const kind = RecordKind.Announcement
  return { kind, key: keyOf(name, authority), member: node, seq: issued, expires, storedBy: node, bytes }
}

/** One node's Membership, on a network that is nothing but its own store. */
class World {
  /** Name and unix seconds of each announcement made. */
  readonly said: Array<readonly [string, number]> = []
  readonly dialled: Array<DialTarget> = []

  readonly #dht = Layer.unwrap(
    Effect.map(Effect.all([RecordStore, PinStore]), ([records, pins]) =>
      Layer.mock(Dht, {
        putRecord: (kind, bytes, options) => {
          const stored = row(bytes)
          this.said.push([Result.getOrThrow(Announcement.read(bytes)).name, stored.seq])
          const lookup = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }
          const receipt = {
            key: stored.key,
            status: "stored" as const,
            reached: 1,
            factor: 5,
            holders: [],
            expires: stored.expires,
            lookup
          }
          assert.isTrue(options?.keep, "nobody would say it again")
          const times = { created: 0, refreshed: 0, due: 0, size: 0, copies: 0, proven: -1 }
          const pin = { kind, key: stored.key, tree: false, factor: 5, priority: 0, ...times }
          return Effect.orDie(Effect.all([records.put([stored]), pins.put([pin])])).pipe(Effect.as(receipt))
        },
        getRecords: (kind, key) =>
          Effect.map(records.get(kind, key), (rows) => rows.map((it) => ({ ...it, limit: 64, rank: 0 })))
      })
    )
  )

  readonly #sessions = sessionsDouble(
    () => [sessionWith(peer("friend")), sessionWith(peer("client"))],
    (target) => {
      this.dialled.push(target)
      return target.addresses[0]?.port === 1
        ? Effect.fail(new ConnectFailed({ peer: "", layer: "transport", reason: "refused" }))
        : Effect.succeed(sessionWith(peer("friend")))
    }
  )

  readonly run = <A, E>(body: Effect.Effect<A, E, Membership | PinStore | RecordStore | Identity | Scope.Scope>) =>
    Effect.provide(
      body,
      AnnouncedMembership.layer.pipe(
        Layer.provide([
          this.#dht,
          this.#sessions,
          Layer.succeed(Bootstrap, { isBootstrapped: () => true, joined: Effect.void }),
          Layer.succeed(Serving, { mode: () => "client" as const, become: () => Effect.void }),
          table([peer("friend"), peer("other")])
        ]),
        Layer.provideMerge(Layer.merge(MemoryRecordStore.layer(), MemoryPinStore.layer)),
        Layer.provideMerge(identity("me"))
      )
    ).pipe(Effect.scoped)
}

const announce = (role: string) => Effect.flatMap(Membership, (membership) => membership.announceRole(role))

describe("AnnouncedMembership", () => {
  it.effect("signs an announcement that lives a day, roles and capabilities under names of their own", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const [membership, { publicKey }] = [yield* Membership, yield* Identity]
        const records = yield* RecordStore
        yield* TestClock.adjust("100 seconds")
        const receipt = yield* membership.announceRole("printer")
        yield* membership.announceCapability("printer")
        assert.deepStrictEqual(world.said, [
          ["role/printer", 100],
          ["cap/printer", 100]
        ])
        assert.deepStrictEqual([receipt.key, receipt.expires], [keyOf("role/printer"), 100 + DAY])
        const [held] = yield* records.get(RecordKind.Announcement, keyOf("role/printer"))
        const read = Result.getOrThrow(Announcement.read(held!.bytes))
        assert.deepStrictEqual([read.node, read.authority, read.grants], [publicKey, OPEN_NAMESPACE, []])
      })
    )
  })

  it.effect("finds the latest first, in one namespace and under one name", () => {
    const world = new World()
    const authority = signingOf("authority").publicKey
    return world.run(
      Effect.gen(function* () {
        const [membership, records] = [yield* Membership, yield* RecordStore]
        yield* TestClock.adjust("50 seconds")
        yield* records.put([
          row(announced("early", "role/printer", 10)),
          row(announced("late", "role/printer", 20)),
          row(announced("able", "cap/printer", 30)),
          row(announced("granted", "role/printer", 40, authority as typeof OPEN_NAMESPACE))
        ])
        const found = yield* membership.findPeersByRole("printer")
        assert.deepStrictEqual(
          found.map(({ expires, issued, nodeId }) => [nodeId, issued, expires]),
          [
            [peer("late").nodeId, 20, 20 + DAY],
            [peer("early").nodeId, 10, 10 + DAY]
          ]
        )
        assert.deepStrictEqual(
          (yield* membership.findPeersByCapability("printer")).map(({ nodeId }) => nodeId),
          [peer("able").nodeId]
        )
        const inName = yield* membership.findPeersByRole("printer", { authority: peer("authority").publicKey })
        assert.deepStrictEqual(
          inName.map(({ publicKey }) => publicKey),
          [peer("granted").publicKey]
        )
      })
    )
  })

  it.effect("refuses a name that is too long, and finds nobody under one", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const membership = yield* Membership
        assert.strictEqual((yield* Effect.flip(announce("ä".repeat(30))))._tag, "InvalidRecord")
        assert.strictEqual((yield* Effect.flip(membership.announceCapability("a".repeat(61))))._tag, "InvalidRecord")
        assert.deepStrictEqual(world.said, [])
        assert.deepStrictEqual(yield* membership.findPeersByRole("a".repeat(60)), [])
        yield* announce("a".repeat(59))
        yield* membership.announceCapability("a".repeat(60))
        assert.strictEqual(world.said.length, 2)
      })
    )
  })

  it.effect("takes back what it said, and only that", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const [membership, pins, records] = [yield* Membership, yield* PinStore, yield* RecordStore]
        yield* announce("printer")
        yield* announce("scanner")
        yield* membership.announceCapability("printer")
        yield* records.put([row(announced("other", "role/printer"))])
        yield* membership.withdrawRole("printer")
        yield* membership.withdrawRole("nothing")
        const kept = yield* pins.list(undefined, 10)
        assert.sameDeepMembers(
          kept.map(({ key }) => key),
          [keyOf("role/scanner"), keyOf("cap/printer")]
        )
        const held = yield* records.get(RecordKind.Announcement, keyOf("role/printer"))
        assert.deepStrictEqual(
          held.map(({ member }) => member),
          [peer("other").publicKey as Uint8Array]
        )
        yield* membership.withdrawCapability("printer")
        assert.strictEqual(yield* pins.count, 1)
      })
    )
  })

  it.effect("registers a peer by its whole address, and says which layer failed", () => {
    const world = new World()
    const id = "QmPZ9gcCEpqKTo6aq61g2nXGUhM4iCL3ewB6LDXZCtioEB"
    return world.run(
      Effect.gen(function* () {
        const { registerPeer } = yield* Membership
        assert.deepStrictEqual(yield* registerPeer(addressAt(`/ip4/127.0.0.1/tcp/2/p2p/${id}`)), peer("friend").nodeId)
        assert.isTrue(world.dialled[0]?.trusted, "the operator's word is enough for a private address")
        const refused = yield* Effect.flip(registerPeer(addressAt(`/ip4/127.0.0.1/tcp/1/p2p/${id}`)))
        assert.strictEqual(refused.layer, "transport")
        const nobody = yield* Effect.flip(registerPeer(addressAt("/ip4/127.0.0.1/tcp/2")))
        assert.strictEqual(nobody.layer, "address")
      })
    )
  })

  it.effect("counts whom it knows, each once", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const membership = yield* Membership
        yield* announce("printer")
        yield* TestClock.adjust("90 seconds")
        // One of the two sessions is with a node of the table; the fixture's `find` knows of none.
        const stats = { peers: 4, tableSize: 2, connected: 2, keys: 1, uptimeSeconds: 90, mode: "client" }
        assert.deepStrictEqual(yield* membership.stats, stats as never)
        assert.deepStrictEqual([membership.mode(), membership.isBootstrapped()], ["client", true])
      })
    )
  })
})

describe("AnnouncedMembership on a network", () => {
  it.effect("lets others find a role for as long as the node says it, and a day after it was withdrawn no longer", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 4, sessions: "plain", tempo: "calm" })
      const [printer, reader] = [network.node(1), network.node(3)]
      yield* printer.run(announce("printer"))
      const found = Effect.map(reader.run(Effect.flatMap(Membership, (it) => it.findPeersByRole("printer"))), (peers) =>
        peers.map(({ nodeId }) => nodeId)
      )
      assert.deepStrictEqual(yield* found, [printer.nodeId])
      yield* network.advance("13 hours")
      yield* printer.stop
      yield* printer.start
      yield* network.advance("25 hours")
      assert.deepStrictEqual(yield* found, [printer.nodeId])
      yield* printer.run(Effect.flatMap(Membership, (it) => it.withdrawRole("printer")))
      yield* network.advance("25 hours")
      assert.deepStrictEqual(yield* found, [])
    })
  )
})
