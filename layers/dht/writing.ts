/**
 * The writing half of the Dht: makes the records of this node, numbers and signs them, and sends them out; and takes
 * finished ones.
 */
import { Clock, Effect, Result, Semaphore } from "effect"
import { factsOf } from "#core/dht/facts"
import { isOpen } from "#core/dht/grants"
import type { Again } from "#core/dht/signAgain"
import { type Signer, signMutable, signName, signProvider } from "#core/dht/signRecord"
import { equalBytes, utf8 } from "#schemas/bytes/bytes"
import { CHAIN_LIMIT, GRANT_LIMIT } from "#schemas/dht/Grant"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import {
  BLOCK_LIMIT,
  isRecordKind,
  LIFETIME,
  lifetimeOf,
  OPEN_NAMESPACE,
  RECORD_LIMIT,
  RecordKind,
  SHORT_LIFETIME,
  WEEK_LIFETIME
} from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import {
  type Dht,
  InvalidRecord,
  PrivacyUnavailable,
  type PutError,
  type PutOptions,
  type PutReceipt
} from "#services/dht/Dht"
import { ANONYMOUS_LIFETIME } from "#services/dht/Limits"
import { RecordValidators } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { RecordStore } from "#services/storage/RecordStore"
import { mutableSalt, nameSalt } from "./pseudonyms.ts"
import { lifetimeFor } from "./putOptions.ts"
import type { Outgoing } from "./Replication.ts"
import type { Sender } from "./sending.ts"

export type Writer = Pick<Dht["Service"], "putBlock" | "putMutable" | "putName" | "putRecord"> & {
  /** Announces this node as a provider of what has this digest. */
  readonly announce: (digest: Uint8Array, options?: PutOptions) => Effect.Effect<PutReceipt, PutError>
}

/** A version of something that this node says under a key of its own, not yet numbered. */
export interface Draft {
  /** Seconds; a deletion lives the longest life there is, so that it outlives what it deletes. */
  readonly lifetime: number
  readonly deletes: boolean
  readonly sign: Again["sign"]
}

/** Where this node says it. */
export interface Place {
  readonly kind: RecordKind
  readonly key: Uint8Array
  readonly member: Uint8Array
}

const ALONE = new Uint8Array(0)

/** Kinds that this node numbers; in the others the second of their issue stands in for a number. */
const NUMBERED = new Set<number>([RecordKind.Mutable, RecordKind.Name])

const GRANTED = "an authority lets in this node, and nobody who does not say who he is"
const ANNOUNCED = "who provides something says who he is and where: leave it to others to find it by its CID"

const invalid = (reason: string) => new InvalidRecord({ reason })

export const makeWriter = Effect.fnUntraced(function* (sender: Sender) {
  const suite = yield* Crypto
  const { networkId, pseudonym, publicKey, signing } = yield* Identity
  const signer: Signer = { networkId, signing }
  const validators = yield* RecordValidators
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  /** Of what was said under pseudonyms since the start. */
  let lastAnonymous = 0
  /** Two puts under one key must not take the same seq. */
  const numbering = yield* Semaphore.make(1)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const putBlock: Writer["putBlock"] = Effect.fn("KademliaDht.putBlock")(function* (bytes, options = {}) {
    if (bytes.length > BLOCK_LIMIT) return yield* invalid(`a block has at most ${BLOCK_LIMIT} bytes`)
    const lifetime = lifetimeFor(options, WEEK_LIFETIME)
    const outgoing: Outgoing = { kind: RecordKind.Block, key: suite.sha256(bytes), bytes, lifetime }
    return yield* sender.send(outgoing, options)
  })

  /**
   * Numbers, signs and keeps the next version; from then on a later put takes a higher seq. `draft` is told what this
   * node last said there, and undefined where nothing is to be said.
   */
  const nextVersion = Effect.fnUntraced(function* (
    { key, kind, member }: Place,
    draft: (last: Uint8Array | undefined) => Draft | undefined
  ) {
    const now = clock.currentTimeMillisUnsafe()
    const held = (yield* records.get(kind, key)).find((it) => equalBytes(it.member, member))
    const last = held === undefined ? undefined : Result.getOrUndefined(factsOf(suite, kind, held.bytes))
    const drafted = draft(held?.bytes)
    if (drafted === undefined) return undefined
    const seq = Math.max((last?.seq ?? 0) + 1, now)
    // Never before the last one, even if the clock was set back, or a deletion might die before what it deletes; and of
    // those that are numbered by the second never in the same one.
    const since = last?.times?.issued ?? 0
    const issued = Math.max(NUMBERED.has(kind) ? since : since + 1, Math.floor(now / 1000))
    const bytes = drafted.sign({ seq, issued, expires: issued + drafted.lifetime })
    if (bytes.length > RECORD_LIMIT) return yield* invalid(`a record has at most ${RECORD_LIMIT} bytes`)
    const parsed = validators.parse(kind, bytes, seconds())
    if (Result.isFailure(parsed)) return yield* invalid(`it would be refused as ${parsed.failure}`)
    const outgoing: Outgoing = { kind, key, bytes, lifetime: drafted.lifetime }
    return { outgoing, seq, deletes: drafted.deletes, here: yield* sender.keep(outgoing) }
  }, Semaphore.withPermit(numbering))

  const putVersion = Effect.fnUntraced(function* (place: Place, draft: Draft, options: PutOptions) {
    const version = yield* nextVersion(place, () => draft)
    if (version === undefined) return yield* invalid("there is nothing to say")
    const { deletes, here, outgoing, seq } = version
    const receipt = yield* sender.finish(outgoing, here, deletes ? { ...options, keep: false } : options)
    if (deletes) yield* sender.unpin(place.kind, place.key)
    return { ...receipt, seq, author: publicKey }
  })

  /** This node keeps nothing of what it said, so the time numbers it, as it would anyway. */
  const putAnonymousVersion = Effect.fnUntraced(function* (
    { key, kind }: Place,
    draft: Draft,
    author: PublicKey,
    options: PutOptions
  ) {
    const now = clock.currentTimeMillisUnsafe()
    const seq = Math.max(lastAnonymous + 1, now)
    lastAnonymous = seq
    const [lifetime, issued] = [draft.lifetime, Math.floor(now / 1000)]
    const bytes = draft.sign({ seq, issued, expires: issued + lifetime })
    if (bytes.length > RECORD_LIMIT) return yield* invalid(`a record has at most ${RECORD_LIMIT} bytes`)
    const receipt = yield* sender.sendAnonymously({ kind, key, bytes, lifetime }, options)
    return { ...receipt, seq, author }
  })

  const putMutable: Writer["putMutable"] = Effect.fn("KademliaDht.putMutable")(function* (salt, value, options = {}) {
    if (salt.length > Mutable.SALT_LIMIT) return yield* invalid(`a salt has at most ${Mutable.SALT_LIMIT} bytes`)
    const isAnonymous = options.privacy === "anonymous"
    const by = isAnonymous ? { networkId, signing: pseudonym(mutableSalt(salt)) } : signer
    const author = by.signing.publicKey as PublicKey
    const key = suite.sha256(Mutable.keyPreimage(author, salt))
    const draft: Draft = {
      ...lifeOf(value, options),
      sign: (times) => signMutable(by, { salt, value, ...times })
    }
    const place = { kind: RecordKind.Mutable, key, member: ALONE }
    if (isAnonymous) return yield* putAnonymousVersion(place, draft, author, options)
    return yield* putVersion(place, draft, options)
  })

  const putName: Writer["putName"] = Effect.fn("KademliaDht.putName")(function* (name, value, options = {}) {
    const { authority = OPEN_NAMESPACE, grants = [] } = options
    if (value.length > Name.NAMED_LIMIT) return yield* invalid(`a name stands for at most ${Name.NAMED_LIMIT} bytes`)
    if (grants.length > CHAIN_LIMIT || grants.some((grant) => grant.length > GRANT_LIMIT))
      return yield* invalid(`a chain has at most ${CHAIN_LIMIT} grants of ${GRANT_LIMIT} bytes`)
    const isAnonymous = options.privacy === "anonymous"
    if (isAnonymous && !isOpen(authority)) return yield* new PrivacyUnavailable({ reason: GRANTED })
    const digest = suite.sha256(utf8(name))
    const key = suite.sha256(Name.keyPreimage(authority, digest))
    const by = isAnonymous ? { networkId, signing: pseudonym(nameSalt(key)) } : signer
    const author = by.signing.publicKey as PublicKey
    const draft: Draft = {
      ...lifeOf(value, options),
      sign: (times) => signName(by, { authority, digest, value, grants, ...times })
    }
    const place = { kind: RecordKind.Name, key, member: author }
    if (isAnonymous) return yield* putAnonymousVersion(place, draft, author, options)
    return yield* putVersion(place, draft, options)
  })

  const putRecord: Writer["putRecord"] = Effect.fn("KademliaDht.putRecord")(function* (kind, record, options = {}) {
    const now = seconds()
    const parsed = validators.parse(kind, record, now)
    if (Result.isFailure(parsed)) return yield* invalid(`it would be refused as ${parsed.failure}`)
    const verified = validators.verify(parsed.success, now)
    if (Result.isFailure(verified)) return yield* invalid(`it would be refused as ${verified.failure}`)
    const { expires, key } = parsed.success
    if (!isRecordKind(kind)) return yield* invalid("it is of a kind that is unknown here")
    const most = Math.min(lifetimeOf(kind), (expires ?? Number.POSITIVE_INFINITY) - now)
    const outgoing = { kind, key, bytes: record, lifetime: lifetimeFor(options, most) }
    return yield* sender.send(outgoing, options)
  })

  const announce: Writer["announce"] = Effect.fn("KademliaDht.announce")(function* (key, options = {}) {
    if (options.privacy === "anonymous") return yield* new PrivacyUnavailable({ reason: ANNOUNCED })
    const draft: Draft = {
      lifetime: lifetimeFor(options, SHORT_LIFETIME),
      deletes: false,
      sign: (times) => signProvider(signer, { key, issued: times.issued, expires: times.expires })
    }
    // What is provided is renewed by the upkeep, which finds it in the store.
    const place = { kind: RecordKind.Provider, key, member: publicKey }
    return yield* putVersion(place, draft, { ...options, keep: false })
  })

  return { putBlock, putMutable, putName, putRecord, announce, nextVersion }
})

export type Writing = Effect.Success<ReturnType<typeof makeWriter>>

const lifeOf = (value: Uint8Array, options: PutOptions): Pick<Draft, "lifetime" | "deletes"> =>
  value.length === 0
    ? { lifetime: LIFETIME, deletes: true }
    : {
        lifetime: lifetimeFor(options, options.privacy === "anonymous" ? ANONYMOUS_LIFETIME : LIFETIME),
        deletes: false
      }
