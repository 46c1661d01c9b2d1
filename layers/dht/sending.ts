/**
 * What all puts have in common: this node keeps a copy first, so that the record is durable before anybody is asked, then
 * it goes to the nodes closest to its key; and where it shall live on, a pin says so.
 */
import { Clock, Effect } from "effect"
import { RecordKind, SET_LIMITS } from "#schemas/dht/Record"
import { Delegates } from "#services/dht/Delegates"
import { PrivacyUnavailable, type PutOptions, type PutReceipt, PutRefused } from "#services/dht/Dht"
import { Receipts } from "#services/dht/Receipts"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Identity } from "#services/identity/Identity"
import { PinStore } from "#services/storage/PinStore"
import type { StorageFailed } from "#services/storage/RecordStore"
import { factorFor } from "./putOptions.ts"
import { makeReplication, type Outgoing } from "./Replication.ts"

/** What became of this node's own copy. */
export interface OwnCopy {
  readonly expires: number | undefined
  readonly refusal: string | undefined
}

const UNKEPT = "nothing of it stays here that could be refreshed: put it again before it dies"

/** Of a lookup by somebody else. */
const UNSEEN: PutReceipt["lookup"] = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }

export const makeSender = Effect.fnUntraced(function* (replicationFactor: number) {
  const { nodeId } = yield* Identity
  const pipeline = yield* StorePipeline
  const pins = yield* PinStore
  const clock = yield* Clock.Clock
  const replicate = yield* makeReplication
  const [receipts, delegates] = [yield* Receipts, yield* Delegates]

  const keep = ({ bytes, kind, lifetime }: Outgoing): Effect.Effect<OwnCopy, StorageFailed> =>
    pipeline.store(kind, bytes, lifetime, undefined).pipe(
      Effect.map(({ expires }): OwnCopy => ({ expires, refusal: undefined })),
      Effect.catchTag("RecordRefused", ({ refusal }) => Effect.succeed<OwnCopy>({ expires: undefined, refusal }))
    )

  /** To be refreshed at half of its life. What somebody pinned stays pinned as he wanted it. */
  const pin = Effect.fnUntraced(function* ({ bytes, key, kind }: Outgoing, receipt: PutReceipt) {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const before = yield* pins.find(kind, key)
    const others = receipt.holders.filter((holder) => holder !== nodeId).length
    const size = kind === RecordKind.Block && before?.tree === true ? before.size : bytes.length
    yield* pins.put([
      {
        kind,
        key,
        tree: before?.tree ?? false,
        factor: receipt.factor,
        priority: before?.priority ?? 0,
        created: before?.created ?? now,
        refreshed: now,
        due: now + Math.floor((receipt.expires - now) / 2),
        size,
        copies: others,
        proven: before?.proven ?? -1
      }
    ])
  })

  const spread = Effect.fnUntraced(function* (
    outgoing: Outgoing,
    here: OwnCopy,
    options: PutOptions
  ): Effect.fn.Return<PutReceipt, PutRefused> {
    const { key } = outgoing
    const factor = factorFor(options, replicationFactor)
    const kept = here.expires !== undefined
    const wanted = { factor, holdsItself: kept, paths: options.paths ?? 1 }
    const { expires, holders, lookup, refusals } = yield* replicate(outgoing, wanted)
    if (!kept && holders.length === 0) {
      const counts = new Map(refusals)
      const own = here.refusal ?? "Invalid"
      counts.set(own, (counts.get(own) ?? 0) + 1)
      const sorted = [...counts].sort(([, a], [, b]) => b - a)
      return yield* new PutRefused({ key, refusals: sorted.map(([reason, nodes]) => ({ reason, nodes })) })
    }
    const all = kept ? [nodeId, ...holders] : holders
    return {
      key,
      status: "stored",
      reached: all.length,
      factor,
      holders: all,
      expires: Math.min(expires, here.expires ?? expires),
      lookup
    }
  })

  /** `spread`, and a pin where the putter wants it kept: without a lifetime, unless he says otherwise. */
  const finish = Effect.fnUntraced(function* (outgoing: Outgoing, here: OwnCopy, options: PutOptions) {
    const receipt = yield* spread(outgoing, here, options)
    const { kind } = outgoing
    const holders = receipt.holders.filter((holder) => holder !== nodeId)
    if (SET_LIMITS[kind] === undefined) receipts.add({ kind, key: receipt.key, holders, expires: receipt.expires })
    if (options.keep ?? options.lifetime === undefined) yield* pin(outgoing, receipt)
    return receipt
  })

  /** By a delegate, and nothing of it stays here: no copy, no pin and no receipt. */
  const sendAnonymously = Effect.fnUntraced(function* (
    outgoing: Outgoing,
    options: PutOptions
  ): Effect.fn.Return<PutReceipt, PutRefused | PrivacyUnavailable> {
    if (options.keep === true) return yield* new PrivacyUnavailable({ reason: UNKEPT })
    const placed = yield* delegates.place(outgoing)
    return { key: outgoing.key, status: "stored", ...placed, holders: [], lookup: UNSEEN }
  })

  const send = (
    outgoing: Outgoing,
    options: PutOptions
  ): Effect.Effect<PutReceipt, PutRefused | PrivacyUnavailable | StorageFailed> =>
    options.privacy === "anonymous"
      ? sendAnonymously(outgoing, options)
      : Effect.flatMap(keep(outgoing), (here) => finish(outgoing, here, options))

  return { keep, spread, finish, send, sendAnonymously, unpin: pins.remove }
})

export type Sender = Effect.Success<ReturnType<typeof makeSender>>
