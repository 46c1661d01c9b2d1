/** A store pipeline with the disk under it, for tests of what it takes and what it refuses. */
import { Effect, Layer } from "effect"
import type { Contact } from "#core/identity/Contact"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import * as KindValidators from "#layers/dht/KindValidators"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { RecordValidators } from "#services/dht/RecordValidators"
import { type RecordRefused, StorePipeline, type Storer } from "#services/dht/StorePipeline"
import { KnownPeers } from "#services/identity/KnownPeers"
import { RecordStore } from "#services/storage/RecordStore"
import { identity, peer, table } from "./fixtures.ts"

export const stranger = peer("stranger")

export interface Parts {
  readonly pipeline: StorePipeline["Service"]
  readonly records: RecordStore["Service"]
  readonly validators: RecordValidators["Service"]
  readonly known: KnownPeers["Service"]
  /** The word of refusal, or undefined where it was stored. */
  readonly refusal: (
    kind: number,
    bytes: Uint8Array,
    options?: { readonly from?: Storer; readonly ttl?: number; readonly work?: Uint8Array }
  ) => Effect.Effect<string | undefined>
}

export interface PartsOptions {
  readonly quotaBytes?: number
  readonly local?: boolean
  readonly known?: ReadonlyArray<Contact>
  /** The disk takes its time, so that stores meet. */
  readonly slow?: boolean
}

export const wordOf = (error: RecordRefused | { readonly _tag: "StorageFailed" }): string =>
  error._tag === "RecordRefused" ? error.refusal : error._tag

const later = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.andThen(Effect.yieldNow, Effect.andThen(Effect.yieldNow, effect))

const slowly = Layer.effect(
  RecordStore,
  Effect.map(RecordStore, (store) =>
    RecordStore.of({
      ...store,
      get: (...of) => later(store.get(...of)),
      put: (...of) => later(store.put(...of))
    })
  )
)

/** Each call has a disk of its own. */
export const withParts = <A, E>(body: (parts: Parts) => Effect.Effect<A, E>, options: PartsOptions = {}) =>
  Effect.gen(function* () {
    const pipeline = yield* StorePipeline
    const refusal: Parts["refusal"] = (kind, bytes, { from = stranger, ttl = 40 * 86_400, work } = {}) =>
      pipeline.store(kind, bytes, ttl, from, work).pipe(
        Effect.as(undefined),
        Effect.catch((error) => Effect.succeed(wordOf(error)))
      )
    return yield* body({
      pipeline,
      refusal,
      records: yield* RecordStore,
      validators: yield* RecordValidators,
      known: yield* KnownPeers
    })
  }).pipe(
    Effect.provide(
      CheckedStorePipeline.layer.pipe(
        Layer.provideMerge(KindValidators.layer),
        Layer.provideMerge(table(options.known ?? [])),
        Layer.provideMerge(options.slow === true ? slowly : Layer.empty),
        Layer.provideMerge(MemoryRecordStore.layer({ quotaBytes: options.quotaBytes ?? 10_000_000 })),
        Layer.provideMerge(identity("me", options.local ?? true))
      )
    )
  )
