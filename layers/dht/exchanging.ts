/**
 * Two neighbours make up for each other what one of them lacks: they close in on what differs by digests, then this node
 * fetches what it should hold and hands on what the other should. What comes passes the store pipeline like anything
 * that a peer asks to store; what dies soon, or was damaged, is not handed on.
 */
import { Clock, Effect, Semaphore } from "effect"
import { compare, type Heard, hear } from "#core/dht/differences"
import { hasPrefix, type KeyPrefix } from "#core/dht/keyPrefix"
import { DIVIDED_BY } from "#core/dht/rangeDigest"
import type { Contact } from "#core/identity/Contact"
import { compareBytes, equalBytes, keyOf } from "#schemas/bytes/bytes"
import { RANGES_LIMIT, type RangeDigest, type RangeEntry } from "#schemas/dht/Ranges"
import { COMPARED_ROWS, HANDED_ON, LEAST_LEFT, OPEN_RANGES, QUESTIONS, TRANSFERS } from "#services/dht/Limits"
import { SessionManager } from "#services/session/SessionManager"
import type { StorageFailed } from "#services/storage/RecordStore"
import { EVERYWHERE, type Summing } from "./summing.ts"
import { begun, hasNoTimes, makeTransferring, type Progress } from "./transferring.ts"

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

export const makeExchanging = Effect.fnUntraced(function* (summing: Summing) {
  const { ask, fetch, handOn } = yield* makeTransferring
  const [sessions, clock] = [yield* SessionManager, yield* Clock.Clock]
  const transfers = yield* Semaphore.make(TRANSFERS)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

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
    const progress = begun()
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
