/**
 * The reading half of the Dht. Any node may answer anything, so every answer passes the checks of the store pipeline
 * before it counts, and whoever sent a record that does not is charged for it.
 */
import { Clock, Effect, FiberSet, Result } from "effect"
import { nameEntries } from "#core/dht/nameEntries"
import type { Contact } from "#core/identity/Contact"
import { nodeIdOf } from "#core/identity/signature"
import { equalBytes, keyOf, utf8 } from "#schemas/bytes/bytes"
import { digestOf } from "#schemas/content/Cid"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import * as Provider from "#schemas/dht/Provider"
import { isRecordKind, OPEN_NAMESPACE, RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { Delegates } from "#services/dht/Delegates"
import { type Dht, NotFound, type OperationOptions, type ProviderInfo } from "#services/dht/Dht"
import { CACHED_FOR, HINTED_CONTACTS } from "#services/dht/Limits"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import type { CheckedRecord } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"
import { makeChecker } from "./checking.ts"
import { lookupOptions, makeGatherer } from "./gathering.ts"
import { makeAnonymousGatherer } from "./gatheringAnonymously.ts"
import { nameSalt } from "./pseudonyms.ts"

type Reader = Pick<Dht["Service"], "getBlock" | "getMutable" | "findProviders" | "getName" | "getRecords">

const NO_WORK = new Uint8Array(0)

export const makeReader = Effect.gen(function* () {
  const suite = yield* Crypto
  const { nodeId, pseudonym, publicKey } = yield* Identity
  const rpc = yield* Rpc
  const table = yield* RoutingTable
  const sessions = yield* SessionManager
  const queries = yield* QueryExecutor
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const [gather, gatherAnonymously] = [yield* makeGatherer, yield* makeAnonymousGatherer]
  const delegates = yield* Delegates
  const { checkAll } = yield* makeChecker
  const leaving = yield* FiberSet.makeRuntime<never, void, never>()
  const hinted = new Map<string, Contact | undefined>()
  yield* (yield* Bounds).watch("hinted contacts", HINTED_CONTACTS, () => hinted.size)

  const collect = (kind: RecordKind, key: Uint8Array, options: OperationOptions = {}) =>
    options.privacy === "anonymous" ? gatherAnonymously(kind, key) : gather(kind, key, options)

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

  /** Kademlia's caching (section 2.3): the closest node that had nothing to show is given what was found. */
  const leaveCopy = (block: Uint8Array, closest: ReadonlyArray<Contact>, holders: ReadonlySet<string>): void => {
    const without = closest.find(({ key }) => !holders.has(key))
    if (without === undefined) return
    const copy = { _tag: "Store", kind: RecordKind.Block, record: block, ttl: CACHED_FOR, work: NO_WORK } as const
    leaving(Effect.ignore(rpc.dht(without, copy), { log: "Debug" }))
  }

  const blockByDelegate = Effect.fnUntraced(function* (digest: Uint8Array) {
    const { asked, records: found } = yield* delegates.find(RecordKind.Block, digest)
    return found[0]?.bytes ?? (yield* new NotFound({ key: digest, asked }))
  })

  const getBlock: Reader["getBlock"] = Effect.fn("KademliaDht.getBlock")(function* (digest, options = {}) {
    const held = yield* ownBlock(digest)
    if (held !== undefined) return held
    if (options.privacy === "anonymous") return yield* blockByDelegate(digest)
    const hints = options.hints === undefined ? [] : yield* hintsOf(options.hints)
    const showing = new Set<string>()
    let block: Uint8Array | undefined
    const { closest, report } = yield* queries.lookupValue({
      kind: RecordKind.Block,
      key: digest,
      hints,
      accept: (found, from) => {
        showing.add(from.key)
        block = checkAll(RecordKind.Block, digest, found, 1, from)[0]?.bytes
        return block !== undefined
      },
      ...lookupOptions(options)
    })
    if (block === undefined) return yield* new NotFound({ key: digest, asked: report.requests - report.failures })
    // A copy: what came is a view of an entire batch of frames.
    const copy = block.slice()
    leaveCopy(copy, closest, showing)
    return copy
  })

  const getMutable: Reader["getMutable"] = Effect.fn("KademliaDht.getMutable")(function* (author, salt, options) {
    const key = suite.sha256(Mutable.keyPreimage(author, salt))
    const { asked, records: found } = yield* collect(RecordKind.Mutable, key, options)
    const record = found[0] === undefined ? undefined : Result.getOrUndefined(Mutable.read(found[0].bytes.slice()))
    if (record === undefined || Mutable.isDeletion(record)) return yield* new NotFound({ key, asked })
    return new Mutable.Mutable(record)
  })

  const infoOf = ({ bytes }: CheckedRecord): ReadonlyArray<ProviderInfo> =>
    Result.match(Provider.read(bytes.slice()), {
      onFailure: () => [],
      onSuccess: ({ expires, issued, node }) => [{ nodeId: nodeIdOf(suite, node), publicKey: node, issued, expires }]
    })

  const findProviders: Reader["findProviders"] = Effect.fn("KademliaDht.findProviders")(function* (cid, options) {
    const { records: found } = yield* collect(RecordKind.Provider, digestOf(cid), options)
    return found.flatMap(infoOf).sort((a, b) => b.issued - a.issued)
  })

  const getName: Reader["getName"] = Effect.fn("KademliaDht.getName")(function* (name, options = {}) {
    const key = suite.sha256(Name.keyPreimage(options.authority ?? OPEN_NAMESPACE, suite.sha256(utf8(name))))
    const { asked, records: found } = yield* collect(RecordKind.Name, key, options)
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const entries = nameEntries(
      found.map(({ bytes }) => bytes.slice()),
      options.privacy === "anonymous" ? pseudonym(nameSalt(key)).publicKey : publicKey,
      now
    )
    return entries.length > 0 ? entries : yield* new NotFound({ key, asked })
  })

  const getRecords: Reader["getRecords"] = Effect.fn("KademliaDht.getRecords")(function* (kind, key, options) {
    if (!isRecordKind(kind)) return []
    const { records: found } = yield* collect(kind, key, options)
    return found.map((record) => ({ ...record, bytes: record.bytes.slice() }))
  })

  return { getBlock, getMutable, findProviders, getName, getRecords } satisfies Reader
})
