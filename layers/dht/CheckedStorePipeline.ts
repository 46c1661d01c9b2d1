/**
 * The store pipeline, in the order of DESIGN.md §6: parse, admission, locality, the key (which follows from the value),
 * comparison with what is held, signature and validators, quota, write. The comparison runs on what is not yet
 * verified: it may refuse, never accept.
 */
import { Clock, Effect, Layer, Result, Semaphore } from "effect"
import { networksIn } from "#core/dht/networks"
import { Proofs } from "#core/dht/Proofs"
import { judge, keepUntil, type Rules, type Verdict } from "#core/dht/storeDecision"
import type { Contact } from "#core/identity/Contact"
import { nodeIdOf } from "#core/identity/signature"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { isRecordKind, lifetimeOf, RecordKind } from "#schemas/dht/Record"
import { WORK_BITS } from "#schemas/dht/Work"
import {
  NODES_OF_NETWORK_IN_SET,
  NODES_OF_PREFIX,
  PREFIXES,
  PROOFS,
  SPENT_WORK,
  STORING_PEERS
} from "#services/dht/Limits"
import { type CheckedRecord, RecordValidators, type Refusal } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { ANONYMOUS, ANONYMOUS_ID, RecordRefused, StorePipeline, type Storer } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Bounds } from "#services/node/Bounds"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { Admission } from "./Admission.ts"
import { isDamage, refusalOf } from "./damage.ts"
import { makeEvictingWriter } from "./evicting.ts"

/** Stores under one key go one after the other, or an older record could slip in behind a newer one. */
const STRIPES = 64

/** Sets whose entries are nodes, of which no network may have more than its share. */
const OF_NODES = new Set<number>([RecordKind.Provider, RecordKind.Announcement])

/** The network of all nodes of which this one does not know where they are. */
const UNKNOWN = ["unknown"]

const NO_WORK = new Uint8Array(0)

const refuse = (refusal: Refusal, closer: ReadonlyArray<Contact> = []) =>
  new RecordRefused({
    refusal,
    closer: closer.map((contact) => contact.bytes),
    bits: refusal === "WorkRequired" ? WORK_BITS : 0
  })

/** One record that is offered, and by whom. */
interface Offer {
  readonly record: CheckedRecord
  readonly row: StoredRecord
  readonly from: Storer
  /** Unix seconds. */
  readonly now: number
}

export const make = Effect.gen(function* () {
  const suite = yield* Crypto
  const { local, nodeId } = yield* Identity
  const validators = yield* RecordValidators
  const table = yield* RoutingTable
  const known = yield* KnownPeers
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const put = yield* makeEvictingWriter
  const admission = new Admission(suite, records.usage, !local)
  const proofs = new Proofs(PROOFS)
  const bounds = yield* Bounds
  yield* bounds.watch("storing peers", STORING_PEERS, () => admission.peers)
  yield* bounds.watch("storing networks", PREFIXES, () => admission.networks)
  yield* bounds.watch("storing peers of a network", NODES_OF_PREFIX, () => admission.mostOfNetwork())
  yield* bounds.watch("spent work", SPENT_WORK, () => admission.spent)
  yield* bounds.watch("proofs of equivocation", PROOFS, () => proofs.size)
  const stripes: Array<Semaphore.Semaphore | undefined> = []
  const stripeOf = (key: Uint8Array): Semaphore.Semaphore => {
    const at = (key[0] ?? 0) % STRIPES
    return (stripes[at] ??= Semaphore.makeUnsafe(1))
  }

  /** By what the storing peer itself, the peers that this node met, or its table say of the node. */
  const networksOf = (node: Uint8Array, from: Storer): ReadonlyArray<string> => {
    const contact =
      from !== undefined && from !== ANONYMOUS && equalBytes(from.publicKey, node)
        ? from
        : (known.find(node) ?? table.find(keyOf(nodeIdOf(suite, node)))?.contact)
    const prefixes = contact === undefined ? UNKNOWN : networksIn(contact.addresses)
    return prefixes.length === 0 ? UNKNOWN : prefixes
  }

  const rulesFor = ({ from, now, record, row }: Offer): Rules<StoredRecord> => ({
    limit: record.limit,
    rankOf: (entry) =>
      entry === row
        ? record.rank
        : Result.match(validators.parse(entry.kind, entry.bytes, now), {
            onFailure: () => Number.NEGATIVE_INFINITY,
            onSuccess: ({ rank }) => rank
          }),
    networksOf: ({ kind, member }) => (local || !OF_NODES.has(kind) ? [] : networksOf(member, from)),
    perNetwork: NODES_OF_NETWORK_IN_SET
  })

  /** A record that the disk has damaged is as good as none, and must not keep out the one that it once was. */
  const settle = (offer: Offer, held: ReadonlyArray<StoredRecord>): Verdict<StoredRecord> => {
    const verdict = judge(offer.row, held, rulesFor(offer), suite.sha256)
    if (verdict._tag !== "Refused" || verdict.rival === undefined) return verdict
    if (!isDamage(refusalOf(validators, verdict.rival, offer.now))) return verdict
    return settle(
      offer,
      held.filter((it) => it !== verdict.rival)
    )
  }

  const prove = (kept: StoredRecord, other: StoredRecord): void => {
    const { key, kind, member, seq } = kept
    proofs.add({ kind, key, member, seq, records: [kept.bytes, other.bytes] })
  }

  const write = Effect.fnUntraced(
    function* (offer: Offer) {
      const { from, now, record, row } = offer
      const held = yield* records.get(row.kind, row.key)
      const verdict = settle(offer, held)
      const isConflict = verdict._tag === "Refused" && verdict.refusal === "Conflict"
      if (verdict._tag === "Refused" && !isConflict) return yield* refuse(verdict.refusal)
      // The same record again only lives on, for the longest that was asked.
      if (verdict._tag === "Replaces" && verdict.same && verdict.before.expires >= row.expires)
        return { key: row.key, seq: row.seq, expires: verdict.before.expires }
      const verified = validators.verify(record, now)
      if (Result.isFailure(verified)) return yield* refuse(verified.failure)
      if (verdict._tag === "Refused") {
        if (verdict.rival !== undefined) prove(verdict.rival, row)
        return yield* refuse(verdict.refusal)
      }
      if (from !== undefined && !(yield* admission.hasQuota(from, row.bytes.length))) return yield* refuse("Quota")
      const before = verdict._tag === "Replaces" ? verdict.before : undefined
      if (before !== undefined && !equalBytes(before.bytes, row.bytes) && before.seq === row.seq) prove(row, before)
      // What this node stored for itself stays its own, whoever brings it back.
      const isOwn = before !== undefined && equalBytes(before.storedBy, nodeId)
      yield* put(isOwn ? { ...row, storedBy: nodeId } : row)
      if (verdict._tag === "Joins")
        for (const { key, kind, member } of verdict.leaving) yield* records.remove(kind, key, member)
      return { key: row.key, seq: row.seq, expires: row.expires }
    },
    Effect.catchTag("StoreFull", () => refuse("Quota"))
  )

  const rowOf = (record: CheckedRecord, ttl: number | undefined, from: Storer, now: number) => {
    const { bytes, key, kind, member, seq } = record
    const kindLimit = isRecordKind(kind) ? lifetimeOf(kind) : 0
    const expires = keepUntil(now, ttl ?? kindLimit, kindLimit, record.expires)
    const storedBy = from === ANONYMOUS ? ANONYMOUS_ID : (from?.nodeId ?? nodeId)
    return { kind, key, member, seq, expires, storedBy, bytes }
  }

  return StorePipeline.of({
    store: (kind, bytes, ttl, from, work = NO_WORK) =>
      Effect.suspend(() => {
        const millis = clock.currentTimeMillisUnsafe()
        const now = Math.floor(millis / 1000)
        const parsed = validators.parse(kind, bytes, now)
        if (Result.isFailure(parsed)) return Effect.fail(refuse(parsed.failure))
        const record = parsed.success
        if (from !== undefined) {
          const refusal = from === ANONYMOUS ? undefined : admission.refusal(record, work, from, millis)
          if (refusal !== undefined) return Effect.fail(refuse(refusal))
          if (!table.isClose(record.key)) return Effect.fail(refuse("NotClosest", table.shareable(record.key)))
        }
        const row = rowOf(record, ttl, from, now)
        if (row.expires <= now) return Effect.fail(refuse("Expired"))
        const writing = write({ record, row, from, now })
        if (kind === RecordKind.Block) return writing
        return Semaphore.withPermit(stripeOf(record.key), writing)
      }),
    proofs: () => proofs.list()
  })
})

export const layer = Layer.effect(StorePipeline, make)
