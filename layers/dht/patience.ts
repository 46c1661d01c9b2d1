/**
 * How long a lookup waits for one peer before it asks another besides: some of its round trips as they were measured,
 * a few more where the session has yet to be opened. No lookup has a timer of its own: one sweep a node looks after all
 * that are open, and sleeps while there are none.
 */
import { Clock, Duration, Effect, Latch } from "effect"
import type { Contact } from "#core/identity/Contact"
import { LookupPatience } from "#services/dht/Schedules"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"

/** Of a first request: TCP's handshake, both turns of Noise's, the request itself. */
const OPENING_TRIPS = 4
/** Sessions whose round trips are looked at for the median, and milliseconds for which it is good. */
const SAMPLED = 64
const MEDIAN_FOR = 10_000

/** An open lookup: marks what has become overdue, and says when something next will be. Unix milliseconds. */
export type Overdue = (now: number) => number

export interface Patience {
  /** Milliseconds until a request that is sent now to this peer is slow. */
  readonly slowAfter: (contact: Contact) => number
  /** Milliseconds until nobody waits for any request. */
  readonly lateAfter: number
  /** Milliseconds: no request is slow sooner. */
  readonly least: number
  /** Looks after a lookup until it is dropped. */
  readonly watch: (overdue: Overdue) => void
  readonly drop: (overdue: Overdue) => void
}

export const makePatience = Effect.gen(function* () {
  const [rpc, sessions, clock] = [yield* Rpc, yield* SessionManager, yield* Clock.Clock]
  const { initial, maximum, minimum, times } = yield* LookupPatience
  const [first, most, least] = [Duration.toMillis(initial), Duration.toMillis(maximum), Duration.toMillis(minimum)]
  const open = new Set<Overdue>()
  const waiting = yield* Latch.make(false)
  let median: { readonly trip: number | undefined; readonly at: number } | undefined

  const usualTrip = (): number | undefined => {
    const now = clock.currentTimeMillisUnsafe()
    if (median !== undefined && now - median.at < MEDIAN_FOR) return median.trip
    const trips: Array<number> = []
    for (const { contact } of sessions.list()) {
      const trip = rpc.roundTrip(contact.key)
      if (trip !== undefined) trips.push(trip)
      if (trips.length >= SAMPLED) break
    }
    trips.sort((a, b) => a - b)
    median = { trip: trips[trips.length >> 1], at: now }
    return median.trip
  }

  const slowAfter = ({ key }: Contact): number => {
    const trip = rpc.roundTrip(key) ?? usualTrip()
    if (trip === undefined) return first
    const trips = sessions.find(key) === undefined ? times * OPENING_TRIPS : times
    return Math.min(Math.max(trips * trip, least), most)
  }

  const sweep = Effect.gen(function* () {
    yield* waiting.await
    const now = clock.currentTimeMillisUnsafe()
    let next = Number.POSITIVE_INFINITY
    for (const overdue of open) next = Math.min(next, overdue(now))
    if (open.size === 0) return void waiting.closeUnsafe()
    // Nothing that is asked from now on is slow before the shortest patience has passed.
    yield* Effect.sleep(Math.max(Math.min(next - now, least), 1))
  })
  yield* Effect.forkScoped(Effect.forever(sweep))

  return {
    slowAfter,
    lateAfter: most,
    least,
    watch: (overdue) => {
      open.add(overdue)
      waiting.openUnsafe()
    },
    drop: (overdue) => void open.delete(overdue)
  } satisfies Patience
})
