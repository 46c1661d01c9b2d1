/** A HybridDht between two mocks: the real one pretends to have a network of four others, until it is cut off. */
import { Effect, Layer, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as HybridDht from "#layers/dht/HybridDht"
import * as MockDht from "#layers/dht/MockDht"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemoryOutboxStore from "#layers/storage/MemoryOutboxStore"
import type { RecordKind } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { OutboxStore } from "#services/storage/OutboxStore"
import { StorageFailed } from "#services/storage/RecordStore"

export const author = NodeCrypto.suite.signingKey(new Uint8Array(32)).publicKey as PublicKey
export const PEERS = 4
export const broken = new StorageFailed({ operation: "ask", cause: new Error("told to") })

/** What the real one has, as others would see it, and as a node that was started anew finds it. */
export const network = Effect.gen(function* () {
  const mock = yield* MockDht.make()
  yield* mock.control.peers(PEERS)
  return mock
}).pipe(Effect.provide(NodeCrypto.layer))

/** One run of a node. Its mode is `auto`, and its outbox what `saved` holds. */
export const nodeOf = Effect.fnUntraced(function* (
  mock: MockDht.Mock,
  saved: MemoryOutboxStore.SavedWrites = new MemoryOutboxStore.SavedWrites()
) {
  const released: Array<Uint8Array> = []
  const kept: Array<RecordKind> = []
  const sent: Array<number> = []
  const hybrid = yield* HybridDht.make({
    dht: {
      ...mock.dht,
      putRecord: (kind, ...more) => {
        sent.push(kind)
        return mock.dht.putRecord(kind, ...more)
      }
    },
    held: (kind, key) => Effect.succeed(mock.under(kind, key).map((it) => ({ ...it, expires: it.expires ?? 1e10 }))),
    keep: (kind) => Effect.sync(() => void kept.push(kind as RecordKind)),
    release: (_, key) => Effect.sync(() => void released.push(key))
  }).pipe(
    Effect.provide(Layer.merge(NodeCrypto.layer, Layer.succeed(OutboxStore, MemoryOutboxStore.make(saved)))),
    Effect.provideService(Metric.MetricRegistry, new Map())
  )
  const cut = mock.control.peers(0)
  const heal = mock.control.peers(PEERS)
  const status = Effect.map(Effect.orDie(hybrid.backends.status), (it) => it!)
  const active = Effect.map(status, (it) => it.active)
  return { ...hybrid, network: mock, saved, released, kept, sent, cut, heal, status, active }
})

export const node = Effect.flatMap(network, (mock) => nodeOf(mock))

/** The longest that it may take to notice that the network is gone: three probes, and none while it was just proven. */
export const NOTICED = "70 seconds"
/** That it is back: a rest, a probe, and the next replay. */
export const RETURNED = "60 seconds"

/** Cut off, and noticed. */
export const outOfReach = (it: Effect.Success<typeof node>) => Effect.andThen(it.cut, TestClock.adjust(NOTICED))
export const inReachAgain = (it: Effect.Success<typeof node>) => Effect.andThen(it.heal, TestClock.adjust(RETURNED))
