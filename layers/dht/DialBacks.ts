/**
 * Both sides of being dialled back (DESIGN.md §6, mode auto). Whoever asks is dialled at nothing but addresses of its
 * own record at the very IP that it asks from, so nobody can aim the dial at somebody else; one at a time, and within a
 * budget. A node that does not know whether it can be reached asks peers of different networks, and serves when it can.
 */
import { Clock, Effect, Layer, Random, Result } from "effect"
import { NETWORKS_WANTED, Reachability } from "#core/dht/Reachability"
import type { Contact } from "#core/identity/Contact"
import { TokenBucket } from "#core/session/TokenBucket"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { Bootstrap } from "#services/dht/Bootstrap"
import { DIAL_BACK_PAUSE, DIAL_BACK_RATE, DIAL_BACKS } from "#services/dht/Limits"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { DialBackAgain, DialBackEvery, DialBackWithin } from "#services/dht/Schedules"
import { DIAL_BACK, Serving } from "#services/dht/Serving"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Bounds } from "#services/node/Bounds"
import { Rpc } from "#services/rpc/Rpc"
import { AddressProbe } from "#services/session/AddressProbe"
import { type Session, SessionManager } from "#services/session/SessionManager"

export interface DialBackOptions {
  /** Whether this node finds out if it can serve; others are answered in any case. */
  readonly asks: boolean
}

const busy = new RpcFailure({ tag: "Busy", detail: "too many to dial back", data: null })
/** Whoever has several addresses may ask from one that it does not listen at: that is no answer to its question. */
const elsewhere = new RpcFailure({ tag: "Elsewhere", detail: "your record has no address where you are", data: null })

/** Answers those who ask. */
export const answer = Effect.gen(function* () {
  const [sessions, rpc, probe] = [yield* SessionManager, yield* Rpc, yield* AddressProbe]
  const [book, clock, within] = [yield* KnownPeers, yield* Clock.Clock, yield* DialBackWithin]
  const now = () => clock.currentTimeMillisUnsafe()
  const budget = new TokenBucket(DIAL_BACK_RATE, now())
  const underWay = new Set<string>()
  const lastFor = new WeakMap<Session, number>()
  yield* (yield* Bounds).watch("peers that are dialled back", DIAL_BACKS, () => underWay.size)

  /** A peer waits for its next turn, so that none uses up the budget of all. */
  const isAllowed = (session: Session): boolean => {
    if (underWay.size >= DIAL_BACKS || underWay.has(session.contact.key)) return false
    if (now() - (lastFor.get(session) ?? Number.NEGATIVE_INFINITY) < DIAL_BACK_PAUSE) return false
    if (budget.take(0, now()) > 0) return false
    budget.take(1, now())
    lastFor.set(session, now())
    return true
  }

  const dialBack = ({ addresses, key, nodeId }: Contact, session: Session) =>
    Effect.suspend(() => {
      underWay.add(key)
      const own = addresses.filter(({ host }) => host === session.address.host)
      return Effect.timeoutOption(Effect.isSuccess(probe.verify({ nodeId, addresses: own, trusted: false })), within)
    }).pipe(
      Effect.map((reached) => reached._tag === "Some" && reached.value),
      Effect.ensuring(Effect.sync(() => underWay.delete(key)))
    )

  yield* rpc.handle(DIAL_BACK, (_, from) =>
    Effect.suspend((): Effect.Effect<boolean, RpcFailure> => {
      const session = sessions.find(from.key)
      if (session === undefined) return Effect.fail(busy)
      if (session.dialled) return Effect.succeed(true)
      const contact = book.find(from.publicKey) ?? from
      if (contact.addresses.every(({ host }) => host !== session.address.host)) return Effect.fail(elsewhere)
      return isAllowed(session) ? dialBack(contact, session) : Effect.fail(busy)
    })
  )
})

/** Finds out whether this node can be reached, and switches its mode. */
export const ask = Effect.gen(function* () {
  const { nodeId } = yield* Identity
  const [sessions, rpc, table] = [yield* SessionManager, yield* Rpc, yield* RoutingTable]
  const [serving, bootstrap, queries] = [yield* Serving, yield* Bootstrap, yield* QueryExecutor]
  const [again, every] = [yield* DialBackAgain, yield* DialBackEvery]
  const reachability = new Reachability(serving.mode() === "server")

  /** As many as this node has peers in, of those it knows. */
  const networks = (): number => {
    const known = new Set(sessions.list().map(({ address }) => address.wideNetwork))
    for (const { contact } of table.list()) for (const address of contact.addresses) known.add(address.wideNetwork)
    return known.size
  }

  const question = Effect.fnUntraced(function* (session: Session) {
    const answered = yield* Effect.result(rpc.call(session.contact, DIAL_BACK, null))
    // Who is busy, gone or cannot tell has said nothing.
    if (Result.isSuccess(answered)) reachability.tried(session.address.wideNetwork, answered.success, networks())
  })

  /** A peer of each network that has something to say; a server asks one. */
  const round = Effect.gen(function* () {
    const chosen = new Map<string, Session>()
    const wanted = reachability.serving ? 1 : NETWORKS_WANTED
    for (const session of yield* Random.shuffle(sessions.list())) {
      const network = session.address.wideNetwork
      if (session.takesRequests() && reachability.wants(network) && chosen.size < wanted) chosen.set(network, session)
    }
    yield* Effect.forEach(chosen.values(), question, { concurrency: NETWORKS_WANTED, discard: true })
    const mode = reachability.serving ? "server" : "client"
    if (mode === serving.mode()) return
    yield* Effect.logInfo("the mode has changed").pipe(Effect.annotateLogs({ mode }))
    yield* serving.become(mode)
    // The neighbours that it has no session with learn of it as of any newcomer.
    if (mode === "server") yield* queries.lookupNode(nodeId)
  })

  const rounds = Effect.forever(
    Effect.andThen(
      round,
      Effect.suspend(() => Effect.sleep(reachability.serving ? every : again))
    )
  )
  // A first round that reached nobody is told elsewhere; peers may come by themselves.
  yield* Effect.forkScoped(Effect.andThen(Effect.exit(bootstrap.joined), rounds))
})

export const layer = ({ asks }: DialBackOptions) =>
  Layer.effectDiscard(Effect.andThen(answer, asks ? ask : Effect.void))
