/**
 * Single records between two neighbours that make up for each other what one of them lacks: fetched from there and kept, or
 * handed on from here. Either counts in the exchange that it is part of, and may end it.
 */
import { Clock, Effect, Result } from "effect"
import type { Item } from "#core/dht/rangeDigest"
import type { Contact } from "#core/identity/Contact"
import { compareBytes, equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { DhtRequest } from "#schemas/dht/DhtMessage"
import type { RangeEntry } from "#schemas/dht/Ranges"
import { isRecordKind, RecordKind } from "#schemas/dht/Record"
import { LEAST_LEFT, MISSES, REFUSALS } from "#services/dht/Limits"
import { RecordValidators } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Rpc, type RpcError } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore, type StorageFailed } from "#services/storage/RecordStore"
import { isDamage, refusalOf } from "./damage.ts"

/** One exchange's counts, and whether it goes on. */
export interface Progress {
  sent: number
  fetched: number
  misses: number
  refusals: number
  answered: boolean
  over: boolean
}

export const begun = (): Progress => ({ sent: 0, fetched: 0, misses: 0, refusals: 0, answered: true, over: false })

const NOTHING = new Uint8Array(0)

/** Kinds that say themselves until when they live; of others the holder says it. */
export const hasNoTimes = (kind: number): boolean =>
  kind === RecordKind.Block || kind === RecordKind.Op || kind === RecordKind.Commit

/** The peer is there and says no: not a sign that it is gone. */
const isAnswer = (error: RpcError): boolean => error._tag === "RpcFailure" || error._tag === "RpcBusy"

const isBusy = (error: RpcError): boolean =>
  error._tag === "RpcBusy" || (error._tag === "RpcFailure" && (error.tag === "Busy" || error.tag === "WorkRequired"))

export const makeTransferring = Effect.gen(function* () {
  const { sha256 } = yield* Crypto
  const [rpc, sessions, table] = [yield* Rpc, yield* SessionManager, yield* RoutingTable]
  const [records, pipeline, validators] = [yield* RecordStore, yield* StorePipeline, yield* RecordValidators]
  const clock = yield* Clock.Clock
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const gone = (contact: Contact, progress: Progress): void => {
    table.failed(contact.key)
    progress.answered = false
    progress.over = true
  }

  /** The answer; undefined, and the end of it, where there is none. */
  const ask = (contact: Contact, request: DhtRequest, progress: Progress) =>
    Effect.map(Effect.result(rpc.dht(contact, request)), (result) => {
      if (Result.isSuccess(result)) return result.success
      if (!isAnswer(result.failure)) gone(contact, progress)
      return undefined
    })

  /** Fetches what stands under one key there, and keeps what was named of it. */
  const fetch = Effect.fnUntraced(function* (
    contact: Contact,
    entries: ReadonlyArray<RangeEntry>,
    progress: Progress
  ): Effect.fn.Return<void, StorageFailed> {
    const [first] = entries
    if (first === undefined || progress.over) return
    const { key, kind } = first
    const missing = new Map(entries.map((entry) => [keyOf(entry.digest), entry.expires]))
    let after: Uint8Array = NOTHING
    for (let more = true; more && missing.size > 0; ) {
      const answer = yield* ask(contact, { _tag: "FindValue", kind, key, minSeq: 0, after }, progress)
      if (answer?._tag !== "Values") break
      for (const bytes of answer.records) {
        const digest = sha256(bytes)
        const expires = missing.get(keyOf(digest))
        after = compareBytes(digest, after) > 0 ? digest : after
        if (expires === undefined) continue
        missing.delete(keyOf(digest))
        const ttl = hasNoTimes(kind) ? expires - seconds() : undefined
        const kept = yield* Effect.result(pipeline.store(kind, bytes, ttl, contact))
        if (Result.isSuccess(kept)) progress.fetched++
        else if (kept.failure._tag === "StorageFailed") return yield* kept.failure
        else {
          if (isDamage(kept.failure.refusal)) sessions.charge(contact.key, "bad record")
          refused(progress)
        }
      }
      more = answer.more && answer.records.length > 0
    }
    // It may have lost, replaced or dropped a few meanwhile; who has nothing of what he names is not worth the time.
    progress.misses += missing.size
    if (progress.misses < MISSES || progress.over) return
    sessions.charge(contact.key, "useless answer")
    progress.over = true
  })

  const handOn = Effect.fnUntraced(function* (
    contact: Contact,
    { digest, key, kind }: Item,
    progress: Progress
  ): Effect.fn.Return<void, StorageFailed> {
    if (progress.over || !isRecordKind(kind)) return
    const now = seconds()
    const held = yield* records.get(kind, key)
    const row = held.find(({ bytes }) => equalBytes(kind === RecordKind.Block ? key : sha256(bytes), digest))
    if (row === undefined || row.expires <= now + LEAST_LEFT) return
    const refusal = refusalOf(validators, row, now)
    if (isDamage(refusal)) yield* records.remove(row.kind, row.key, row.member)
    if (refusal !== undefined) return
    const request: DhtRequest =
      kind === RecordKind.Provider
        ? { _tag: "AddProvider", record: row.bytes }
        : { _tag: "Store", kind, record: row.bytes, ttl: row.expires - now, work: NOTHING }
    const result = yield* Effect.result(rpc.dht(contact, request))
    if (Result.isSuccess(result)) progress.sent++
    else if (!isAnswer(result.failure)) gone(contact, progress)
    else if (isBusy(result.failure)) progress.over = true
    else refused(progress)
  })

  return { ask, fetch, handOn }
})

/** One here and there may have its reason; many mean that a disk is full. */
const refused = (progress: Progress): void => {
  if (++progress.refusals >= REFUSALS) progress.over = true
}
