/**
 * RouteTable over a RouteBook: what it knows is in memory, all but the guards, which are written down and come back with
 * the next start. Asks nobody; whoever looks for relays is told when there is a need.
 */
import { Clock, Duration, Effect, Latch, Layer, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import { hopAddress } from "#core/onion/hops"
import { GUARDS_KEPT } from "#core/router/Guards"
import { RELAYS, RELAYS_AT_REST, RELAYS_OF_NETWORK, type Relay } from "#core/router/RelayTable"
import { HOPS, RouteBook, type Shortage } from "#core/router/RouteBook"
import { ROUTES } from "#core/router/RouteCache"
import { keyOf } from "#schemas/bytes/bytes"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { ONION_RELAY } from "#schemas/identity/PeerRecord"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Bounds } from "#services/node/Bounds"
import { NoRoute, type RelayState, RouteTable } from "#services/router/RouteTable"
import * as Schedules from "#services/router/Schedules"
import { keepGuards } from "./keepingGuards.ts"

const { toMillis } = Duration

export const make = Effect.gen(function* () {
  const [{ local, nodeId }, random, clock] = [yield* Identity, yield* SecureRandom, yield* Clock.Clock]
  const [within, neededFor] = [yield* Schedules.PrepareWithin, toMillis(yield* Schedules.NeededFor)]
  const [suspect, guards] = [yield* Schedules.SuspectFor, yield* Schedules.GuardsFor]
  const now = () => clock.currentTimeMillisUnsafe()
  let askedAt = Number.NEGATIVE_INFINITY
  const isNeeded = (): boolean => now() - askedAt < neededFor
  const book = new RouteBook<Contact>({
    own: keyOf(nodeId),
    isDiverse: !local,
    // Which relays are chosen is a secret: chance that can be foreseen would give it away.
    chance: () => new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32,
    freshFor: toMillis(yield* Schedules.RecordFreshFor),
    routeFor: toMillis(yield* Schedules.RouteFor),
    suspectFor: { path: toMillis(suspect.path), culprit: toMillis(suspect.culprit) },
    limit: () => (isNeeded() ? RELAYS : RELAYS_AT_REST),
    guards: {
      keptFor: toMillis(guards.kept),
      goneAfter: toMillis(guards.gone),
      standInGoneAfter: toMillis(guards.standInGone),
      triedAfter: toMillis(guards.again)
    }
  })
  const saveGuards = yield* keepGuards(book)

  const bounds = yield* Bounds
  yield* bounds.watch("relays", RELAYS, () => book.relays.size)
  // Guards stay wherever they move.
  yield* bounds.watch("relays of a network", RELAYS_OF_NETWORK + GUARDS_KEPT, () => book.relays.mostOfNetwork)
  yield* bounds.watch("routes", ROUTES, () => book.routes.size)
  yield* bounds.watch("guards", GUARDS_KEPT, () => book.guards.size)

  const need = yield* Latch.make(false)
  const waiting = yield* Latch.make(false)
  const doubting = yield* Latch.make(false)
  const looksAgain = yield* Latch.make(false)
  let waiters = 0

  const ask = (): number => {
    askedAt = now()
    need.openUnsafe()
    return askedAt
  }

  const mayRelay = (contact: Contact): boolean =>
    (contact.record.capabilities & ONION_RELAY) !== 0 && (local || hopAddress(contact, local) !== undefined)

  const missed = (key: string): void => {
    book.missed(key, now())
    saveGuards()
  }

  const noRoute = ({ known, lack }: Shortage, peer: string) =>
    new NoRoute({ peer, reason: reasonOf(lack, known, book.isSearched) })

  const orNoRoute = <A>(found: Result.Result<A, Shortage>, peer: string): Result.Result<A, NoRoute> => {
    saveGuards()
    return Result.mapError(found, (shortage) => noRoute(shortage, peer))
  }

  const stateOf = (relay: Relay<Contact>): RelayState => ({
    contact: relay.contact,
    isGuard: book.guards.find(relay.key) !== undefined,
    since: relay.since,
    confirmedAt: relay.isReached ? relay.confirmedAt : Number.NEGATIVE_INFINITY,
    latency: relay.latency,
    successes: relay.successes,
    failures: relay.failures,
    suspectUntil: relay.suspectUntil
  })

  const canPick = (avoid: ReadonlyArray<string>) => orNoRoute(book.pick(HOPS, avoid, ask()), nodeIdShort(nodeId))

  const looked = (avoid: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.andThen(
      looksAgain.await,
      Effect.suspend(() => (Result.isSuccess(canPick(avoid)) ? Effect.void : looked(avoid)))
    )

  const found = (avoid: ReadonlyArray<string>): Effect.Effect<void, NoRoute> =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        waiters++
        waiting.openUnsafe()
      }),
      () =>
        Effect.timeoutOrElse(looked(avoid), {
          duration: within,
          orElse: () => Effect.asVoid(Effect.fromResult(canPick(avoid)))
        }),
      () =>
        Effect.sync(() => {
          if (--waiters === 0) waiting.closeUnsafe()
        })
    )

  return RouteTable.of({
    admit: (contact, { at, reached }) => {
      const known = book.relays.find(contact.key)
      if (known === undefined && !reached) return
      // What an older session or table brings says nothing of the newer record.
      if (known !== undefined && known.contact.record.seq > contact.record.seq) return
      if (known?.contact === contact || mayRelay(contact)) book.admit(contact, reached, at ?? now(), now())
      else book.withdrew(contact.key, now())
      saveGuards()
    },
    missed,
    lost: (key) => book.relays.lost(key, now()),
    pickDiverseRelays: (count, avoid) => orNoRoute(book.pick(count, avoid, ask()), nodeIdShort(nodeId)),
    routeTo: (to) => orNoRoute(book.routeTo(to.key, ask()), nodeIdShort(to.nodeId)),
    routeBack: (avoid) => orNoRoute(book.routeBack(avoid, ask()), nodeIdShort(nodeId)),
    prepared: (avoid) => Effect.suspend(() => (Result.isSuccess(canPick(avoid)) ? Effect.void : found(avoid))),
    succeeded: (route, milliseconds) => book.succeeded(route, milliseconds, now()),
    failed: (route, culprit) => {
      book.failed(route, culprit, now())
      if (book.isDoubted(route)) doubting.openUnsafe()
    },
    guardFailed: missed,
    relays: () => [...book.relays.values()].map(stateOf),
    find: (key) => {
      const relay = book.relays.find(key)
      return relay === undefined ? undefined : stateOf(relay)
    },
    wanted: () => book.wanted(now()),
    stale: (limit) => {
      doubting.closeUnsafe()
      return book.stale(limit, now())
    },
    needed: Effect.suspend(() => {
      if (!isNeeded()) need.closeUnsafe()
      return need.await
    }),
    isNeeded,
    awaited: waiting.await,
    doubted: doubting.await,
    searched: (thorough) =>
      Effect.suspend(() => {
        book.isSearched ||= thorough
        return looksAgain.release
      })
  })
})

export const layer = Layer.effect(RouteTable, make)

const reasonOf = (lack: Shortage["lack"], known: number, isSearched: boolean): string => {
  if (lack === "relays") {
    return `${known} of ${HOPS} relays are known: wait until this node has met more, or start more nodes that relay`
  }
  if (lack === "networks") {
    return `the ${known} relays that are known stand in fewer than ${HOPS} networks: more have to relay elsewhere`
  }
  return isSearched
    ? "no guard, the first relay of a path, can be reached: see whether this node is online, or wait"
    : "this node has not found enough relays yet to choose its guards among: try again in a moment"
}
