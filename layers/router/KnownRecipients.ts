/**
 * Recipients out of what this node knows anyway: open sessions, relays, the book of verified records, what was looked up
 * in the last hour. Only who is in none of them is looked up, once for all who ask at one time.
 */
import { Clock, Context, Deferred, Duration, Effect, Layer } from "effect"
import type { Contact } from "#core/identity/Contact"
import { keyOf } from "#schemas/bytes/bytes"
import { type NodeId, nodeIdShort } from "#schemas/identity/NodeId"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Bounds } from "#services/node/Bounds"
import { KNOWN_RECIPIENTS, RECIPIENT_LOOKUPS } from "#services/router/Limits"
import { Recipients } from "#services/router/Recipients"
import { NoRoute, RouteTable } from "#services/router/RouteTable"
import { RecipientKnownFor, RecordFreshFor } from "#services/router/Schedules"
import { SessionManager } from "#services/session/SessionManager"

type Lookup = Parameters<Recipients["Service"]["findBy"]>[0]

/** Nothing came back from it at that time (unix milliseconds), under that record. */
interface Doubt {
  readonly at: number
  readonly seq: number
}

/** Whether what asks is itself part of a lookup. */
const LookingUp = Context.Reference<boolean>("allium/layers/router/LookingUp", { defaultValue: () => false })

const NEVER: Doubt = { at: Number.NEGATIVE_INFINITY, seq: -1 }

export const make = Effect.gen(function* () {
  const [sessions, routes, book] = [yield* SessionManager, yield* RouteTable, yield* KnownPeers]
  const [clock, scope] = [yield* Clock.Clock, yield* Effect.scope]
  const [knownFor, freshFor] = [Duration.toMillis(yield* RecipientKnownFor), Duration.toMillis(yield* RecordFreshFor)]
  const now = () => clock.currentTimeMillisUnsafe()
  /** By key, oldest first, as both below. */
  const lookedUp = new Map<string, { readonly contact: Contact; readonly at: number }>()
  const doubts = new Map<string, Doubt>()
  const underWay = new Map<string, Deferred.Deferred<Contact | undefined>>()
  /** The last one is asked. */
  const lookups = new Set<Lookup>()

  const bounds = yield* Bounds
  yield* bounds.watch("recipients that were looked up", KNOWN_RECIPIENTS, () => lookedUp.size)
  yield* bounds.watch("doubted recipients", KNOWN_RECIPIENTS, () => doubts.size)
  yield* bounds.watch("lookups of recipients", RECIPIENT_LOOKUPS, () => underWay.size)

  const newest = (contact: Contact): Contact => {
    const known = book.find(contact.publicKey)
    return known !== undefined && known.record.seq > contact.record.seq ? known : contact
  }

  /** What it showed itself, or somebody passed on lately: each with the time from which on it is good. */
  function* seen(key: string): Generator<readonly [Contact | undefined, number]> {
    const session = sessions.find(key)
    // Whoever has a session is told of a new onion key.
    if (session?.isOpen() === true) yield [newest(session.contact), session.since]
    const found = lookedUp.get(key)
    if (found !== undefined && found.at > now() - knownFor) yield [found.contact, found.at]
    const relay = routes.find(key)
    if (relay !== undefined && relay.confirmedAt > now() - freshFor) yield [relay.contact, relay.confirmedAt]
    // When it was shown to whoever passed it on, nobody knows.
    yield [book.findNode(key, (now() - knownFor) / 1000), Number.NEGATIVE_INFINITY]
  }

  const known = (key: string): Contact | undefined => {
    const { at, seq } = doubts.get(key) ?? NEVER
    for (const [contact, since] of seen(key)) {
      if (contact === undefined || contact.record.expires * 1000 <= now()) continue
      if (since > at || contact.record.seq > seq) return contact
    }
    return undefined
  }

  const found = (key: string, contact: Contact | undefined): void => {
    if (contact === undefined) return
    doubts.delete(key)
    put(lookedUp, key, { contact, at: now() })
  }

  /** Goes on although whoever asked gives up: the next one will want it. */
  const lookUp = (lookup: Lookup, nodeId: NodeId, key: string): Effect.Effect<Contact | undefined> =>
    Effect.suspend(() => {
      const running = underWay.get(key)
      if (running !== undefined) return Deferred.await(running)
      const answer = Deferred.makeUnsafe<Contact | undefined>()
      underWay.set(key, answer)
      return lookup(nodeId).pipe(
        Effect.provideService(LookingUp, true),
        Effect.tap((contact) => Effect.sync(() => found(key, contact))),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            underWay.delete(key)
            Deferred.doneUnsafe(answer, exit)
          })
        ),
        Effect.forkIn(scope),
        Effect.andThen(Deferred.await(answer))
      )
    })

  const noRoute = (nodeId: NodeId, reason: string) => new NoRoute({ peer: nodeIdShort(nodeId), reason })

  return Recipients.of({
    find: Effect.fnUntraced(function* (nodeId) {
      const key = keyOf(nodeId)
      const contact = known(key)
      if (contact !== undefined) return contact
      const lookup = [...lookups].at(-1)
      if (yield* LookingUp) return yield* noRoute(nodeId, "it is not known here, and somebody else is being looked up")
      if (lookup === undefined) return yield* noRoute(nodeId, "it is not known here, and nobody looks it up")
      if (underWay.size >= RECIPIENT_LOOKUPS && !underWay.has(key)) {
        return yield* noRoute(nodeId, "too many others are being looked up: try again in a moment")
      }
      const answer = yield* lookUp(lookup, nodeId, key)
      if (answer === undefined) return yield* noRoute(nodeId, "nobody knows its record: see whether it is online")
      return answer
    }),
    doubt: ({ key, record }) => {
      lookedUp.delete(key)
      put(doubts, key, { at: now(), seq: record.seq })
    },
    findBy: (lookup) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => lookups.add(lookup)),
          () => Effect.sync(() => lookups.delete(lookup))
        )
      )
  })
})

export const layer = Layer.effect(Recipients, make)

/** The oldest makes room. */
const put = <V>(map: Map<string, V>, key: string, value: V): void => {
  map.delete(key)
  if (map.size >= KNOWN_RECIPIENTS) map.delete(map.keys().next().value ?? "")
  map.set(key, value)
}
