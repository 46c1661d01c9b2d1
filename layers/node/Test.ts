/**
 * A node for tests: the production node on memory connections, an in-memory database and seeded randomness, so that
 * under `TestClock` hours pass in no time and the same seed gives the same keys. Nodes that share one `world` reach
 * each other.
 *
 *     const alice = yield* Layer.build(Test.layer({ seed: "alice" }))
 *     const bob = yield* Layer.build(Test.layer({ seed: "bob", bootstrap: Test.addressesOf(alice) }))
 *
 * Each is built by itself, inside one `Effect.provide(Test.world)`.
 */
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { Context, Effect, Layer, Random } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { SqlClient } from "effect/sql/SqlClient"
import * as DhtBlobs from "#layers/content/DhtBlobs"
import * as MockDht from "#layers/dht/MockDht"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import { migrate } from "#layers/storage/migrations"
import * as SqlitePeerStore from "#layers/storage/SqlitePeerStore"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { defaultSettings } from "#schemas/node/defaultSettings"
import { SessionManager } from "#services/session/SessionManager"
import * as NodeBounds from "./NodeBounds.ts"
import * as parts from "./parts.ts"
import * as tempo from "./tempo.ts"

export interface TestOptions extends Partial<parts.PartSettings> {
  /** Of the node's keys and its choices. Two nodes of one world need different ones. */
  readonly seed: string
  readonly variant?: parts.Variant
}

/** Any free memory address. */
const LISTEN = "/memory/0"

/** What the nodes of one test share: build it once, outside of them. */
export const world = MemoryTransport.hub

const database = Layer.effect(
  SqlClient,
  Effect.gen(function* () {
    const client = yield* SqliteClient.make({ filename: ":memory:" })
    yield* Effect.provideService(migrate, SqlClient, client)
    return client
  }).pipe(Effect.provideServiceEffect(Reactivity.Reactivity, Reactivity.make), Effect.orDie)
)

const storage = Layer.mergeAll(SqliteRecordStore.layer(), SqlitePeerStore.layer).pipe(
  Layer.provide([database, NodeBounds.layer])
)

const seeded = (seed: string) =>
  Layer.mergeAll(
    SeededRandom.layer(seed).pipe(Layer.provideMerge(NodeCrypto.layer)),
    Layer.effect(Random.Random, Random.withSeed(Random.Random, seed))
  )

/** A whole node. Local, since memory addresses belong to no public network. */
export const layer = ({ seed, variant, ...settings }: TestOptions) =>
  parts
    .layer({ ...defaultSettings, local: true, listen: [LISTEN], ...settings }, variant)
    .pipe(
      Layer.provideMerge(MemoryKeyStore.layer),
      Layer.provideMerge(storage),
      Layer.provideMerge(Layer.mergeAll(MemoryTransport.layer, seeded(seed))),
      Layer.provide(tempo.test)
    )

/** Where a node that was built can be reached: the `bootstrap` of the next one. */
export const addressesOf = (node: Context.Context<SessionManager>): ReadonlyArray<string> =>
  Context.get(node, SessionManager).listening().map(String)

/** Only what an app calls, `Dht` and `Blobs`, without any network: what is put is held in memory and found again. */
export const mocked = DhtBlobs.layer.pipe(
  Layer.provideMerge(MockDht.layer),
  Layer.provideMerge(NodeCrypto.layer),
  Layer.provide(tempo.test)
)
