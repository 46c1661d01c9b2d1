/**
 * The reading half of the Dht. Any node may answer anything, so every answer passes the checks of the store pipeline
 * before it counts, and whoever sent a record that does not is charged for it.
 */
import { Clock, Effect, FiberSet, Result } from "effect"
import { compareVersions } from "#core/dht/storeDecision"
import type { Contact } from "#core/identity/Contact"
import { nodeIdOf } from "#core/identity/signature"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { digestOf } from "#schemas/content/Cid"
import { RECORDS_LIMIT } from "#schemas/dht/DhtMessage"
import * as Mutable from "#schemas/dht/Mutable"
import * as Provider from "#schemas/dht/Provider"
import { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { type Dht, NotFound, type OperationOptions, PrivacyUnavailable, type ProviderInfo } from "#services/dht/Dht"
import { HINTED_CONTACTS, QUORUM } from "#services/dht/Limits"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { type CheckedRecord, RecordValidators } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"

type Reader = Pick<Dht["Service"], "getBlock" | "getMutable" | "findProviders">

const NO_WORK = new Uint8Array(0)

/** Who showed which version of a mutable record. */
interface Shown {
  readonly contact: Contact
  readonly record: CheckedRecord
}

export const makeReader = Effect.gen(function* () {
  const suite = yield* Crypto
  const { nodeId } = yield* Identity
  const rpc = yield* Rpc
  const table = yield* RoutingTable
  const sessions = yield* SessionManager
  const queries = yield* QueryExecutor
  const validators = yield* RecordValidators
  const pipeline = yield* StorePipeline
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const repairs = yield* FiberSet.makeRuntime<never, void, never>()
  const hinted = new Map<string, Contact | undefined>()
  yield* (yield* Bounds).watch("hinted contacts", HINTED_CONTACTS, () => hinted.size)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const check = (kind: number, key: Uint8Array, bytes: Uint8Array): CheckedRecord | undefined => {
    const now = seconds()
    const parsed = validators.parse(kind, bytes, now)
    if (Result.isFailure(parsed) || !equalBytes(parsed.success.key, key)) return undefined
    return Result.isSuccess(validators.verify(parsed.success, now)) ? parsed.success : undefined
  }

  const checkAll = (kind: number, key: Uint8Array, found: ReadonlyArray<Uint8Array>, from: Contact) =>
    found.slice(0, RECORDS_LIMIT).flatMap((bytes) => {
      const checked = check(kind, key, bytes)
      if (checked === undefined) sessions.charge(from.key, "bad record")
      return checked === undefined ? [] : [checked]
    })

  const directly = <A, E>(options: OperationOptions | undefined, get: Effect.Effect<A, E>) =>
    Effect.suspend(
      (): Effect.Effect<A, E | PrivacyUnavailable> =>
        options?.privacy === "anonymous" ? Effect.fail(new PrivacyUnavailable()) : get
    )

  /** Where a provider can be reached: known already, or looked up once. */
  const contactOf = Effect.fnUntraced(function* (id: NodeId) {
    const key = keyOf(id)
    const known = sessions.find(key)?.contact ?? table.find(key)?.contact
    if (known !== undefined || hinted.has(key)) return known ?? hinted.get(key)
    const { closest } = yield* queries.locate(id)
    const found = closest.find((contact) => contact.key === key)
    if (hinted.size >= HINTED_CONTACTS) hinted.delete(hinted.keys().next().value ?? "")
    hinted.set(key, found)
    return found
  })

  const hintsOf = (ids: ReadonlyArray<NodeId>) =>
    Effect.map(
      Effect.forEach(
        ids.filter((id) => !equalBytes(id, nodeId)),
        contactOf,
        { concurrency: ids.length + 1 }
      ),
      (contacts) => contacts.filter((contact) => contact !== undefined)
    )

  /** A disk may turn a bit over. Such a block goes: it would keep the good one from being stored here again. */
  const ownBlock = Effect.fnUntraced(function* (digest: Uint8Array) {
    const [held] = yield* records.get(RecordKind.Block, digest)
    if (held === undefined || equalBytes(suite.sha256(held.bytes), digest)) return held?.bytes
    yield* records.remove(held.kind, held.key, held.member)
    return undefined
  })

  const getBlock: Reader["getBlock"] = Effect.fn("KademliaDht.getBlock")(function* (digest, options = {}) {
    const held = yield* directly(options, ownBlock(digest))
    if (held !== undefined) return held
    const hints = options.hints === undefined ? [] : yield* hintsOf(options.hints)
    let block: Uint8Array | undefined
    const { report } = yield* queries.lookupValue({
      kind: RecordKind.Block,
      key: digest,
      hints,
      accept: (found, from) => {
        block = checkAll(RecordKind.Block, digest, found.slice(0, 1), from)[0]?.bytes
        return block !== undefined
      }
    })
    // A copy: what came is a view of an entire batch of frames.
    return block?.slice() ?? (yield* new NotFound({ key: digest, asked: report.requests - report.failures }))
  })

  const newer = (a: CheckedRecord | undefined, b: CheckedRecord): CheckedRecord =>
    a === undefined || compareVersions(a, b, suite.sha256) === "Newer" ? b : a

  /** Those that showed an older version are given the newest; it costs the reader nothing to wait for. */
  const repair = (best: CheckedRecord, shown: ReadonlyArray<Shown>): void => {
    const ttl = (best.expires ?? 0) - seconds()
    for (const { contact, record } of shown) {
      if (record.seq >= best.seq || ttl <= 0) continue
      const store = { _tag: "Store", kind: RecordKind.Mutable, record: best.bytes, ttl, work: NO_WORK } as const
      repairs(Effect.ignore(rpc.dht(contact, store), { log: "Debug" }))
    }
  }

  const getMutable: Reader["getMutable"] = Effect.fn("KademliaDht.getMutable")(function* (author, salt, options) {
    const key = suite.sha256(Mutable.keyPreimage(author, salt))
    const [held] = yield* directly(options, records.get(RecordKind.Mutable, key))
    const own = held === undefined ? undefined : check(RecordKind.Mutable, key, held.bytes)
    let best = own
    const shown: Array<Shown> = []
    const { report } = yield* queries.lookupValue({
      kind: RecordKind.Mutable,
      key,
      accept: (found, contact) => {
        for (const record of checkAll(RecordKind.Mutable, key, found.slice(0, 1), contact)) {
          shown.push({ contact, record })
          best = newer(best, record)
        }
        return shown.length >= QUORUM
      }
    })
    const notFound = new NotFound({ key, asked: report.requests - report.failures })
    if (best === undefined) return yield* notFound
    repair(best, shown)
    if (own !== undefined && best !== own)
      yield* Effect.ignore(pipeline.store(RecordKind.Mutable, best.bytes, undefined, undefined), { log: "Debug" })
    const record = Mutable.read(best.bytes.slice())
    if (Result.isFailure(record) || Mutable.isDeletion(record.success)) return yield* notFound
    return new Mutable.Mutable(record.success)
  })

  const infoOf = (record: CheckedRecord): ReadonlyArray<ProviderInfo> =>
    Result.match(Provider.read(record.bytes.slice()), {
      onFailure: () => [],
      onSuccess: ({ expires, issued, node }) => [{ nodeId: nodeIdOf(suite, node), publicKey: node, issued, expires }]
    })

  const findProviders: Reader["findProviders"] = Effect.fn("KademliaDht.findProviders")(function* (cid, options) {
    const key = digestOf(cid)
    const held = yield* directly(options, records.get(RecordKind.Provider, key))
    const latest = new Map<string, CheckedRecord>()
    const take = (record: CheckedRecord): void => {
      const member = keyOf(record.member)
      if (latest.size < RECORDS_LIMIT || latest.has(member)) latest.set(member, newer(latest.get(member), record))
    }
    for (const { bytes } of held) {
      const checked = check(RecordKind.Provider, key, bytes)
      if (checked !== undefined) take(checked)
    }
    let answers = 0
    yield* queries.lookupProviders(key, (found, from) => {
      const checked = checkAll(RecordKind.Provider, key, found, from)
      for (const record of checked) take(record)
      if (checked.length > 0) answers++
      return answers >= QUORUM
    })
    return [...latest.values()].flatMap(infoOf).sort((a, b) => b.issued - a.issued)
  })

  return { getBlock, getMutable, findProviders } satisfies Reader
})
