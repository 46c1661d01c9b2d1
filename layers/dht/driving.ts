/**
 * One lookup over Rpc, from its first request to its end: sends what the state machine asks for, admits the
 * PeerRecords of the answers, and tells the routing table who answered and who did not.
 *
 * When a lookup ends, whatever is still under way is given up, but for peers that are slow: what becomes of those shows
 * whether they live. When it is interrupted, everything is.
 */
import { Clock, Effect, Exit, type Fiber, FiberSet, Result } from "effect"
import { K } from "#core/dht/BucketTable"
import { type Ask, Lookup } from "#core/dht/Lookup"
import type { Contact } from "#core/identity/Contact"
import { type DhtAnswer, type DhtRequest, PEERS_LIMIT } from "#schemas/dht/DhtMessage"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { LINGERING } from "#services/dht/Limits"
import type { LookupOptions, LookupStep, NodesFound } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Bounds } from "#services/node/Bounds"
import { Rpc, type RpcError } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { makePatience } from "./patience.ts"

export interface Plan {
  readonly target: Uint8Array
  readonly request: DhtRequest
  readonly options: LookupOptions
  /** Nodes that must have answered. */
  readonly settle: number
  /** Requests under way at one time, where it is not what lookups have. */
  readonly width?: number
  /** Asked besides, at once. */
  readonly hints?: ReadonlyArray<Contact>
  /** True ends the lookup. Where it is given, slow peers are waited for until they are late: they may have it. */
  readonly accept?: (records: ReadonlyArray<Uint8Array>, from: Contact) => boolean
}

/** One request: of the lookup, of a hint, or of both. */
interface Request {
  readonly contact: Contact
  readonly isHint: boolean
  readonly askedAt: number
  slowAt: number
  patience: "full" | "slow" | "late"
  ask: Ask<Contact> | undefined
  fiber: Fiber.Fiber<DhtAnswer, RpcError> | undefined
  /** Undefined while it is under way. */
  outcome: LookupStep["outcome"] | undefined
  found: ReadonlyArray<Contact>
}

/** Begins a lookup and calls back once, when it is over; what it answers gives the lookup up. */
export type Drive = (plan: Plan, done: (found: NodesFound) => void) => () => void

export const makeDrive = Effect.gen(function* () {
  const rpc = yield* Rpc
  const peers = yield* KnownPeers
  const table = yield* RoutingTable
  const sessions = yield* SessionManager
  const clock = yield* Clock.Clock
  const patience = yield* makePatience
  const run = yield* FiberSet.makeRuntime<never, DhtAnswer, RpcError>()
  const ownKey = sessions.self().key
  const isConnected = (key: string): boolean => sessions.find(key) !== undefined
  /** Slow requests of lookups that are over. */
  const lingering = new Set<Request>()
  yield* (yield* Bounds).watch("slow requests of lookups that are over", LINGERING, () => lingering.size)

  /** Servers only; a record that is not what it should be costs the one that passed it on. */
  const admit = (records: ReadonlyArray<Uint8Array>, from: Contact): Array<Contact> => {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const contacts: Array<Contact> = []
    for (const bytes of records.slice(0, PEERS_LIMIT)) {
      const admitted = peers.admit(bytes, now)
      if (Result.isSuccess(admitted)) {
        if ((admitted.success.record.capabilities & DHT_SERVER) !== 0) contacts.push(admitted.success)
      } else if (admitted.failure === "forged" || admitted.failure === "malformed") {
        sessions.charge(from.key, "bad record")
      }
    }
    return contacts
  }

  /** Who did not answer is another case than who answered that it will not. */
  const judge = ({ key }: Contact, exit: Exit.Exit<DhtAnswer, RpcError>): LookupStep["outcome"] => {
    if (Exit.isSuccess(exit)) return "answered"
    const failure = Exit.findErrorOption(exit)
    if (failure._tag === "None") return "silent" // given up by this node
    const error = failure.value
    const isRefused = error._tag === "RpcFailure" || error._tag === "RpcBusy"
    // Who says that it serves nobody is no use in the table either.
    if (!isRefused || (error._tag === "RpcFailure" && error.tag === "NotServed")) table.failed(key)
    return isRefused ? "refused" : "silent"
  }

  const drive: Drive = (plan, done) => {
    const { onStep, paths = 1 } = plan.options
    const start = clock.currentTimeMillisUnsafe()
    const lookup = new Lookup<Contact>(
      {
        target: plan.target,
        k: K,
        settle: plan.settle,
        paths,
        ...(plan.width === undefined ? {} : { width: plan.width }),
        patient: plan.accept !== undefined,
        ownKey,
        isConnected
      },
      table.closest(plan.target, K)
    )
    const requests = new Map<string, Request>()
    const underWay = new Set<Request>()
    /** One more than there are until all have been asked: the first may fail at once. */
    let hintsOpen = 1
    let over = false

    const send = (contact: Contact, ask: Ask<Contact> | undefined): void => {
      const askedAt = clock.currentTimeMillisUnsafe()
      const isHint = ask === undefined
      const slowAt = askedAt + patience.slowAfter(contact)
      const patient = { patience: "full", outcome: undefined, found: [], fiber: undefined } as const
      const request: Request = { ...patient, contact, isHint, askedAt, slowAt, ask }
      requests.set(contact.key, request)
      underWay.add(request)
      if (isHint) hintsOpen++
      const fiber = run(rpc.dht(contact, plan.request))
      request.fiber = fiber
      fiber.addObserver((exit) => {
        // It holds the answer, which is read here and now; the lookup may go on for long.
        request.fiber = undefined
        if (!over) {
          underWay.delete(request)
          hear(request, exit)
          proceed()
        } else if (lingering.delete(request)) {
          if (judge(contact, exit) === "answered") table.seen(contact, sessions.find(contact.key)?.dialled === true)
        }
      })
    }

    const hear = (request: Request, exit: Exit.Exit<DhtAnswer, RpcError>): void => {
      const { contact, isHint } = request
      if (isHint && request.patience !== "late") hintsOpen--
      request.outcome = judge(contact, exit)
      let fresh = 0
      let accepted = false
      if (Exit.isSuccess(exit)) {
        const answer = exit.value
        table.seen(contact, sessions.find(contact.key)?.dialled === true)
        request.found = "peers" in answer ? admit(answer.peers, contact) : []
        if (request.ask === undefined) fresh = lookup.heard(request.found)
        if (answer._tag === "Values" && answer.records.length > 0)
          accepted = plan.accept?.(answer.records, contact) === true
      }
      if (request.ask !== undefined) fresh = settle(request)
      tell(request, fresh)
      if (accepted) finish()
    }

    /** Tells the state machine what came of a request of its own. */
    const settle = ({ contact: { key }, found, outcome, patience }: Request): number => {
      if (outcome === "answered") return lookup.answered(key, found)
      if (outcome !== undefined) lookup.failed(key)
      else if (patience !== "full" && lookup.slow(key) && patience === "late") lookup.late(key)
      return 0
    }

    const tell = ({ ask, askedAt, contact, outcome = "silent" }: Request, fresh: number): void => {
      const milliseconds = clock.currentTimeMillisUnsafe() - askedAt
      onStep?.({ contact, hop: ask?.hop ?? 1, path: ask?.path ?? 0, outcome, milliseconds, fresh })
    }

    const proceed = (): void => {
      if (over) return
      for (let asks = lookup.next(); asks.length > 0; asks = lookup.next())
        for (const ask of asks) {
          // Whoever was hinted at is not asked twice.
          const known = requests.get(ask.contact.key)
          if (known === undefined) send(ask.contact, ask)
          else {
            known.ask = ask
            settle(known)
          }
        }
      // Hints are no part of the lookup; they are waited for, since one of them may be all that has the content.
      if (hintsOpen === 0 && lookup.isDone()) finish()
    }

    const overdue = (now: number): number => {
      let next = Number.POSITIVE_INFINITY
      for (const request of underWay) {
        const lateAt = request.askedAt + patience.lateAfter
        if (request.patience === "full" && request.slowAt <= now) {
          // Refused where too many are slow: then it is looked at again.
          if (request.ask === undefined || lookup.slow(request.contact.key)) request.patience = "slow"
          else request.slowAt = now + patience.least
        }
        if (request.patience === "slow" && lateAt <= now) {
          request.patience = "late"
          if (request.isHint) hintsOpen--
          lookup.late(request.contact.key)
        }
        if (request.patience !== "late") next = Math.min(next, request.patience === "full" ? request.slowAt : lateAt)
      }
      proceed()
      return next
    }

    const end = (lets: (request: Request) => boolean): void => {
      over = true
      patience.drop(overdue)
      for (const request of underWay) {
        if (lets(request) && lingering.size < LINGERING) lingering.add(request)
        else request.fiber?.interruptUnsafe()
      }
    }

    const finish = (): void => {
      if (over) return
      end((request) => request.patience !== "full")
      for (const request of underWay) tell(request, 0)
      if (plan.settle >= K && lookup.isDone()) table.lookedUp(plan.target)
      const path = lookup.path()
      done({
        closest: plan.settle < K ? lookup.candidates(K) : lookup.closest(),
        report: {
          requests: requests.size,
          failures: failuresOf(requests.values()),
          hops: path.length,
          path: path.map((contact) => contact.nodeId),
          milliseconds: clock.currentTimeMillisUnsafe() - start
        }
      })
    }

    patience.watch(overdue)
    for (const hint of plan.hints ?? []) if (hint.key !== ownKey && !requests.has(hint.key)) send(hint, undefined)
    hintsOpen--
    proceed()
    return () => end(() => false)
  }
  return drive
})

/** Who did not answer, was refused by, or had become slow when the lookup was over. */
const failuresOf = (requests: Iterable<Request>): number => {
  let failures = 0
  for (const { outcome, patience } of requests)
    if (outcome === undefined ? patience !== "full" : outcome !== "answered") failures++
  return failures
}
