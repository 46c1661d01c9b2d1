/**
 * Joins the network in rounds, which are repeated until one reaches somebody, and again whenever the table has run
 * empty; then keeps the node's view of the network fresh, written down, and free of what is long gone.
 */
import { Clock, Deferred, Duration, Effect, Exit, Layer, Random } from "effect"
import { inBucket, refreshTargets } from "#core/dht/refreshTargets"
import type { Address } from "#schemas/transport/Address"
import { Bootstrap, type BootstrapFailed } from "#services/dht/Bootstrap"
import { REFRESHED } from "#services/dht/Limits"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import * as Schedules from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SecureRandom } from "#services/identity/SecureRandom"
import { SessionManager } from "#services/session/SessionManager"
import { PeerStore } from "#services/storage/PeerStore"
import { makeRound } from "./joining.ts"

export interface BootstrapOptions {
  /** Nodes to begin with, each with its `/p2p/` part: whoever answers there must be that node. */
  readonly addresses: ReadonlyArray<Address>
}

const ID_BYTES = 32

export const make = Effect.fnUntraced(function* (options: BootstrapOptions) {
  const { local, nodeId } = yield* Identity
  const [book, random, clock] = [yield* KnownPeers, yield* SecureRandom, yield* Clock.Clock]
  const [sessions, table, queries] = [yield* SessionManager, yield* RoutingTable, yield* QueryExecutor]
  const [store, stagger] = [yield* PeerStore, yield* Schedules.JoinStagger]
  const [again, discovery, saving] = [
    yield* Schedules.BootstrapAgain,
    yield* Schedules.DiscoveryPace,
    yield* Schedules.SaveTablePace
  ]
  const [refreshing, idleAfter] = [
    yield* Schedules.BucketRefreshPace,
    Duration.toSeconds(yield* Schedules.BucketIdleAfter)
  ]
  const [cleaning, unseenFor] = [
    yield* Schedules.PeersCleanupPace,
    Duration.toSeconds(yield* Schedules.ForgetPeersAfter)
  ]
  const round = yield* makeRound(options.addresses)
  const first = yield* Deferred.make<void, BootstrapFailed>()
  let bootstrapped = false

  const report = ({ tried }: BootstrapFailed) =>
    Effect.logWarning("nobody of the bootstrap list could be reached; trying again").pipe(
      Effect.annotateLogs({ tried })
    )

  const join = round.pipe(
    Effect.onExit((exit) =>
      Effect.sync(() => {
        bootstrapped = Exit.isSuccess(exit)
        Deferred.doneUnsafe(first, exit)
      })
    ),
    Effect.tapError(report),
    Effect.retry(again),
    Effect.ignore
  )

  /** Where the table knows nobody, somebody is found, one region after the other; those who pass bring more. */
  const fill = Effect.suspend(() => {
    const known = table.list().map(({ contact }) => contact.nodeId)
    const targets = refreshTargets(nodeId, known, random.bytes).slice(0, REFRESHED)
    return Effect.forEach(targets, queries.approach, { discard: true })
  })

  /** An id at random fills some bucket; an empty table means that everybody was lost, or that nobody ever was found. */
  const discover = Effect.suspend(() =>
    table.size() === 0 ? join : Effect.asVoid(queries.lookupNode(random.bytes(ID_BYTES)))
  )

  /** The deep buckets, which a random id hardly ever falls into. */
  const refresh = Effect.suspend(() =>
    Effect.forEach(
      table.idle(idleAfter).slice(0, REFRESHED),
      (bucket) => queries.lookupNode(inBucket(nodeId, bucket, random.bytes(ID_BYTES))),
      { discard: true }
    )
  )

  const forget = Effect.sync(() => {
    table.tidy(unseenFor)
    const before = Math.floor(clock.currentTimeMillisUnsafe() / 1000) - unseenFor
    book.forget(before, ({ key }) => table.whereabouts(key) !== undefined || sessions.find(key) !== undefined)
  })

  const save = Effect.suspend(() => {
    const peers = table
      .list()
      .filter(({ verifiedAt }) => Number.isFinite(verifiedAt))
      .map(({ contact, verifiedAt }) => ({ nodeId: contact.nodeId, record: contact.bytes, lastSeen: verifiedAt }))
    // What an earlier run knew is worth more than nothing.
    return peers.length === 0 ? Effect.void : store.save(peers)
  }).pipe(Effect.catch((error) => Effect.logWarning("the routing table could not be saved", error)))

  const wait = local
    ? Effect.void
    : Effect.flatMap(Random.next, (part) => Effect.sleep(Duration.millis(part * Duration.toMillis(stagger))))

  yield* Effect.addFinalizer(() => save)
  yield* Effect.forkScoped(Effect.schedule(save, saving))
  yield* Effect.forkScoped(Effect.schedule(forget, cleaning))
  yield* Effect.forkScoped(Effect.schedule(refresh, refreshing))
  yield* Effect.forkScoped(
    wait.pipe(Effect.andThen(join), Effect.andThen(fill), Effect.andThen(Effect.schedule(discover, discovery)))
  )

  return Bootstrap.of({ isBootstrapped: () => bootstrapped, joined: Deferred.await(first) })
})

export const layer = (options: BootstrapOptions) => Layer.effect(Bootstrap, make(options))
