/**
 * The writing half of the Dht. This node keeps what it puts, so a record is durable before anybody is asked and can be
 * served while it is announced; then it goes to the nodes closest to its key.
 */
import { Clock, Effect, Result, Semaphore } from "effect"
import { signArray } from "#core/identity/signature"
import type { DhtRequest } from "#schemas/dht/DhtMessage"
import * as Mutable from "#schemas/dht/Mutable"
import * as Provider from "#schemas/dht/Provider"
import { BLOCK_LIMIT, LIFETIME, RECORD_LIMIT, RecordKind, SHORT_LIFETIME, WEEK_LIFETIME } from "#schemas/dht/Record"
import {
  type Dht,
  InvalidRecord,
  PrivacyUnavailable,
  type PutError,
  type PutOptions,
  type PutReceipt,
  PutRefused
} from "#services/dht/Dht"
import { MOST_REPLICAS } from "#services/dht/Limits"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { RecordStore, type StorageFailed } from "#services/storage/RecordStore"
import { makeReplication } from "./Replication.ts"

type Writer = Pick<Dht["Service"], "putBlock" | "putMutable"> & {
  /** Announces this node as a provider of what has this digest. */
  readonly announce: (digest: Uint8Array, options?: PutOptions) => Effect.Effect<PutReceipt, PutError>
}

/** One record on its way out. */
interface Outgoing {
  readonly kind: RecordKind
  readonly key: Uint8Array
  readonly bytes: Uint8Array
  readonly lifetime: number
}

const NO_WORK = new Uint8Array(0)

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(Math.trunc(value), least), most)

const requestFor = ({ bytes, kind, lifetime }: Outgoing): DhtRequest =>
  kind === RecordKind.Provider
    ? { _tag: "AddProvider", record: bytes }
    : { _tag: "Store", kind, record: bytes, ttl: lifetime, work: NO_WORK }

export const makeWriter = Effect.fnUntraced(function* (replicationFactor: number) {
  const suite = yield* Crypto
  const { networkId, nodeId, publicKey, signing } = yield* Identity
  const pipeline = yield* StorePipeline
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const replicate = yield* makeReplication
  /** Two puts under one salt must not take the same seq. */
  const numbering = yield* Semaphore.make(1)

  const lifetimeOf = (options: PutOptions, most: number): number => clamp(options.lifetime ?? most, 1, most)

  const keep = ({ bytes, kind, lifetime }: Outgoing) =>
    Effect.result(pipeline.store(kind, bytes, lifetime, undefined)).pipe(
      Effect.flatMap((result) =>
        Result.isFailure(result) && result.failure._tag === "StorageFailed"
          ? Effect.fail<StorageFailed>(result.failure)
          : Effect.succeed(
              Result.isSuccess(result)
                ? { expires: result.success.expires, refusal: undefined }
                : { expires: undefined, refusal: result.failure.message }
            )
      )
    )

  const spread = Effect.fnUntraced(function* (
    outgoing: Outgoing,
    here: { readonly expires: number | undefined; readonly refusal: string | undefined },
    options: PutOptions
  ): Effect.fn.Return<PutReceipt, PutRefused> {
    const { key } = outgoing
    const factor = clamp(options.factor ?? replicationFactor, 1, MOST_REPLICAS)
    const kept = here.expires !== undefined
    const { expires, holders, lookup, refusals } = yield* replicate(key, requestFor(outgoing), factor, kept)
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
      reached: all.length,
      factor,
      holders: all,
      expires: Math.min(expires, here.expires ?? expires),
      lookup
    }
  })

  const send = (outgoing: Outgoing, options: PutOptions) =>
    Effect.flatMap(keep(outgoing), (here) => spread(outgoing, here, options))

  /** Anonymous operations need an onion router, which this composition does not have. */
  const directly = <A, E>(options: PutOptions, put: Effect.Effect<A, E>) =>
    Effect.suspend(
      (): Effect.Effect<A, E | PrivacyUnavailable> =>
        options.privacy === "anonymous" ? Effect.fail(new PrivacyUnavailable()) : put
    )

  const putBlock: Writer["putBlock"] = Effect.fn("KademliaDht.putBlock")(function* (bytes, options = {}) {
    if (bytes.length > BLOCK_LIMIT)
      return yield* new InvalidRecord({ reason: `a block has at most ${BLOCK_LIMIT} bytes` })
    const outgoing = {
      kind: RecordKind.Block,
      key: suite.sha256(bytes),
      bytes,
      lifetime: lifetimeOf(options, WEEK_LIFETIME)
    }
    return yield* directly(options, send(outgoing, options))
  })

  /** Numbers, signs and keeps the next version; from then on a later put takes a higher seq. */
  const nextVersion = Effect.fnUntraced(function* (salt: Uint8Array, value: Uint8Array, options: PutOptions) {
    const now = clock.currentTimeMillisUnsafe()
    const issued = Math.floor(now / 1000)
    const key = suite.sha256(Mutable.keyPreimage(publicKey, salt))
    const [held] = yield* records.get(RecordKind.Mutable, key)
    const seq = Math.max((held?.seq ?? 0) + 1, now)
    // A deletion lives the longest life there is, so that it outlives what it deletes.
    const lifetime = value.length === 0 ? LIFETIME : lifetimeOf(options, LIFETIME)
    const fields = { author: publicKey, salt, seq, issued, expires: issued + lifetime, value }
    const signature = signArray(signing, "mutable", networkId, Mutable.unsigned(fields))
    const bytes = Mutable.write({ ...fields, signature })
    if (bytes.length > RECORD_LIMIT)
      return yield* new InvalidRecord({ reason: `a mutable record has at most ${RECORD_LIMIT} bytes` })
    const outgoing: Outgoing = { kind: RecordKind.Mutable, key, bytes, lifetime }
    return { outgoing, seq, here: yield* keep(outgoing) }
  }, Semaphore.withPermit(numbering))

  const putMutable: Writer["putMutable"] = Effect.fn("KademliaDht.putMutable")(function* (salt, value, options = {}) {
    if (salt.length > Mutable.SALT_LIMIT)
      return yield* new InvalidRecord({ reason: `a salt has at most ${Mutable.SALT_LIMIT} bytes` })
    const { here, outgoing, seq } = yield* directly(options, nextVersion(salt, value, options))
    return { ...(yield* spread(outgoing, here, options)), seq }
  })

  const announce: Writer["announce"] = Effect.fn("KademliaDht.announce")(function* (key, options = {}) {
    const issued = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const lifetime = lifetimeOf(options, SHORT_LIFETIME)
    const fields = { key, node: publicKey, issued, expires: issued + lifetime }
    const signature = signArray(signing, "provider", networkId, Provider.unsigned(fields))
    const outgoing: Outgoing = {
      kind: RecordKind.Provider,
      key,
      bytes: Provider.write({ ...fields, signature }),
      lifetime
    }
    return yield* directly(options, send(outgoing, options))
  })

  return { putBlock, putMutable, announce } satisfies Writer
})
