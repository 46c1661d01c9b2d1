/**
 * A Dht that goes on while the network is out of reach. The network is asked first. When nobody is there, this node stands
 * in by itself: it reads what it has seen and holds, and writes down what is put, which is `queued` then; when the network
 * is back, what waits is brought to it.
 *
 * What is anonymous never comes here: to remember it, or to send it later in the open, would break what it was promised.
 */
import { Context, Effect, Layer, Queue, Result } from "effect"
import { factsOf } from "#core/dht/facts"
import { providerEntries } from "#core/dht/providerEntries"
import { utf8 } from "#schemas/bytes/bytes"
import { digestOf } from "#schemas/content/Cid"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import { OPEN_NAMESPACE, RecordKind } from "#schemas/dht/Record"
import { Backends, type BackendsShape } from "#services/dht/Backends"
import { Dht, NotFound } from "#services/dht/Dht"
import { MIRRORED_BYTES } from "#services/dht/Limits"
import type { CheckedRecord } from "#services/dht/RecordValidators"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Bounds } from "#services/node/Bounds"
import { OutboxStore } from "#services/storage/OutboxStore"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"
import { makeChoice } from "./choosing.ts"
import { makeGuard } from "./guarding.ts"
import * as MockDht from "./MockDht.ts"
import { makeReplay } from "./replaying.ts"
import { makeStandIn, type RealBackend } from "./standingIn.ts"
import { makeSwitch } from "./switching.ts"

const NONE = new Uint8Array(0)

export const make = Effect.fnUntraced(function* (real: RealBackend, options: MockDht.MockOptions = {}) {
  const [suite, outbox] = [yield* Crypto, yield* OutboxStore]
  const mock = yield* MockDht.make({ bytes: MIRRORED_BYTES, ...options })
  yield* (yield* Bounds).watch(
    "bytes of what was read, for when the network is out of reach",
    MIRRORED_BYTES,
    mock.bytes
  )
  const returned = yield* Queue.sliding<void>(1)
  const position = yield* makeSwitch((to) =>
    to === "real" ? Effect.asVoid(Queue.offer(returned, undefined)) : Effect.void
  )
  const standIn = yield* makeStandIn(real, mock)
  const guard = yield* makeGuard(real.dht, position.heard)
  const { read, write } = yield* makeChoice({ real, mock, guard, standIn, mode: position.mode })
  const replay = yield* makeReplay(real, guard, standIn, () => position.mode() !== "mock")
  // At once, and then at the pace of replays.
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Queue.take(returned), replay)))

  const rememberAll = (kind: number, records: ReadonlyArray<Uint8Array>) =>
    Effect.forEach(records, (bytes) => standIn.mirror(kind, bytes), { discard: true })
  const bytesOf = (records: ReadonlyArray<CheckedRecord>) => records.map(({ bytes }) => bytes)
  const unknown = (key: Uint8Array) => Effect.fail(new NotFound({ key, asked: 0 }))
  const mutableKey = (author: Uint8Array, salt: Uint8Array) => suite.sha256(Mutable.keyPreimage(author, salt))
  const nameKey = (authority: Uint8Array | undefined, name: string) =>
    suite.sha256(Name.keyPreimage(authority ?? OPEN_NAMESPACE, suite.sha256(utf8(name))))
  /** A deletion is kept by whoever holds it, and refreshed by nobody. */
  const unlessDeletion = <O>(value: Uint8Array, putOptions: O) =>
    value.length === 0 ? { ...putOptions, keep: false } : putOptions

  const dht = Dht.of({
    putBlock: (bytes, putOptions = {}) =>
      write({
        operation: "putBlock",
        kind: RecordKind.Block,
        key: suite.sha256(bytes),
        options: putOptions,
        put: (dht) => dht.putBlock(bytes, putOptions),
        finished: bytes
      }),
    getBlock: (digest, getOptions) =>
      read({
        operation: "getBlock",
        kind: RecordKind.Block,
        key: digest,
        options: getOptions,
        get: (dht) => dht.getBlock(digest, getOptions),
        silent: unknown(digest),
        remember: (bytes) => standIn.mirror(RecordKind.Block, bytes)
      }),
    putMutable: (salt, value, putOptions = {}) =>
      write({
        operation: "putMutable",
        kind: RecordKind.Mutable,
        key: mutableKey(mock.publicKey, salt),
        options: unlessDeletion(value, putOptions),
        put: (dht) => dht.putMutable(salt, value, putOptions)
      }),
    getMutable: (author, salt, getOptions) => {
      const key = mutableKey(author, salt)
      return read({
        operation: "getMutable",
        kind: RecordKind.Mutable,
        key,
        options: getOptions,
        get: (dht) => dht.getMutable(author, salt, getOptions),
        silent: unknown(key),
        remember: (record) => standIn.mirror(RecordKind.Mutable, Mutable.write(record))
      })
    },
    provide: (cid, putOptions = {}) =>
      write({
        operation: "provide",
        kind: RecordKind.Provider,
        key: digestOf(cid),
        // The real one says again by itself what it holds of these.
        options: { ...putOptions, keep: false },
        put: (dht) => dht.provide(cid, putOptions)
      }),
    findProviders: (cid, getOptions) =>
      read({
        operation: "findProviders",
        kind: RecordKind.Provider,
        key: digestOf(cid),
        options: getOptions,
        get: (dht) => dht.findProviders(cid, getOptions),
        // The announcements themselves, or they could not be remembered.
        ask: (dht) =>
          Effect.tap(dht.getRecords(RecordKind.Provider, digestOf(cid), getOptions), (found) =>
            rememberAll(RecordKind.Provider, bytesOf(found))
          ).pipe(Effect.map((found) => providerEntries(suite, bytesOf(found)))),
        silent: Effect.succeed([]),
        remember: () => Effect.void
      }),
    putName: (name, value, putOptions = {}) =>
      write({
        operation: "putName",
        kind: RecordKind.Name,
        key: nameKey(putOptions.authority, name),
        options: unlessDeletion(value, putOptions),
        put: (dht) => dht.putName(name, value, putOptions)
      }),
    getName: (name, getOptions) => {
      const key = nameKey(getOptions?.authority, name)
      return read({
        operation: "getName",
        kind: RecordKind.Name,
        key,
        options: getOptions,
        get: (dht) => dht.getName(name, getOptions),
        silent: unknown(key),
        remember: (entries) =>
          rememberAll(
            RecordKind.Name,
            entries.flatMap(({ record }) => record ?? [])
          )
      })
    },
    putRecord: (kind, record, putOptions = {}) =>
      write({
        operation: "putRecord",
        kind,
        key: Result.getOrUndefined(factsOf(suite, kind, record))?.key ?? NONE,
        options: putOptions,
        put: (dht) => dht.putRecord(kind, record, putOptions),
        finished: record
      }),
    refresh: (kind, key, putOptions = {}) =>
      write({
        operation: "refresh",
        kind,
        key,
        options: { ...putOptions, keep: putOptions.keep ?? false },
        put: (dht) => dht.refresh(kind, key, putOptions)
      }),
    getRecords: (kind, key, getOptions) =>
      read({
        operation: "getRecords",
        kind,
        key,
        options: getOptions,
        get: (dht) => dht.getRecords(kind, key, getOptions),
        silent: Effect.succeed([]),
        remember: (found) => rememberAll(kind, bytesOf(found))
      })
  })

  const backends: BackendsShape = {
    select: position.select,
    status: Effect.gen(function* () {
      const { bytes, oldest, refused, waiting } = yield* outbox.status
      const lastRefusal = refused === 0 ? undefined : (yield* outbox.refused)[0]
      return {
        ...position.view(),
        backends: [guard.status(), standIn.status()],
        outbox: { waiting, bytes, oldest: oldest ?? null, refused, lastRefusal: lastRefusal?.reason ?? null }
      }
    })
  }
  return { dht, backends, probe: guard.probe, replay, mock }
})

/** Over the real one of this node, of which it keeps the store beside it. */
export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const [dht, records] = [yield* Dht, yield* RecordStore]
    const [pipeline, pins] = [yield* StorePipeline, yield* PinStore]
    const hybrid = yield* make({
      dht,
      held: (kind, key) => records.get(kind, key),
      keep: (kind, bytes, lifetime) =>
        Effect.catchTag(pipeline.store(kind, bytes, lifetime, undefined), "RecordRefused", () => Effect.void).pipe(
          Effect.asVoid
        ),
      release: (kind, key) => pins.remove(kind, key)
    })
    return Context.make(Dht, hybrid.dht).pipe(Context.add(Backends, hybrid.backends))
  })
)
