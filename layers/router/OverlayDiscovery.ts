/**
 * Fills the RouteTable. It stands above the DHT, so that the router need not know of it (DESIGN §8).
 *
 * Relays that this node dials for other reasons are noted as it meets them. The rest happens only while somebody needs
 * paths: then what the routing table has verified counts, relays that were not heard of for long are met again, and where
 * that is too little, ids at random are looked up. Never the id of a relay: who is asked for it would know whom this node
 * is about to use. A node at rest looks for nobody and has no timer.
 *
 * Recipients that are not known are looked up by delegates, who do not learn for whom.
 */
import { Clock, Effect, Layer, Schedule } from "effect"
import type { Contact } from "#core/identity/Contact"
import { Delegates } from "#services/dht/Delegates"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SecureRandom } from "#services/identity/SecureRandom"
import { CONFIRMED, CONFIRMED_AT_ONCE, SEARCHES } from "#services/router/Limits"
import { Recipients } from "#services/router/Recipients"
import { RouteTable } from "#services/router/RouteTable"
import { ConfirmWithin, SearchAfterFailures, SearchPace, SearchSoon } from "#services/router/Schedules"
import { AddressProbe } from "#services/session/AddressProbe"
import { SessionManager } from "#services/session/SessionManager"

const ID_BYTES = 32

export const make = Effect.gen(function* () {
  const [sessions, table, queries] = [yield* SessionManager, yield* RoutingTable, yield* QueryExecutor]
  const [routes, recipients, probe] = [yield* RouteTable, yield* Recipients, yield* AddressProbe]
  const delegates = yield* Delegates
  const [book, random, clock] = [yield* KnownPeers, yield* SecureRandom, yield* Clock.Clock]
  const [pace, soon, within] = [yield* SearchPace, yield* SearchSoon, yield* ConfirmWithin]
  const afterFailures = yield* SearchAfterFailures

  /** Whoever has a session is told of a new record, and so knows the newest. */
  const newest = (contact: Contact): Contact => {
    const known = book.find(contact.publicKey)
    return known !== undefined && known.record.seq > contact.record.seq ? known : contact
  }

  /** What this node knows anyway. */
  const gather = Effect.suspend(() => {
    for (const { contact, verifiedAt } of table.list()) {
      if (Number.isFinite(verifiedAt)) routes.admit(contact, { reached: true, at: verifiedAt * 1000 })
    }
    for (const { contact, dialled } of sessions.list()) {
      const current = newest(contact)
      routes.admit(current, { reached: dialled && current === contact })
    }
    return routes.searched(false)
  })

  const confirm = (contact: Contact) => {
    const { addresses, key, nodeId } = contact
    return probe.verify({ addresses, nodeId, trusted: false }).pipe(
      Effect.timeoutOrElse({ duration: within, orElse: () => Effect.fail("too slow") }),
      Effect.match({
        onFailure: () => routes.missed(key),
        onSuccess: () => routes.admit(newest(contact), { reached: true })
      }),
      Effect.andThen(routes.searched(false))
    )
  }

  /** Those who answer are met on the way. */
  const search = Effect.suspend(() =>
    routes.wanted() === 0 ? Effect.void : Effect.andThen(queries.lookupNode(random.bytes(ID_BYTES)), gather)
  )

  const look = Effect.gen(function* () {
    yield* gather
    const confirming = Effect.forEach(routes.stale(CONFIRMED), confirm, {
      concurrency: CONFIRMED_AT_ONCE,
      discard: true
    })
    const searching = Effect.replicateEffect(search, SEARCHES, { discard: true })
    yield* Effect.all([confirming, Effect.andThen(searching, routes.searched(true))], { concurrency: 2, discard: true })
  })

  const lookWhileNeeded = Effect.gen(function* () {
    yield* routes.needed
    // Whoever asked is in the middle of something.
    yield* Effect.yieldNow
    const step = yield* Schedule.toStep(pace)
    while (routes.isNeeded()) {
      yield* look
      const [, pause] = yield* step(clock.currentTimeMillisUnsafe(), undefined)
      yield* Effect.raceAllFirst([
        Effect.sleep(pause),
        Effect.andThen(routes.awaited, Effect.sleep(soon)),
        Effect.andThen(routes.doubted, Effect.sleep(afterFailures))
      ])
    }
  })

  yield* sessions.onOpen(({ contact, dialled }) => routes.admit(contact, { reached: dialled }))
  yield* sessions.onClose(({ contact }, reason) => {
    const isBroken = reason === "connection lost" || reason === "silent"
    if (isBroken && sessions.find(contact.key) === undefined) routes.lost(contact.key)
  })
  // Answers come back over the guard; to whoever cannot be dialled only over a session that is open.
  sessions.keepIf(({ key }) => routes.isNeeded() && routes.find(key)?.isGuard === true)
  yield* recipients.findBy(delegates.findNode)
  yield* Effect.forkScoped(Effect.forever(lookWhileNeeded))
})

export const layer = Layer.effectDiscard(make)
