/**
 * The machinery that keeps the SessionManager's promise, for any way of shaking hands: accepting, opening, ending, and
 * one sweep for everything that time does to sessions.
 */
import { Clock, Duration, Effect, FiberSet, PubSub, Scheduler, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import { HalfOpen } from "#core/session/HalfOpen"
import { Reputation } from "#core/session/Reputation"
import { concrete } from "#layers/transport/interfaces"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { TOKEN_BYTES } from "#schemas/session/controlFrames"
import { BOOT_BYTES } from "#schemas/session/HandshakeMessage"
import type { Address } from "#schemas/transport/Address"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SecureRandom } from "#services/identity/SecureRandom"
import { MAX_SERVING } from "#services/rpc/Limits"
import * as Limits from "#services/session/Limits"
import * as Metrics from "#services/session/Metrics"
import * as Schedules from "#services/session/Schedules"
import { type CloseReason, type Session, type SessionEvent, SessionManager } from "#services/session/SessionManager"
import { DialAgain } from "#services/transport/Schedules"
import type { Connection } from "#services/transport/Transport"
import { TransportManager } from "#services/transport/TransportManager"
import { type DiallerOptions, makeDialler } from "./dialling.ts"
import { flushAtEndOfTick } from "./endOfTick.ts"
import type { Handshaker } from "./Handshaker.ts"
import { type Introducer, makeIntroducer } from "./introductions.ts"
import { Link } from "./Link.ts"
import { OwnRecord } from "./OwnRecord.ts"
import { FAULTS, makeCount, makeLog, makeOnDefect, metricsOf } from "./reporting.ts"
import { SessionTable } from "./SessionTable.ts"
import type { Shared } from "./Shared.ts"
import { makeShake } from "./shaking.ts"
import { makeSweep } from "./sweep.ts"
import { watchSessions } from "./watching.ts"

/** The minor version of the protocol that this code speaks (WIRE.md §3, Hello). */
const MINOR = 0

export interface SessionOptions {
  /** What this node tells others of its program. */
  readonly agent?: string
  /** None: a node that only dials. */
  readonly listen: ReadonlyArray<Address>
  readonly sessionsMax?: number
  /** Bits of the PeerRecord, until `setServing` says otherwise of those that follow it. */
  readonly capabilities?: number
  /** The bits that are shown while the node serves, and only then; DHT_SERVER unless given. */
  readonly serving?: number
}

export const makeSessions = Effect.fnUntraced(function* (
  options: SessionOptions,
  handshakerOf: (introducer: Introducer) => Handshaker
) {
  const [suite, identity, random, book] = [yield* Crypto, yield* Identity, yield* SecureRandom, yield* KnownPeers]
  const [transports, clock] = [yield* TransportManager, yield* Clock.Clock]
  const context = metricsOf(yield* Effect.context<never>())
  const deadline = Duration.toMillis(yield* Schedules.HandshakeDeadline)
  const drainFor = Duration.toMillis(yield* Schedules.DrainFor)
  const limit = options.sessionsMax ?? Limits.SESSION_LIMIT
  const now = () => clock.currentTimeMillisUnsafe()

  const own = new OwnRecord(
    {
      suite,
      identity,
      capabilities: options.capabilities ?? 0,
      serving: options.serving ?? DHT_SERVER,
      lifetime: Duration.toMillis(yield* Schedules.RecordLifetime)
    },
    now()
  )
  const reputation = new Reputation({
    bottom: Limits.REPUTATION_BOTTOM,
    forgivenPerMinute: Limits.FORGIVEN_PER_MINUTE,
    banMillis: Duration.toMillis(yield* Schedules.BanDuration),
    limit: Limits.REPUTATION_LIMIT
  })
  const halfOpen = new HalfOpen(
    Limits.HALF_OPEN_LIMIT,
    identity.local ? Number.POSITIVE_INFINITY : Limits.HALF_OPEN_PER_IP
  )
  const dialling = new HalfOpen(Limits.DIAL_LIMIT, Limits.DIAL_LIMIT)
  const table = new SessionTable(identity.nodeId)
  const events = yield* PubSub.sliding<SessionEvent>(Limits.EVENT_BUFFER)
  const openHandlers = new Set<(session: Session) => void>()
  const closeHandlers = new Set<(session: Session, reason: CloseReason) => void>()
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  let useful: (contact: Contact) => boolean = () => false

  const isBanned = (key: string) => reputation.isBanned(key, now())
  const [count, log, onDefect] = [makeCount(context), yield* makeLog, yield* makeOnDefect]

  const flushSoon = flushAtEndOfTick((yield* Scheduler.Scheduler).makeDispatcher())
  const shared: Shared = {
    now,
    token: () => random.bytes(TOKEN_BYTES),
    rates: identity.local ? Limits.LOCAL_RATES : Limits.OPEN_RATES,
    rekeyAfter: Duration.toMillis(yield* Schedules.RekeyAfter),
    handlers: [],
    flushSoon,
    whenDrained: (connection, then) => run(Effect.match(connection.drained, { onFailure: () => {}, onSuccess: then })),
    after: (wait, then) => run(Effect.andThen(Effect.sleep(wait), Effect.sync(then))),
    onDefect,
    charge: (key, offence) => charge(key, offence),
    onEnd: (link, reason) => {
      table.remove(link)
      count(Metrics.closed, "reason", reason)
      Metrics.open.updateUnsafe(table.all.size, context)
      for (const handle of closeHandlers) handle(link, reason)
      if (FAULTS.has(reason))
        log("A session was ended", link, () => ({ reason, peer: nodeIdShort(link.contact.nodeId) }))
      PubSub.publishUnsafe(events, { _tag: "Closed", session: link, reason })
    }
  }

  const charge: SessionManager["Service"]["charge"] = (key, offence) => {
    count(Metrics.offences, "offence", offence)
    if (!reputation.charge(key, Limits.PRICES[offence], now())) return
    Metrics.bans.updateUnsafe(1, context)
    for (const link of table.all) if (link.contact.key === key) link.leave("banned", "banned")
  }

  const handshaker = handshakerOf(
    makeIntroducer({
      self: () => own.contact,
      boot: random.bytes(BOOT_BYTES),
      hello: ({ record }) => ({
        minor: MINOR,
        agent: options.agent ?? "",
        mode: (record.capabilities & DHT_SERVER) === 0 ? "client" : "server",
        capabilities: [],
        maxInFlight: MAX_SERVING
      }),
      book,
      now,
      isBanned
    })
  )

  const opening = (link: Link): void => {
    table.add(link, now() + drainFor)
    count(Metrics.opened, "dialled", link.dialled ? "here" : "there")
    Metrics.open.updateUnsafe(table.all.size, context)
    if (table.all.size > limit) table.leastUseful(link, now(), useful)?.leave("full", "trimmed")
    for (const handle of openHandlers) handle(link)
    dialler.arrived(link)
    PubSub.publishUnsafe(events, { _tag: "Opened", session: link })
  }

  const serve: DiallerOptions["serve"] = (connection, established, rest) => {
    const link = new Link(shared, connection, established)
    opening(link)
    link.begin(rest)
  }

  const shake = makeShake({ local: identity.local, now, count, log, onDefect })

  const dialler = makeDialler({
    transports,
    handshaker,
    self: () => own.contact,
    local: identity.local,
    again: yield* DialAgain,
    now,
    isBanned,
    find: (key) => table.find(key),
    shake: (connection, handshake, done) => shake(dialling, connection, handshake, done),
    serve,
    run
  })

  const accept = (connection: Connection): void => {
    shake(halfOpen, connection, handshaker.accept(connection.address), (outcome, rest) => {
      if (typeof outcome !== "string") serve(connection, outcome, rest) // else counted and logged
    })
  }

  yield* watchSessions({ table, limit, halfOpen, dialling, dialler, reputation, local: identity.local })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      dialler.close()
      halfOpen.clear()
      for (const link of [...table.all]) link.leave("leaving", "closed here")
    })
  )
  const listeners = yield* transports.listen(options.listen, accept)
  own.listenAt(
    listeners.flatMap((it) => concrete(it.address)),
    now()
  )
  const handshakes = (at: number): void => {
    halfOpen.sweep(at - deadline)
    dialling.sweep(at - deadline)
  }
  const keyHandlers = new Set<() => void>()
  const onKey = (): void => {
    for (const handle of keyHandlers) handle()
  }
  yield* makeSweep({ table, own, reputation, useful: (contact) => useful(contact), now, handshakes, onKey })

  const registered = <A>(handlers: Set<A>, handle: A): Effect.Effect<void, never, Scope.Scope> =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => handlers.add(handle)),
        () => Effect.sync(() => handlers.delete(handle))
      )
    )

  return SessionManager.of({
    self: () => own.contact,
    listening: () => own.listening,
    addExternal: (address) => own.addExternal(address, now()),
    setServing: (serving) => own.setServing(serving, now()),
    connect: dialler.connect,
    find: (key) => table.find(key),
    list: () => table.list(),
    onFrame: (type, handle) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            shared.handlers[type] = handle
          }),
          () =>
            Effect.sync(() => {
              if (shared.handlers[type] === handle) shared.handlers[type] = undefined
            })
        )
      ),
    events,
    onOpen: (handle) => registered(openHandlers, handle),
    onClose: (handle) => registered(closeHandlers, handle),
    onOwnKey: (handle) => registered(keyHandlers, handle),
    charge,
    keepIf: (predicate) => {
      const others = useful
      useful = (contact) => others(contact) || predicate(contact)
    },
    stats: () => ({ open: table.all.size, halfOpen: halfOpen.size, bans: reputation.bans })
  })
})
