import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Fiber, Layer, Logger, Result } from "effect"
import { TestClock } from "effect/testing"
import { commonPrefixLength } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import * as RoundsBootstrap from "#layers/dht/RoundsBootstrap"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as MemoryPeerStore from "#layers/storage/MemoryPeerStore"
import { keyOf } from "#schemas/bytes/bytes"
import { type Address, expecting, parseAddress } from "#schemas/transport/Address"
import { Bootstrap } from "#services/dht/Bootstrap"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { ConnectFailed, type Session } from "#services/session/SessionManager"
import { PeerStore } from "#services/storage/PeerStore"
import { hello } from "../../laws/hello.ts"
import { forged, peer, table } from "./fixtures.ts"
import { sessionsBut } from "./sessionsDouble.ts"

const at = (name: string): Address =>
  expecting(Result.getOrThrow(parseAddress("/ip4/203.0.113.7/tcp/1")), peer(name).nodeId)

interface Parts {
  readonly bootstrap: Bootstrap["Service"]
  readonly store: PeerStore["Service"]
  /** Keys of whom the node dialled, in order, and which lookups it made. */
  readonly dialled: Array<string>
  readonly trusted: Array<boolean>
  readonly lookups: Array<Uint8Array>
  readonly alive: Set<string>
  /** Who is never heard of again once dialled. */
  readonly silent: Set<string>
  readonly book: KnownPeers["Service"]
  readonly warnings: Array<string>
  /** Whom the table was given back, and when each was verified. */
  readonly restored: Array<readonly [string, number]>
  readonly nodeId: Uint8Array
}

interface Setting {
  readonly list?: ReadonlyArray<Address>
  readonly saved?: ReadonlyArray<Contact>
  /** Unix seconds at which they were verified; the n-th one n seconds earlier. */
  readonly savedAt?: number
  readonly now?: number
  readonly known?: ReadonlyArray<Contact>
  readonly open?: boolean
  /** Buckets that nobody looked into for an hour. */
  readonly idle?: ReadonlyArray<number>
  /** Lookups take so long. */
  readonly lookupTakes?: Duration.Input
}

const withBootstrap = (setting: Setting, body: (parts: Parts) => Effect.Effect<void, unknown>) =>
  Effect.gen(function* () {
    const dialled: Array<string> = []
    const trusted: Array<boolean> = []
    const lookups: Array<Uint8Array> = []
    const [alive, silent] = [new Set<string>(), new Set<string>()]
    const warnings: Array<string> = []
    const restored: Array<readonly [string, number]> = []
    yield* TestClock.setTime((setting.now ?? 0) * 1_000)
    const session = (contact: Contact): Session => ({
      contact,
      hello,
      dialled: true,
      address: at("a"),
      since: 0,
      isOpen: () => true,
      takesRequests: () => true,
      offer: () => true,
      send: () => Effect.void,
      closed: Effect.never,
      close: () => Effect.void
    })
    const sessions = sessionsBut({
      connect: (target) =>
        Effect.suspend(() => {
          dialled.push(keyOf(target.nodeId))
          trusted.push(target.trusted === true)
          if (silent.has(keyOf(target.nodeId))) return Effect.never
          return alive.has(keyOf(target.nodeId))
            ? Effect.succeed(session(peer("a")))
            : new ConnectFailed({ peer: "", layer: "transport", reason: "refused" })
        })
    })
    const queries = Layer.mock(QueryExecutor, {
      lookupNode: (target) =>
        Effect.sync(() => {
          lookups.push(target)
          return { closest: [], report: { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 } }
        }).pipe(Effect.delay(setting.lookupTakes ?? 0))
    })
    const saved = (setting.saved ?? []).map((it, at) => ({
      nodeId: it.nodeId,
      record: it.bytes,
      lastSeen: (setting.savedAt ?? 1) - at
    }))
    const known = setting.known ?? []
    const whereabouts = (key: string) =>
      known
        .filter((contact) => contact.key === key)
        .map((contact) => ({ standing: "table" as const, contact, verifiedAt: 0, lastSeen: 0, failures: 0 }))[0]
    const world = Layer.mergeAll(
      sessions,
      queries,
      table(known, true, {
        idle: () => setting.idle ?? [],
        whereabouts,
        restore: ({ key }, verifiedAt) => void restored.push([key, verifiedAt])
      }),
      MemoryPeerStore.layer(saved)
    )
    const identity = KeyStoreIdentity.layer({ network: "local", local: setting.open !== true }).pipe(
      Layer.provideMerge(MemoryKeyStore.layer),
      Layer.provideMerge(SeededRandom.layer("me")),
      Layer.provideMerge(NodeCrypto.layer)
    )
    const layer = RoundsBootstrap.layer({ addresses: setting.list ?? [] }).pipe(
      Layer.provideMerge(VerifiedPeers.layer),
      Layer.provideMerge(identity),
      Layer.provideMerge(world)
    )
    const logger = Logger.make(({ message }) => void warnings.push([message].flat().join(" ")))
    yield* Effect.gen(function* () {
      const [bootstrap, store, book] = [yield* Bootstrap, yield* PeerStore, yield* KnownPeers]
      const { nodeId } = yield* Identity
      yield* body({ bootstrap, store, book, nodeId, dialled, trusted, lookups, alive, silent, warnings, restored })
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([logger])))
  })

describe("RoundsBootstrap", () => {
  it.effect("has joined at once where there is nobody to try", () =>
    withBootstrap(
      {},
      Effect.fnUntraced(function* ({ bootstrap, dialled }) {
        yield* bootstrap.joined
        assert.isTrue(bootstrap.isBootstrapped())
        assert.strictEqual(dialled.length, 0)
      })
    )
  )

  it.effect("looks up its own id once a node of the list answered, whom the user vouches for", () =>
    withBootstrap(
      { list: [at("a"), at("b")] },
      Effect.fnUntraced(function* ({ alive, bootstrap, lookups, trusted }) {
        alive.add(peer("b").key)
        yield* bootstrap.joined
        assert.strictEqual(lookups.length, 1)
        assert.deepStrictEqual(trusted, [true, true])
      })
    )
  )

  it.effect("fails naming every address and why, and goes on trying every 30 seconds", () =>
    withBootstrap(
      { list: [at("a"), Result.getOrThrow(parseAddress("/ip4/203.0.113.7/tcp/1"))] },
      Effect.fnUntraced(function* ({ alive, bootstrap, dialled }) {
        const failed = yield* Effect.flip(bootstrap.joined)
        assert.deepStrictEqual(
          failed.tried.map((it) => it.reason.split(":")[0]),
          ["transport", "address"]
        )
        assert.isFalse(bootstrap.isBootstrapped())
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(dialled.length, 1)
        alive.add(peer("a").key)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(dialled.length, 2)
        assert.isTrue(bootstrap.isBootstrapped())
      })
    )
  )

  it.effect("tries saved peers first, as strangers, and spares the list when three of them live", () =>
    withBootstrap(
      { list: [at("listed")], saved: ["a", "b", "c", "d"].map((name) => peer(name)) },
      Effect.fnUntraced(function* ({ alive, bootstrap, dialled, trusted }) {
        for (const name of ["a", "c", "d"]) alive.add(peer(name).key)
        yield* bootstrap.joined
        assert.isFalse(dialled.includes(peer("listed").key))
        assert.isFalse(trusted.includes(true))
      })
    )
  )

  it.effect("puts the saved table back, longest unseen first, but for those of the day before", () =>
    withBootstrap(
      { saved: ["a", "b", "c"].map((name) => peer(name, { expires: 1_000_000 })), savedAt: 10_002, now: 96_400 },
      Effect.fnUntraced(function* ({ bootstrap, restored }) {
        yield* Effect.exit(bootstrap.joined)
        assert.deepStrictEqual(restored, [
          [peer("b").key, 10_001],
          [peer("a").key, 10_002]
        ])
      })
    )
  )

  it.effect("meets no more than eight of the saved peers while these live", () =>
    withBootstrap(
      { saved: Array.from({ length: 30 }, (_, at) => peer(`${at}`)) },
      Effect.fnUntraced(function* ({ alive, bootstrap, dialled, restored }) {
        for (let at = 1; at < 30; at++) alive.add(peer(`${at}`).key)
        yield* bootstrap.joined
        assert.isAtLeast(dialled.length, 9)
        assert.isBelow(dialled.length, 18)
        assert.strictEqual(restored.length, 30)
      })
    )
  )

  it.effect("asks the list as well when few saved peers live, and ignores records that do not verify", () =>
    withBootstrap(
      { list: [at("listed")], saved: [peer("a"), forged(peer("b"))] },
      Effect.fnUntraced(function* ({ alive, bootstrap, dialled }) {
        alive.add(peer("listed").key)
        yield* bootstrap.joined
        assert.deepStrictEqual(dialled, [peer("a").key, peer("listed").key])
      })
    )
  )

  it.effect("waits up to five seconds before it joins an open network", () =>
    withBootstrap(
      { list: [at("a")], open: true },
      Effect.fnUntraced(function* ({ alive, bootstrap, dialled }) {
        alive.add(peer("a").key)
        const joined = yield* Effect.forkChild(bootstrap.joined)
        yield* TestClock.adjust(0)
        assert.strictEqual(dialled.length, 0)
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(joined)
        assert.strictEqual(dialled.length, 1)
      })
    )
  )

  it.effect("looks up a random id every minute, and saves the table every five", () =>
    withBootstrap(
      { known: [peer("a"), peer("b")] },
      Effect.fnUntraced(function* ({ bootstrap, lookups, store }) {
        yield* bootstrap.joined
        yield* TestClock.adjust("3 minutes")
        assert.strictEqual(lookups.length, 3)
        assert.strictEqual(new Set(lookups.map(keyOf)).size, 3)
        assert.strictEqual((yield* store.load).length, 0)
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* store.load).length, 2)
      })
    )
  )

  it.effect("gives a round 30 seconds, and names who was silent", () =>
    withBootstrap(
      { list: [at("a"), at("b")] },
      Effect.fnUntraced(function* ({ bootstrap, silent, warnings }) {
        silent.add(peer("a").key)
        const failed = yield* Effect.forkChild(Effect.flip(bootstrap.joined))
        yield* TestClock.adjust("30 seconds")
        const { tried } = yield* Fiber.join(failed)
        assert.deepStrictEqual(
          tried.map(({ reason }) => reason),
          ["transport: no answer in time", "transport: refused"]
        )
        assert.strictEqual(warnings.length, 1)
      })
    )
  )

  it.effect("has joined when somebody answered, however long the rest of the round takes", () =>
    withBootstrap(
      { list: [at("a"), at("b")], lookupTakes: "2 minutes" },
      Effect.fnUntraced(function* ({ alive, bootstrap, silent, warnings }) {
        alive.add(peer("a").key)
        silent.add(peer("b").key)
        yield* TestClock.adjust("1 minute")
        yield* bootstrap.joined
        assert.isTrue(bootstrap.isBootstrapped())
        assert.deepStrictEqual(warnings, [])
      })
    )
  )

  it.effect("looks up an id in each idle bucket, one after the other and not too many at a time", () =>
    withBootstrap(
      { known: [peer("a")], idle: Array.from({ length: 40 }, (_, n) => n), lookupTakes: "1 second" },
      Effect.fnUntraced(function* ({ bootstrap, lookups, nodeId }) {
        yield* bootstrap.joined
        yield* TestClock.adjust("10 minutes")
        lookups.length = 0
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(lookups.length, 10)
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(
          lookups.map((target) => commonPrefixLength(nodeId, target)),
          Array.from({ length: 16 }, (_, n) => n)
        )
      })
    )
  )

  it.effect("forgets peers that nobody named for an hour, but not those in the table", () =>
    withBootstrap(
      { known: [peer("a")] },
      Effect.fnUntraced(function* ({ book, bootstrap }) {
        yield* bootstrap.joined
        for (const name of ["a", "stranger"]) book.admit(peer(name).bytes, 0)
        yield* TestClock.adjust("60 minutes")
        assert.isDefined(book.find(peer("stranger").publicKey))
        yield* TestClock.adjust("5 minutes")
        assert.isUndefined(book.find(peer("stranger").publicKey))
        assert.isDefined(book.find(peer("a").publicKey))
      })
    )
  )
})
