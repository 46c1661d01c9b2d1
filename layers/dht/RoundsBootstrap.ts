/**
 * Joins the network in rounds: first the peers that were saved, then, where few of them live, the bootstrap list; then
 * a lookup of the own id, which introduces this node to its neighbours, and of ids far from it. Rounds are repeated until one reaches somebody,
 * and again whenever the table has run empty.
 */
import { Clock, Deferred, Duration, Effect, Exit, Layer, Random, Result } from "effect"
import { refreshTargets } from "#core/dht/refreshTargets"
import type { Contact } from "#core/identity/Contact"
import type { NodeId } from "#schemas/identity/NodeId"
import type { Address } from "#schemas/transport/Address"
import { Bootstrap, BootstrapFailed } from "#services/dht/Bootstrap"
import { ENOUGH_SAVED, JOINS, SAVED_PEERS_TRIED, SAVED_REACHED } from "#services/dht/Limits"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import * as Schedules from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SecureRandom } from "#services/identity/SecureRandom"
import { SessionManager } from "#services/session/SessionManager"
import { PeerStore, type StoredPeer } from "#services/storage/PeerStore"

export interface BootstrapOptions {
  /** Nodes to begin with, each with its `/p2p/` part: whoever answers there must be that node. */
  readonly addresses: ReadonlyArray<Address>
}

type Tried = BootstrapFailed["tried"][number]

/** A row of tries, and how many of them reached somebody. */
interface Round {
  readonly reached: number
  readonly tried: ReadonlyArray<Tried>
}

const ID_BYTES = 32

/** Regions of a network of a million nodes that lie outside of the own neighbourhood. */
const REFRESHED = 16

export const make = Effect.fnUntraced(function* (options: BootstrapOptions) {
  const { local, nodeId } = yield* Identity
  const [book, random, clock] = [yield* KnownPeers, yield* SecureRandom, yield* Clock.Clock]
  const [sessions, table, queries] = [yield* SessionManager, yield* RoutingTable, yield* QueryExecutor]
  const store = yield* PeerStore
  const [timeout, stagger] = [yield* Schedules.BootstrapTimeout, yield* Schedules.JoinStagger]
  const [again, discovery, saving] = [
    yield* Schedules.BootstrapAgain,
    yield* Schedules.DiscoveryPace,
    yield* Schedules.SaveTablePace
  ]
  const first = yield* Deferred.make<void, BootstrapFailed>()
  let bootstrapped = false

  const dial = (id: NodeId, addresses: ReadonlyArray<Address>, trusted: boolean, name: string) =>
    Effect.match(sessions.connect({ nodeId: id, addresses, trusted }), {
      onFailure: (error): Tried | undefined => ({ address: name, reason: `${error.layer}: ${error.reason}` }),
      onSuccess: () => undefined
    })

  /** A few at a time, until `enough` were reached. */
  const roundOf = <A>(
    items: ReadonlyArray<A>,
    enough: number,
    attempt: (item: A) => Effect.Effect<Tried | undefined>
  ): Effect.Effect<Round> =>
    Effect.suspend(() => {
      const tried: Array<Tried> = []
      let reached = 0
      const one = (item: A) =>
        Effect.suspend(() => {
          if (reached >= enough) return Effect.void
          return Effect.map(attempt(item), (failure) => {
            if (failure === undefined) reached++
            else tried.push(failure)
          })
        })
      return Effect.map(Effect.forEach(items, one, { concurrency: JOINS, discard: true }), () => ({ reached, tried }))
    })

  /** Their records are verified as if a stranger had sent them: the file may be old, or somebody else's. */
  const savedPeers = Effect.map(
    Effect.catch(store.load, (error) =>
      Effect.as(Effect.logWarning("the saved routing table could not be read", error), [] as ReadonlyArray<StoredPeer>)
    ),
    (saved) => {
      const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
      return saved.slice(0, SAVED_PEERS_TRIED).flatMap(({ record }): ReadonlyArray<Contact> => {
        const contact = book.admit(record, now)
        return Result.isSuccess(contact) && contact.success.key !== sessions.self().key ? [contact.success] : []
      })
    }
  )

  const trySaved = Effect.flatMap(savedPeers, (contacts) =>
    roundOf(contacts, SAVED_REACHED, (it) =>
      dial(it.nodeId, it.addresses, false, it.addresses[0]?.text ?? "saved peer")
    )
  )

  const tryList = roundOf(options.addresses, Number.POSITIVE_INFINITY, (address) =>
    address.peer === undefined
      ? Effect.succeed({ address: address.text, reason: "address: it does not end in /p2p/ and a node id" })
      : dial(address.peer, [address], true, address.toString())
  )

  /** Where the table knows nobody, a few are found, one region after the other. */
  const refresh = Effect.suspend(() => {
    const known = table.list().map(({ contact }) => contact.nodeId)
    const targets = refreshTargets(nodeId, known, random.bytes).slice(0, REFRESHED)
    return Effect.forEach(targets, queries.locate, { discard: true })
  })

  /** One round; whether there is anybody to talk to afterwards. Nobody to try is no failure: others will come. */
  const round = Effect.gen(function* () {
    const saved = yield* trySaved
    const list = saved.reached < ENOUGH_SAVED ? yield* tryList : { reached: 0, tried: [] }
    const tried = [...saved.tried, ...list.tried]
    if (saved.reached + list.reached === 0 && tried.length > 0) return yield* new BootstrapFailed({ tried })
    if (saved.reached + list.reached > 0) yield* queries.lookupNode(nodeId)
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.fail(
          new BootstrapFailed({ tried: options.addresses.map((it) => ({ address: it.toString(), reason: "timeout" })) })
        )
    })
  )

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

  /** An id at random fills some bucket; an empty table means that everybody was lost, or that nobody ever was found. */
  const discover = Effect.suspend(() =>
    table.size() === 0 ? join : Effect.asVoid(queries.lookupNode(random.bytes(ID_BYTES)))
  )

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
  yield* Effect.forkScoped(
    wait.pipe(Effect.andThen(join), Effect.andThen(refresh), Effect.andThen(Effect.schedule(discover, discovery)))
  )

  return Bootstrap.of({ isBootstrapped: () => bootstrapped, joined: Deferred.await(first) })
})

export const layer = (options: BootstrapOptions) => Layer.effect(Bootstrap, make(options))
