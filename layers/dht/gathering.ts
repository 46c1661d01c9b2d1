/**
 * Everything under one key, from all who are asked (DESIGN.md §6, mutable read and read repair): the answers are checked
 * and merged, further pages are read where one answer could not hold all, and whoever showed an older version of
 * something is given the newest.
 */
import { Clock, Effect, FiberSet, Result } from "effect"
import { MergedSet } from "#core/dht/MergedSet"
import type { Contact } from "#core/identity/Contact"
import { compareBytes } from "#schemas/bytes/bytes"
import { RECORDS_LIMIT } from "#schemas/dht/DhtMessage"
import { isRecordKind, RECORD_LIMIT, RecordKind, SET_LIMITS } from "#schemas/dht/Record"
import { INNER_LIMIT } from "#schemas/session/Frame"
import type { OperationOptions } from "#services/dht/Dht"
import { QUORUM, READ_REPAIRS } from "#services/dht/Limits"
import { type LookupOptions, QueryExecutor } from "#services/dht/QueryExecutor"
import type { CheckedRecord } from "#services/dht/RecordValidators"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Rpc } from "#services/rpc/Rpc"
import { RecordStore, type StorageFailed } from "#services/storage/RecordStore"
import { makeChecker } from "./checking.ts"

/** What one holder showed, in one answer or several. */
interface Shown {
  readonly contact: Contact
  readonly records: ReadonlyArray<CheckedRecord>
  /** Of the records as they came, valid or not. */
  readonly last: Uint8Array
  readonly bytes: number
}

export interface Gathered {
  /** Best first. */
  readonly records: ReadonlyArray<CheckedRecord>
  /** Nodes that answered. */
  readonly asked: number
}

const NOTHING = new Uint8Array(0)

/** An answer with more bytes than this may have left something out that did not fit. */
const FULL = INNER_LIMIT - RECORD_LIMIT - RECORDS_LIMIT

/** What a kind allows under a key. */
export const limitOf = (kind: number): number => (isRecordKind(kind) ? (SET_LIMITS[kind] ?? 1) : 1)

export const lookupOptions = ({ paths }: OperationOptions): LookupOptions => (paths === undefined ? {} : { paths })

export const makeGatherer = Effect.gen(function* () {
  const suite = yield* Crypto
  const rpc = yield* Rpc
  const queries = yield* QueryExecutor
  const pipeline = yield* StorePipeline
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const { check, checkAll } = yield* makeChecker
  const repairs = yield* FiberSet.makeRuntime<never, void, never>()

  const shownBy = (kind: number, key: Uint8Array, found: ReadonlyArray<Uint8Array>, contact: Contact): Shown => {
    let last: Uint8Array = NOTHING
    let bytes = 0
    for (const record of found.slice(0, RECORDS_LIMIT)) {
      const digest = suite.sha256(record)
      if (compareBytes(digest, last) > 0) last = digest
      bytes += record.length
    }
    return { contact, records: checkAll(kind, key, found, limitOf(kind), contact), last, bytes }
  }

  /** The pages behind a holder's first, until it says that there are no more, or shows nothing new. */
  const furtherPages = Effect.fnUntraced(function* (kind: RecordKind, key: Uint8Array, first: Shown) {
    const pages: Array<Shown> = []
    let after = first.last
    for (let page = 1; page < limitOf(kind); page++) {
      const request = { _tag: "FindValue", kind, key, minSeq: 0, after } as const
      const answer = yield* Effect.result(rpc.dht(first.contact, request))
      if (Result.isFailure(answer) || answer.success._tag !== "Values" || answer.success.records.length === 0) break
      const shown = shownBy(kind, key, answer.success.records, first.contact)
      if (compareBytes(shown.last, after) <= 0) break
      pages.push(shown)
      after = shown.last
      if (!answer.success.more) break
    }
    return pages
  })

  /** It costs the reader nothing to wait for. Replicas are given what is left of a life, never more. */
  const repair = (set: MergedSet<CheckedRecord>, shown: ReadonlyArray<Shown>): void => {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    let left = READ_REPAIRS
    for (const { contact, records: theirs } of shown) {
      for (const record of theirs) {
        const best = set.newerThan(record)
        const ttl = (best?.expires ?? 0) - now
        if (best === undefined || !isRecordKind(best.kind) || ttl <= 0) continue
        if (left-- <= 0) return
        const store = { _tag: "Store", kind: best.kind, record: best.bytes, ttl, work: NOTHING } as const
        repairs(Effect.ignore(rpc.dht(contact, store), { log: "Debug" }))
      }
    }
  }

  const repairOwn = (set: MergedSet<CheckedRecord>, own: ReadonlyArray<CheckedRecord>) =>
    Effect.forEach(
      own,
      (record) => {
        const best = set.newerThan(record)
        if (best === undefined) return Effect.void
        return Effect.ignore(pipeline.store(best.kind, best.bytes, undefined, undefined), { log: "Debug" })
      },
      { discard: true }
    )

  /** From `QUORUM` holders that show something, or all who answer. */
  const gather = Effect.fnUntraced(function* (
    kind: RecordKind,
    key: Uint8Array,
    options: OperationOptions = {}
  ): Effect.fn.Return<Gathered, StorageFailed> {
    const set = new MergedSet<CheckedRecord>(limitOf(kind), suite.sha256)
    const held = yield* records.get(kind, key, { limit: RECORDS_LIMIT })
    const own = held.flatMap(({ bytes }) =>
      Result.getOrElse(
        Result.map(check(kind, key, bytes), (it) => [it]),
        () => []
      )
    )
    for (const record of own) set.take(record)
    const shown: Array<Shown> = []
    const accept = (found: ReadonlyArray<Uint8Array>, contact: Contact): boolean => {
      const theirs = shownBy(kind, key, found, contact)
      if (theirs.records.length === 0) return false
      shown.push(theirs)
      for (const record of theirs.records) set.take(record)
      return shown.length >= QUORUM
    }
    const { report } =
      kind === RecordKind.Provider
        ? yield* queries.lookupProviders(key, accept, lookupOptions(options))
        : yield* queries.lookupValue({ kind, key, accept, ...lookupOptions(options) })
    const more = yield* Effect.forEach(
      limitOf(kind) === 1 ? [] : shown.filter(({ bytes }) => bytes > FULL),
      (first) => furtherPages(kind, key, first),
      { concurrency: QUORUM }
    )
    const pages = more.flat()
    for (const page of pages) for (const record of page.records) set.take(record)
    repair(set, [...shown, ...pages])
    yield* repairOwn(set, own)
    const best = set.records()
    return { records: best.slice(0, best[0]?.limit), asked: report.requests - report.failures }
  })

  return gather
})
