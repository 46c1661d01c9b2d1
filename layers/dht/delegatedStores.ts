/**
 * Stores for those who are anonymous: within one budget for all of them, for work, and not for long. The record is placed
 * in this node's name on the nodes closest to its key, this one among them where it is that.
 */
import { Clock, Effect, Result } from "effect"
import { compareDistance } from "#core/dht/distance"
import { bitsOf } from "#core/dht/work"
import { TokenBucket } from "#core/session/TokenBucket"
import { keyOf } from "#schemas/bytes/bytes"
import type { DhtAnswer } from "#schemas/dht/DhtMessage"
import { isRecordKind, lifetimeOf, RecordKind } from "#schemas/dht/Record"
import { WORK_BITS, WORK_BITS_LIMIT } from "#schemas/dht/Work"
import { RpcFailure, WORK_REQUIRED } from "#schemas/rpc/RpcFailure"
import { ANONYMOUS_BYTES, ANONYMOUS_LIFETIME, ANONYMOUS_STORE_RATE, SPENT_WORK } from "#services/dht/Limits"
import { type CheckedRecord, RecordValidators } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { ANONYMOUS, StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { makeReplication } from "./Replication.ts"

export interface DelegatedStore {
  readonly kind: number
  readonly record: Uint8Array
  /** Seconds. */
  readonly ttl: number
  readonly work: Uint8Array
}

const refusal = (tag: string, data: RpcFailure["data"] = null) => new RpcFailure({ tag, detail: "", data })

/** The less is left of the budget, the dearer it is: four times as much work below a half, again below a quarter. */
export const bitsFor = (share: number): number => WORK_BITS + (share < 0.25 ? 4 : share < 0.5 ? 2 : 0)

export const makeDelegatedStores = Effect.fnUntraced(function* (factor: number) {
  const [suite, { nodeId }] = [yield* Crypto, yield* Identity]
  const [validators, pipeline, table] = [yield* RecordValidators, yield* StorePipeline, yield* RoutingTable]
  const [clock, replicate] = [yield* Clock.Clock, yield* makeReplication]
  const began = clock.currentTimeMillisUnsafe()
  const stores = new TokenBucket(ANONYMOUS_STORE_RATE, began)
  const bytes = new TokenBucket(ANONYMOUS_BYTES, began)
  /** The bits that were last paid for a record, least recently used first: the same again costs more. */
  const paid = new Map<string, number>()
  yield* (yield* Bounds).watch("work of anonymous stores", SPENT_WORK, () => paid.size)

  const shareLeft = (now: number): number =>
    Math.min(stores.left(now) / ANONYMOUS_STORE_RATE.burst, bytes.left(now) / ANONYMOUS_BYTES.burst)

  /** Undefined where the work is enough, and then it is spent. */
  const admission = (record: CheckedRecord, work: Uint8Array, now: number): RpcFailure | undefined => {
    if (stores.left(now) < 1 || bytes.left(now) < record.bytes.length) return refusal("Busy")
    const { key, kind, rank } = record
    const digest = suite.sha256(record.bytes)
    const shown = kind === RecordKind.Inbox ? rank : bitsOf(suite, { kind, key, digest }, Math.floor(now / 1000), work)
    const before = paid.get(keyOf(digest)) ?? 0
    const wanted = Math.max(bitsFor(shareLeft(now)), before + 1)
    if (wanted > WORK_BITS_LIMIT) return refusal("Busy")
    if (shown < wanted) return refusal(WORK_REQUIRED, wanted)
    paid.delete(keyOf(digest))
    if (paid.size >= SPENT_WORK) paid.delete(paid.keys().next().value ?? "")
    paid.set(keyOf(digest), shown)
    stores.take(1, now)
    bytes.take(record.bytes.length, now)
    return undefined
  }

  const isAmongClosest = (key: Uint8Array): boolean =>
    table.closest(key, factor).filter((it) => compareDistance(key, it.nodeId, nodeId) < 0).length < factor

  /** Its end of life as this node holds it, or why it does not. */
  const keep = (record: CheckedRecord, ttl: number) =>
    pipeline.store(record.kind, record.bytes, ttl, ANONYMOUS).pipe(
      Effect.map(({ expires }) => ({ expires, why: undefined })),
      Effect.catchTag("RecordRefused", ({ refusal: why }) => Effect.succeed({ expires: undefined, why })),
      Effect.catchTag("StorageFailed", () => Effect.succeed({ expires: undefined, why: "Failed" }))
    )

  const notHere = { expires: undefined, why: undefined }

  return Effect.fnUntraced(function* (store: DelegatedStore): Effect.fn.Return<DhtAnswer, RpcFailure> {
    const now = clock.currentTimeMillisUnsafe()
    const seconds = Math.floor(now / 1000)
    const parsed = validators.parse(store.kind, store.record, seconds)
    if (Result.isFailure(parsed)) return yield* refusal(parsed.failure)
    const record = { ...parsed.success, bytes: parsed.success.bytes.slice() }
    const { key, kind } = record
    if (!isRecordKind(kind)) return yield* refusal("UnknownKind")
    const left = (record.expires ?? Number.POSITIVE_INFINITY) - seconds
    const lifetime = Math.min(store.ttl, ANONYMOUS_LIFETIME, lifetimeOf(kind), left)
    if (lifetime <= 0) return yield* refusal("Expired")
    const refused = admission(record, store.work, now)
    if (refused !== undefined) return yield* refused
    const verified = validators.verify(record, seconds)
    if (Result.isFailure(verified)) return yield* refusal(verified.failure)

    const here = isAmongClosest(key) ? yield* keep(record, lifetime) : notHere
    const holdsItself = here.expires !== undefined
    const outgoing = { kind, key, bytes: record.bytes, lifetime, work: store.work }
    const { expires, holders, refusals } = yield* replicate(outgoing, { factor, holdsItself, paths: 1 })
    const reached = holders.length + (holdsItself ? 1 : 0)
    if (reached === 0) {
      const [most] = [...refusals].sort(([, a], [, b]) => b - a)
      return yield* refusal(most?.[0] ?? here.why ?? "Failed")
    }
    return {
      _tag: "Stored",
      heldSeq: record.seq,
      expires: Math.min(expires, here.expires ?? Number.POSITIVE_INFINITY, seconds + lifetime),
      placed: { reached, factor }
    }
  })
})
