/**
 * Two neighbours make up for each other what one of them lacks: they close in on what differs by digests, then this node
 * fetches what it should hold and hands on what the other should. What comes passes the store pipeline like anything
 * that a peer asks to store; what dies soon, or was damaged, is not handed on.
 */
import { Clock, Effect, Result, Semaphore } from "effect"
import { compare, type Heard, hear } from "#core/dht/differences"
import { hasPrefix, type KeyPrefix } from "#core/dht/keyPrefix"
import { DIVIDED_BY, type Item } from "#core/dht/rangeDigest"
import type { Contact } from "#core/identity/Contact"
import { compareBytes, equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { DhtRequest } from "#schemas/dht/DhtMessage"
import { RANGES_LIMIT, type RangeDigest, type RangeEntry } from "#schemas/dht/Ranges"
import { isRecordKind, RecordKind } from "#schemas/dht/Record"
import {
  COMPARED_ROWS,
  HANDED_ON,
  LEAST_LEFT,
  MISSES,
  OPEN_RANGES,
  QUESTIONS,
  REFUSALS,
  TRANSFERS
} from "#services/dht/Limits"
import { RecordValidators } from "#services/dht/RecordValidators"
import { RoutingTable } from "#services/dht/RoutingTable"
import { StorePipeline } from "#services/dht/StorePipeline"
import { Crypto } from "#services/identity/Crypto"
import { Rpc, type RpcError } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore, type StorageFailed } from "#services/storage/RecordStore"
import { isDamage, refusalOf } from "./damage.ts"
import { EVERYWHERE, type Summing } from "./summing.ts"

/** A range to compare, with what this node holds in it. */
export interface Shared extends RangeDigest {
  /** Whether this node should hold its keys too; else it only hands on what it has. */
  readonly mutual: boolean
  /** Rows, as far as known: how much it costs the other to compare. */
  readonly rows: number
}

export interface Exchanged {
  readonly sent: number
  readonly fetched: number
  /** Whether the neighbour answered to the end. */
  readonly answered: boolean
}

const NOTHING = new Uint8Array(0)

/** Kinds that say themselves until when they live; of others the holder says it. */
const hasNoTimes = (kind: number): boolean =>
  kind === RecordKind.Block || kind === RecordKind.Op || kind === RecordKind.Commit

/** The peer is there and says no: not a sign that it is gone. */
const isAnswer = (error: RpcError): boolean => error._tag === "RpcFailure" || error._tag === "RpcBusy"

/** One exchange's counts, and whether it goes on. */
interface Progress {
  sent: number
  fetched: number
  misses: number
  refusals: number
  answered: boolean
  over: boolean
}

export const makeExchanging = Effect.fnUntraced(function* (summing: Summing) {
  const { sha256 } = yield* Crypto
  const [rpc, sessions, table] = [yield* Rpc, yield* SessionManager, yield* RoutingTable]
  const [records, pipeline, validators] = [yield* RecordStore, yield* StorePipeline, yield* RecordValidators]
  const clock = yield* Clock.Clock
  const transfers = yield* Semaphore.make(TRANSFERS)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  /** The answer; undefined, and the end of it, where there is none. */
  const ask = (contact: Contact, request: DhtRequest, progress: Progress) =>
    Effect.map(Effect.result(rpc.dht(contact, request)), (result) => {
      if (Result.isSuccess(result)) return result.success
      if (!isAnswer(result.failure)) {
        table.failed(contact.key)
        progress.answered = false
        progress.over = true
      }
      return undefined
    })

  const isBusy = (error: RpcError): boolean =>
    error._tag === "RpcBusy" || (error._tag === "RpcFailure" && (error.tag === "Busy" || error.tag === "WorkRequired"))

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
    else if (!isAnswer(result.failure)) {
      table.failed(contact.key)
      progress.answered = false
      progress.over = true
    } else if (isBusy(result.failure)) progress.over = true
    else refused(progress)
  })

  const transfer = <A>(
    items: ReadonlyArray<A>,
    one: (item: A) => Effect.Effect<void, StorageFailed>
  ): Effect.Effect<void, StorageFailed> =>
    Effect.forEach(items, (item) => Semaphore.withPermit(transfers, one(item)), {
      concurrency: TRANSFERS,
      discard: true
    })

  /** All of the other's entries in a range are known: what one side lacks goes over, what comes first. */
  const settle = Effect.fnUntraced(function* (
    contact: Contact,
    shared: Shared,
    theirs: ReadonlyArray<RangeEntry>,
    progress: Progress
  ) {
    const own = yield* summing.items(shared, HANDED_ON)
    const { missingHere, missingThere } = compare(own, theirs)
    const byKey = new Map<string, Array<RangeEntry>>()
    const wanted = shared.mutual ? missingHere.slice(0, HANDED_ON - progress.fetched) : []
    for (const entry of wanted) {
      if (hasNoTimes(entry.kind) && entry.expires <= seconds() + LEAST_LEFT) continue
      const name = String.fromCharCode(entry.kind) + keyOf(entry.key)
      const others = byKey.get(name)
      if (others === undefined) byKey.set(name, [entry])
      else others.push(entry)
    }
    yield* transfer([...byKey.values()], (entries) => fetch(contact, entries, progress))
    yield* transfer(missingThere.slice(0, HANDED_ON - progress.sent), (item) => handOn(contact, item, progress))
  })

  /** Which of the smaller ranges differ from what is held here. */
  const narrow = Effect.fnUntraced(function* (asked: ReadonlyArray<Shared>, divided: ReadonlyArray<RangeDigest>) {
    const theirs = divided.toSorted((a, b) => compareBytes(a.prefix, b.prefix))
    const { sums } = yield* summing.sum(theirs, { rows: COMPARED_ROWS })
    return sums.flatMap((sum, at): ReadonlyArray<Shared> => {
      const other = theirs[at]
      const parent = asked.find((it) => hasPrefix(sum.range.prefix, it))
      if (other === undefined || parent === undefined || equalBytes(other.digest, sum.digest)) return []
      return [{ ...sum.range, digest: sum.digest, mutual: parent.mutual, rows: sum.count }]
    })
  })

  /** `shared` ascend and are disjoint. */
  return Effect.fnUntraced(function* (
    contact: Contact,
    shared: ReadonlyArray<Shared>
  ): Effect.fn.Return<Exchanged, StorageFailed> {
    const progress: Progress = { sent: 0, fetched: 0, misses: 0, refusals: 0, answered: true, over: false }
    let open = shared
    for (let questions = 0; open.length > 0 && questions < QUESTIONS && !progress.over; questions++) {
      const asked = affordable(open)
      const rest = open.slice(asked.length)
      const ranges = asked.map(({ bits, digest, prefix }) => ({ bits, prefix, digest }))
      const answer = yield* ask(contact, { _tag: "Ranges", radius: EVERYWHERE, ranges }, progress)
      if (answer?._tag !== "Differences") break
      const heard = hear(asked, answer)
      if (heard === undefined) {
        sessions.charge(contact.key, "useless answer")
        break
      }
      for (const { entries, range } of heard.listed) {
        const place = asked.find((it) => it.bits === range.bits && equalBytes(it.prefix, range.prefix))
        if (place !== undefined && !progress.over) yield* settle(contact, place, entries, progress)
      }
      const smaller = yield* narrow(asked, heard.divided)
      const again = heard.full ? asked.filter((it) => !wasAnswered(it, heard)) : []
      const next = [...smaller, ...again].sort((a, b) => compareBytes(a.prefix, b.prefix))
      open = [...next, ...rest].slice(0, OPEN_RANGES)
    }
    const { answered, fetched, sent } = progress
    return { answered, fetched, sent }
  })
})

/** One here and there may have its reason; many mean that a disk is full. */
const refused = (progress: Progress): void => {
  if (++progress.refusals >= REFUSALS) progress.over = true
}

/** The first of them, as many as one question holds and as cost the other no more than one answer may. */
const affordable = (open: ReadonlyArray<Shared>): ReadonlyArray<Shared> => {
  let rows = 0
  let count = 0
  for (const it of open) {
    rows += it.rows
    if (count > 0 && (count >= RANGES_LIMIT || rows > COMPARED_ROWS / 2)) break
    count++
  }
  return open.slice(0, count)
}

/** It was named itself, or its eighths were, of which the first has its prefix. */
const wasAnswered = ({ bits, prefix }: KeyPrefix, { divided, listed }: Heard): boolean =>
  listed.some(({ range }) => range.bits === bits && equalBytes(range.prefix, prefix)) ||
  divided.some((it) => it.bits === bits + DIVIDED_BY && equalBytes(it.prefix, prefix))
