/**
 * The Dht without a network, for tests of apps and as what `HybridDht` falls back to: one node that holds everything
 * itself, under the same laws and limits as the real one, and forgets what was not looked at for longest when it is full.
 * It signs with the node's identity where there is one, else with a key of its own. `MockControl` has it be slow, fail, or
 * pretend to have others behind it.
 */
import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import { factsOf } from "#core/dht/facts"
import { nameEntries } from "#core/dht/nameEntries"
import { providerEntries } from "#core/dht/providerEntries"
import { Shelf } from "#core/dht/Shelf"
import { signAgain, type Times } from "#core/dht/signAgain"
import { signMutable, signName, signProvider } from "#core/dht/signRecord"
import { compareVersions } from "#core/dht/storeDecision"
import { nodeIdOf } from "#core/identity/signature"
import { equalBytes, keyOf, utf8 } from "#schemas/bytes/bytes"
import { digestOf } from "#schemas/content/Cid"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import {
  BLOCK_LIMIT,
  isRecordKind,
  LIFETIME,
  lifetimeOf,
  OPEN_NAMESPACE,
  RecordKind,
  SHORT_LIFETIME
} from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import {
  Dht,
  InvalidRecord,
  NotFound,
  type OperationOptions,
  PrivacyUnavailable,
  type PutOptions,
  type PutReceipt,
  PutRefused
} from "#services/dht/Dht"
import { MOCK_BYTES, REPLICATION_FACTOR } from "#services/dht/Limits"
import { MockControl } from "#services/dht/MockControl"
import { type CheckedRecord, RecordValidators } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { makeFor } from "./KindValidators.ts"
import { makeProgram } from "./programming.ts"
import { factorFor, lifetimeFor } from "./putOptions.ts"

/** Whoever stands behind a mock that was given no identity. */
const SEED = new Uint8Array(32)

const NOBODY = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }

interface Kept extends CheckedRecord {
  /** Unix seconds. */
  readonly until: number
}

/** `bytes`: that it holds at most, `MOCK_BYTES` by default. */
export type MockOptions = { readonly bytes?: number }

/** A mock, and what only its owner may do with it. */
export interface Mock {
  readonly dht: Dht["Service"]
  readonly control: MockControl["Service"]
  readonly forget: (kind: number, key: Uint8Array, member: Uint8Array) => void
  /** What it holds under a key and has not expired, whatever it was told to do. */
  readonly under: (kind: number, key: Uint8Array) => ReadonlyArray<CheckedRecord>
  /** Whose name its records are signed in. */
  readonly publicKey: PublicKey
  /** Of what it holds. */
  readonly bytes: () => number
}

export const make = Effect.fnUntraced(function* (options: MockOptions = {}) {
  const suite = yield* Crypto
  const clock = yield* Clock.Clock
  const signer = Option.getOrElse(yield* Effect.serviceOption(Identity), () => ({
    signing: suite.signingKey(SEED),
    networkId: suite.sha256(SEED)
  }))
  const own = yield* Effect.serviceOption(RecordValidators)
  const validators = Option.isSome(own) ? own.value : yield* makeFor(suite, signer.networkId)
  const publicKey = signer.signing.publicKey as PublicKey
  const nodeId = nodeIdOf(suite, publicKey)
  const shelf = new Shelf<Kept>(options.bytes ?? MOCK_BYTES)
  const program = makeProgram()
  const now = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const directly = (options: OperationOptions | undefined) =>
    options?.privacy === "anonymous"
      ? Effect.fail(new PrivacyUnavailable({ reason: "there is no network here, and so nobody to do it" }))
      : Effect.void

  const invalid = (reason: string) => new InvalidRecord({ reason })

  const live = (kind: number, key: Uint8Array): ReadonlyArray<CheckedRecord> =>
    shelf.under(kind, key).flatMap(({ until, ...record }) => (until > now() ? [record] : []))

  /** What this node last said under a key. */
  const lastOf = (kind: number, key: Uint8Array): { readonly seq: number; readonly issued: number } => {
    for (const { bytes } of shelf.under(kind, key)) {
      const facts = Result.getOrUndefined(factsOf(suite, kind, bytes))
      if (facts?.signed !== undefined && equalBytes(facts.signed.by, publicKey))
        return { seq: facts.seq, issued: facts.times?.issued ?? 0 }
    }
    return { seq: 0, issued: 0 }
  }

  const store = Effect.fnUntraced(function* (
    kind: number,
    bytes: Uint8Array,
    options: PutOptions
  ): Effect.fn.Return<PutReceipt, InvalidRecord | PutRefused> {
    const checked = Result.flatMap(validators.parse(kind, bytes, now()), (record) =>
      Result.map(validators.verify(record, now()), () => record)
    )
    if (Result.isFailure(checked)) return yield* invalid(`it would be refused as ${checked.failure}`)
    const { expires, key, limit, member, rank, seq } = checked.success
    const record = { kind, key, member, seq, expires, limit, rank, bytes: bytes.slice() }
    const most = isRecordKind(kind) ? lifetimeOf(kind) : 0
    const wanted = Math.min(now() + lifetimeFor(options, most), expires ?? Number.POSITIVE_INFINITY)
    const before = shelf.under(kind, key).find((it) => equalBytes(it.member, member))
    const comparison =
      before === undefined || before.until <= now() ? "Newer" : compareVersions(before, record, suite.sha256)
    if (comparison === "Older" || comparison === "Conflict")
      return yield* new PutRefused({ key, refusals: [{ reason: comparison, nodes: 1 }] })
    const until = comparison === "Same" ? Math.max(wanted, before?.until ?? 0) : wanted
    shelf.put({ ...record, until })
    const factor = factorFor(options, REPLICATION_FACTOR)
    const holders = [nodeId, ...program.peers().slice(0, factor - 1)]
    const lookup = { ...NOBODY, requests: program.peers().length }
    return { key, status: "stored", reached: holders.length, factor, holders, expires: until, lookup }
  })

  /** The next version under a key of this node's own. */
  const version = (
    kind: number,
    key: Uint8Array,
    options: PutOptions & { readonly lifetime: number },
    sign: (times: Times) => Uint8Array
  ) =>
    Effect.suspend(() => {
      const last = lastOf(kind, key)
      const seq = Math.max(last.seq + 1, clock.currentTimeMillisUnsafe())
      // Of two that were issued in the same second none would be the later, where seconds are the numbers.
      const issued = Math.max(kind === RecordKind.Provider ? last.issued + 1 : last.issued, now())
      const bytes = sign({ seq, issued, expires: issued + options.lifetime })
      return Effect.map(store(kind, bytes, options), (receipt) => ({ ...receipt, seq, author: publicKey }))
    })

  /** A deletion lives as long as anything can. */
  const living = (value: Uint8Array, options: PutOptions) => ({
    ...options,
    lifetime: value.length === 0 ? LIFETIME : lifetimeFor(options, LIFETIME)
  })

  const dht = Dht.of({
    putBlock: Effect.fnUntraced(function* (bytes, options = {}) {
      yield* directly(options)
      if (bytes.length > BLOCK_LIMIT) return yield* invalid(`a block has at most ${BLOCK_LIMIT} bytes`)
      return yield* store(RecordKind.Block, bytes, options)
    }),
    getBlock: Effect.fnUntraced(function* (digest, options) {
      yield* directly(options)
      return (
        live(RecordKind.Block, digest)[0]?.bytes ??
        (yield* new NotFound({ key: digest, asked: program.peers().length }))
      )
    }),
    putMutable: Effect.fnUntraced(function* (salt, value, options = {}) {
      yield* directly(options)
      if (salt.length > Mutable.SALT_LIMIT) return yield* invalid(`a salt has at most ${Mutable.SALT_LIMIT} bytes`)
      const key = suite.sha256(Mutable.keyPreimage(publicKey, salt))
      const sign = (times: Times) => signMutable(signer, { salt, value, ...times })
      return yield* version(RecordKind.Mutable, key, living(value, options), sign)
    }),
    getMutable: Effect.fnUntraced(function* (author, salt, options) {
      yield* directly(options)
      const key = suite.sha256(Mutable.keyPreimage(author, salt))
      const [held] = live(RecordKind.Mutable, key)
      const record = held === undefined ? undefined : Result.getOrUndefined(Mutable.read(held.bytes))
      if (record === undefined || Mutable.isDeletion(record))
        return yield* new NotFound({ key, asked: program.peers().length })
      return new Mutable.Mutable(record)
    }),
    provide: Effect.fnUntraced(function* (cid, options = {}) {
      yield* directly(options)
      const key = digestOf(cid).slice()
      const lifetime = lifetimeFor(options, SHORT_LIFETIME)
      const sign = ({ expires, issued }: Times) => signProvider(signer, { key, issued, expires })
      return yield* version(RecordKind.Provider, key, { ...options, lifetime }, sign)
    }),
    findProviders: Effect.fnUntraced(function* (cid, options) {
      yield* directly(options)
      const found = live(RecordKind.Provider, digestOf(cid))
      return providerEntries(
        suite,
        found.map(({ bytes }) => bytes)
      )
    }),
    putName: Effect.fnUntraced(function* (name, value, options = {}) {
      yield* directly(options)
      const { authority = OPEN_NAMESPACE, grants = [] } = options
      const digest = suite.sha256(utf8(name))
      const key = suite.sha256(Name.keyPreimage(authority, digest))
      const sign = (times: Times) => signName(signer, { authority, digest, value, grants, ...times })
      return yield* version(RecordKind.Name, key, living(value, options), sign)
    }),
    getName: Effect.fnUntraced(function* (name, options = {}) {
      yield* directly(options)
      const key = suite.sha256(Name.keyPreimage(options.authority ?? OPEN_NAMESPACE, suite.sha256(utf8(name))))
      const found = live(RecordKind.Name, key).map(({ bytes }) => bytes)
      const entries = nameEntries(found, publicKey, now())
      return entries.length > 0 ? entries : yield* new NotFound({ key, asked: program.peers().length })
    }),
    putRecord: Effect.fnUntraced(function* (kind, record, options = {}) {
      yield* directly(options)
      return yield* store(kind, record, options)
    }),
    refresh: Effect.fnUntraced(function* (kind, key, options = {}) {
      yield* directly(options)
      const held = live(kind, key)
      const own = held.find(({ member }) => keyOf(member) === keyOf(publicKey)) ?? held[0]
      if (own === undefined) return yield* new NotFound({ key, asked: program.peers().length })
      const again = signAgain(signer, kind, own.bytes)
      if (again === undefined) return yield* store(kind, own.bytes, options)
      return yield* version(kind, key, { lifetime: again.lifetime, ...options }, again.sign)
    }),
    getRecords: Effect.fnUntraced(function* (kind, key, options) {
      yield* directly(options)
      return live(kind, key)
    })
  })
  return {
    dht: program.applied(dht),
    control: program.control,
    forget: (kind, key, member) => shelf.remove(kind, key, member),
    under: live,
    publicKey,
    bytes: () => shelf.bytes
  } satisfies Mock
})

export const layerOf = (options?: MockOptions) =>
  Layer.effectContext(
    Effect.map(make(options), ({ control, dht }) => Context.make(Dht, dht).pipe(Context.add(MockControl, control)))
  )

export const layer = layerOf()
