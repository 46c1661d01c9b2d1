/**
 * The routing table of a running node: fed by the sessions that open and by answers, kept alive in the background.
 *
 * A contact whose address this node has not verified within the hour is asked but not passed on. So peers that came in
 * by themselves are dialled back, a few at a time, and everyone is again before the hour is over; who is not found
 * there gets a strike, and who has left the table for it is looked for again, ever more rarely.
 */
import { Clock, Duration, Effect, Layer, Queue } from "effect"
import { BUCKETS } from "#core/dht/Buckets"
import { BucketTable, K, REPLACEMENTS, STRIKES } from "#core/dht/BucketTable"
import { commonPrefixLength } from "#core/dht/distance"
import { RETIRED_LIMIT, Retired } from "#core/dht/Retired"
import type { TableEntry } from "#core/dht/TableEntry"
import type { Contact } from "#core/identity/Contact"
import { bytesOfKey } from "#schemas/bytes/bytes"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { PROBE_QUEUE, PROBES, VOUCHES } from "#services/dht/Limits"
import { RoutingTable, type TableChange, type Whereabouts } from "#services/dht/RoutingTable"
import { LivenessPace, VerifyAfter } from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Bounds } from "#services/node/Bounds"
import { AddressProbe } from "#services/session/AddressProbe"
import { SessionManager } from "#services/session/SessionManager"

const NEVER = Number.NEGATIVE_INFINITY

const isServer = (contact: Contact): boolean => (contact.record.capabilities & DHT_SERVER) !== 0

export const make = Effect.gen(function* () {
  const { local, nodeId } = yield* Identity
  const [sessions, book] = [yield* SessionManager, yield* KnownPeers]
  const addresses = yield* AddressProbe
  const clock = yield* Clock.Clock
  const [pace, dueAfter] = [yield* LivenessPace, Duration.toSeconds(yield* VerifyAfter)]
  /** Seconds for which a verification counts: longer than the next one takes to come. */
  const vouchFor = Math.round(dueAfter * VOUCHES)
  const handlers = new Set<(change: TableChange) => void>()
  const table = new BucketTable<Contact>(nodeId, {
    capped: !local,
    onChange: (contact, joined) => {
      for (const handle of handlers) handle({ contact, joined })
    }
  })
  const now = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)
  const started = now()
  /** Full means that enough is being verified: whoever is left out comes with the next look through the table. */
  const doubtful = yield* Queue.dropping<Contact>(PROBE_QUEUE)
  const queued = new Set<string>()

  const retired = new Retired<Contact>()

  const bounds = yield* Bounds
  yield* bounds.watch("routing table", BUCKETS * K, () => table.size)
  yield* bounds.watch("newcomers to the routing table", BUCKETS * REPLACEMENTS, () => table.waiting)
  yield* bounds.watch("retired contacts", RETIRED_LIMIT, () => retired.size)
  yield* bounds.watch("addresses to verify", PROBE_QUEUE + PROBES, () => queued.size)

  const doubt = (contact: Contact): void => {
    if (queued.has(contact.key) || !Queue.offerUnsafe(doubtful, contact)) return
    queued.add(contact.key)
  }

  /** What a session or an answer came with may be older than what the peer said of itself since. */
  const newest = (contact: Contact): Contact => {
    const known = book.find(contact.publicKey)
    return known !== undefined && known.record.seq > contact.record.seq ? known : contact
  }

  const seen = (told: Contact, verified: boolean): void => {
    const contact = newest(told)
    retired.remove(contact.key)
    if (!isServer(contact)) {
      table.remove(contact.key)
      return
    }
    const isKnown = table.find(contact.key) !== undefined
    table.seen(contact, verified, now())
    // Who waits for a place in a full bucket is not worth a dial.
    if (!isKnown && !verified && table.find(contact.key) !== undefined) doubt(contact)
  }

  const failed = (key: string): void => {
    const left = table.failed(key) ?? retired.find(key)
    if (left !== undefined) retired.failed(left, now())
  }

  const probe = (contact: Contact) =>
    Effect.match(addresses.verify({ ...dialTarget(contact), trusted: false }), {
      onFailure: () => failed(contact.key),
      onSuccess: () => seen(contact, true)
    })

  yield* sessions.onOpen(({ contact, dialled }) => {
    seen(contact, dialled)
    // Whom this node reached lately is not worth a dial either.
    const entry = table.find(contact.key)
    if (entry !== undefined && entry.verifiedAt <= now() - dueAfter) doubt(contact)
  })
  sessions.keepIf((contact) => table.isClose(contact.nodeId))

  const worker = Queue.take(doubtful).pipe(
    Effect.flatMap((contact) =>
      Effect.ensuring(
        probe(contact),
        Effect.sync(() => queued.delete(contact.key))
      )
    ),
    Effect.forever
  )
  for (let n = 0; n < PROBES; n++) yield* Effect.forkScoped(worker)
  const lookThrough = Effect.sync(() => {
    const at = now()
    for (const entry of table.entries()) if (entry.verifiedAt <= at - dueAfter) doubt(entry.contact)
    for (const contact of retired.due(at)) doubt(contact)
  })
  yield* Effect.forkScoped(Effect.schedule(lookThrough, pace))

  const whereabouts = (key: string): Whereabouts | undefined => {
    const entry = table.find(key)
    if (entry !== undefined) return { standing: "table", ...told(entry) }
    const waiting = table.findWaiting(bytesOfKey(key), key)
    if (waiting !== undefined) return { standing: "waiting", ...told(waiting) }
    const contact = retired.find(key)
    if (contact === undefined) return undefined
    return { standing: "retired", contact, verifiedAt: NEVER, lastSeen: undefined, failures: STRIKES }
  }

  return RoutingTable.of({
    seen,
    restore: (contact, verifiedAt) => {
      if (isServer(contact) && retired.find(contact.key) === undefined) table.restore(newest(contact), verifiedAt)
    },
    failed,
    closest: (target, count = K) => table.closest(target, count),
    shareable: (target, count = K) => table.closest(target, count, now() - vouchFor),
    find: (key) => table.find(key),
    whereabouts,
    list: () => [...table.entries()],
    size: () => table.size,
    isClose: (target) => table.isClose(target),
    onChange: (handle) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => handlers.add(handle)),
          () => Effect.sync(() => handlers.delete(handle))
        )
      ),
    isShareable: (key) => (table.find(key)?.verifiedAt ?? NEVER) >= now() - vouchFor,
    bucketOf: (id) => commonPrefixLength(nodeId, id),
    lookedUp: (target) => table.lookedUp(target, now()),
    // Until then no bucket has been left alone for so long.
    idle: (seconds) => (now() - started < seconds ? [] : table.idle(now() - seconds)),
    tidy: (seconds) => table.tidy(now() - seconds)
  })
})

export const layer = Layer.effect(RoutingTable, make)

const told = ({ contact, failures, lastSeen, verifiedAt }: TableEntry<Contact>) => ({
  contact,
  failures,
  lastSeen,
  verifiedAt
})

/** Spelled out, because a contact's addresses are read when they are first asked for. */
const dialTarget = ({ addresses, nodeId }: Contact) => ({ addresses, nodeId })
