/**
 * Keeps the replicas of each key alike (DESIGN.md §6, Redundancy and healing): in rounds this node compares what it holds
 * with those neighbours that should hold the same, and both make up what is missing. Nobody has to notice that a node is
 * gone: whoever is next closest to its keys is compared with from then on.
 *
 * A round walks along the store once, for all neighbours. It comes every hour, soon after somebody joined, and a while
 * after somebody left.
 */
import { Clock, Duration, Effect, Queue, Random, Semaphore } from "effect"
import { divide } from "#core/dht/keyPrefix"
import type { Outcomes } from "#core/dht/Outcomes"
import { isNothing } from "#core/dht/rangeDigest"
import { type ReplicaRange, replicaRanges } from "#core/dht/replicaRanges"
import type { Contact } from "#core/identity/Contact"
import { RANGES_LIMIT } from "#schemas/dht/Ranges"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { MOST_REPLICAS, NEWCOMERS, REPLICA_RANGES, SYNCS } from "#services/dht/Limits"
import { fetched, rounds, sent } from "#services/dht/Metrics"
import { RoutingTable } from "#services/dht/RoutingTable"
import { SyncPace, SyncSoon } from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { SessionManager } from "#services/session/SessionManager"
import type { StorageFailed } from "#services/storage/RecordStore"
import { makeExchanging, type Shared } from "./exchanging.ts"
import { closestFirst, makeSumming } from "./summing.ts"

export interface SyncTotals {
  /** Since the start: records that went to neighbours, and that came from them. */
  readonly sent: number
  readonly fetched: number
  /** Unix seconds of the end of the last round; undefined before the first. */
  readonly last: number | undefined
}

/** A neighbour, and the ranges that it shares with this node. */
interface Neighbour {
  readonly contact: Contact
  readonly shared: ReadonlyArray<Shared>
}

export interface SyncOptions {
  /** Nodes that hold a key. */
  readonly factor: number
  /** Told who answered to the end. */
  readonly outcomes: Outcomes
  /** Whether it does so by itself; else only when it is told. */
  readonly starts: boolean
}

export const makeNeighbourSync = Effect.fnUntraced(function* ({ factor, outcomes, starts }: SyncOptions) {
  const { nodeId } = yield* Identity
  const [sessions, table] = [yield* SessionManager, yield* RoutingTable]
  const clock = yield* Clock.Clock
  const [pace, soon] = [yield* SyncPace, yield* SyncSoon]
  const summing = yield* makeSumming
  const exchange = yield* makeExchanging(summing)
  const turn = yield* Semaphore.make(1)
  const context = yield* Effect.context<never>()
  const arrivals = yield* Queue.sliding<void>(1)
  const departures = yield* Queue.sliding<void>(1)
  let totals: SyncTotals = { sent: 0, fetched: 0, last: undefined }

  /** Whoever did not answer last is taken for gone: a copy too many does no harm. */
  const neighbours = (): ReadonlyArray<Contact> =>
    table.list().flatMap(({ contact, failures }) => (failures === 0 ? [contact] : []))

  /**
   * Those over which the same nodes are closest, halved until there are enough for digests to tell something. Wider than
   * what this node has to hold: it hands on what it held before others came closer.
   */
  const rangesWith = (contacts: ReadonlyArray<Contact>): ReadonlyArray<ReplicaRange> => {
    const width = Math.min(2 * factor, MOST_REPLICAS)
    const ids = contacts.map((contact) => contact.nodeId)
    const ranges = replicaRanges(nodeId, ids, { factor, width, limit: REPLICA_RANGES })
    const by = Math.floor(Math.log2(RANGES_LIMIT / Math.max(1, ranges.length)))
    return ranges.flatMap(({ members, own, ...range }) =>
      divide(range, Math.max(0, by)).map(({ bits, prefix }) => ({ bits, prefix, members, own }))
    )
  }

  /** With one walk along the store. `only` are keys of contacts; all of them without it. */
  const prepare = Effect.fnUntraced(function* (
    only: ReadonlySet<string> | undefined
  ): Effect.fn.Return<ReadonlyArray<Neighbour>, StorageFailed> {
    const contacts = neighbours()
    const ranges = rangesWith(contacts)
    const { sums } = yield* summing.sum(ranges, { rows: Number.POSITIVE_INFINITY })
    const shared = new Map<Contact, Array<Shared>>()
    for (const [at, sum] of sums.entries()) {
      const { members, own } = ranges[at] ?? { members: [], own: false }
      // To whom nothing is to be handed there is nothing to say.
      if (!own && isNothing(sum.digest)) continue
      for (const member of members) {
        const contact = contacts[member]
        if (contact === undefined || only?.has(contact.key) === false) continue
        const range: Shared = { ...sum.range, digest: sum.digest, mutual: own, rows: sum.count }
        const others = shared.get(contact)
        if (others === undefined) shared.set(contact, [range])
        else others.push(range)
      }
    }
    return [...shared]
      .map(([contact, all]) => ({ contact, shared: all }))
      .sort((a, b) => closestFirst(nodeId)(a.contact, b.contact))
  })

  const compareWith = Effect.fnUntraced(function* ({ contact, shared }: Neighbour) {
    const counts = yield* exchange(contact, shared)
    totals = { ...totals, sent: totals.sent + counts.sent, fetched: totals.fetched + counts.fetched }
    sent.updateUnsafe(counts.sent, context)
    fetched.updateUnsafe(counts.fetched, context)
    outcomes.note(contact.key, counts.answered)
    if (!counts.answered) Queue.offerUnsafe(departures, undefined)
  })

  const round = (only?: ReadonlySet<string>): Effect.Effect<void> =>
    Effect.suspend(() => {
      if ((sessions.self().record.capabilities & DHT_SERVER) === 0) return Effect.void
      return Effect.flatMap(prepare(only), (all) =>
        Effect.forEach(all, compareWith, { concurrency: SYNCS, discard: true })
      )
    }).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          rounds.updateUnsafe(1, context)
          totals = { ...totals, last: Math.floor(clock.currentTimeMillisUnsafe() / 1000) }
        })
      ),
      Effect.catch((error) => Effect.logWarning("neighbours could not be compared with", error)),
      Semaphore.withPermit(turn)
    )

  /** Of several changes the first says when, and all that came until then are looked after at one time. */
  const joined = new Set<string>()
  yield* (yield* Bounds).watch("newcomers to compare with", NEWCOMERS, () => joined.size)
  yield* table.onChange((change) => {
    if (!table.isClose(change.contact.nodeId)) return
    if (change.joined && joined.size < NEWCOMERS) joined.add(change.contact.key)
    Queue.offerUnsafe(change.joined ? arrivals : departures, undefined)
  })
  const after = (delay: Duration.Duration, changes: Queue.Dequeue<void>, work: Effect.Effect<void>) => {
    const wait = Effect.map(Random.next, (part) => Duration.millis((0.5 + part) * Duration.toMillis(delay)))
    return Queue.take(changes).pipe(
      Effect.andThen(Effect.flatMap(wait, Effect.sleep)),
      Effect.andThen(Queue.clear(changes)),
      Effect.andThen(work),
      Effect.forever
    )
  }
  const withNewcomers = Effect.suspend(() => {
    // Where there were too many to be remembered, all are compared with.
    const only = joined.size < NEWCOMERS ? new Set(joined) : undefined
    joined.clear()
    return round(only)
  })
  if (starts) {
    yield* Effect.forkScoped(after(soon.joined, arrivals, withNewcomers))
    yield* Effect.forkScoped(after(soon.left, departures, round()))
    yield* Effect.forkScoped(Effect.schedule(round(), pace))
  }

  return { syncNow: round(), totals: () => totals }
})
