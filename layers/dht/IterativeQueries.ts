/**
 * Drives lookups over Rpc: sends what the state machine asks for, admits the PeerRecords of the answers, and tells the
 * routing table who answered and who did not. When a lookup ends, whatever is still under way is given up.
 */
import { Clock, Effect, Exit, type Fiber, FiberSet, Layer, Result } from "effect"
import { K } from "#core/dht/BucketTable"
import { ALPHA, Lookup } from "#core/dht/Lookup"
import type { Contact } from "#core/identity/Contact"
import { type DhtAnswer, type DhtRequest, PEERS_LIMIT } from "#schemas/dht/DhtMessage"
import { isRecordKind } from "#schemas/dht/Record"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { type LookupOptions, type LookupStep, type NodesFound, QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Rpc, type RpcError } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"

interface Plan {
  readonly target: Uint8Array
  readonly request: DhtRequest
  readonly options: LookupOptions
  /** Nodes that must have answered. */
  readonly settle: number
  /** Asked besides, at once. */
  readonly hints?: ReadonlyArray<Contact>
  /** True ends the lookup. */
  readonly accept?: (records: ReadonlyArray<Uint8Array>, from: Contact) => boolean
}

const NOTHING = new Uint8Array(0)

export const make = Effect.gen(function* () {
  const rpc = yield* Rpc
  const peers = yield* KnownPeers
  const table = yield* RoutingTable
  const sessions = yield* SessionManager
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.makeRuntime<never, DhtAnswer, RpcError>()
  const ownKey = sessions.self().key
  const isConnected = (key: string): boolean => sessions.find(key) !== undefined

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
  const outcomeOf = (exit: Exit.Exit<DhtAnswer, RpcError>): LookupStep["outcome"] => {
    if (Exit.isSuccess(exit)) return "answered"
    const error = Exit.findErrorOption(exit)
    return error._tag === "Some" && (error.value._tag === "RpcFailure" || error.value._tag === "RpcBusy")
      ? "refused"
      : "silent"
  }

  /** Calls back once, when the lookup is over; the answer gives it up before. */
  const drive = (plan: Plan, lookup: Lookup<Contact>, done: () => void): (() => void) => {
    const underWay = new Set<Fiber.Fiber<DhtAnswer, RpcError>>()
    let over = false
    let hintsOpen = plan.hints?.length ?? 0
    const stop = (): void => {
      over = true
      for (const fiber of underWay) fiber.interruptUnsafe()
    }
    const finish = (): void => {
      stop()
      done()
    }
    const ask = (contact: Contact, isHint: boolean): void => {
      if (over) return
      const askedAt = clock.currentTimeMillisUnsafe()
      const fiber = run(rpc.dht(contact, plan.request))
      underWay.add(fiber)
      fiber.addObserver((exit) => {
        underWay.delete(fiber)
        if (over) return
        if (isHint) hintsOpen--
        const fresh = hear(contact, exit, isHint)
        plan.options.onStep?.({
          contact,
          hop: lookup.depthOf(contact.key),
          path: 0,
          outcome: outcomeOf(exit),
          milliseconds: clock.currentTimeMillisUnsafe() - askedAt,
          fresh
        })
        proceed()
      })
    }
    const hear = (contact: Contact, exit: Exit.Exit<DhtAnswer, RpcError>, isHint: boolean): number => {
      if (Exit.isFailure(exit)) {
        if (!isHint) lookup.failed(contact.key)
        if (outcomeOf(exit) === "silent") table.failed(contact.key)
        return 0
      }
      const answer = exit.value
      table.seen(contact, sessions.find(contact.key)?.dialled === true)
      const found = answer._tag === "Stored" ? [] : admit(answer.peers, contact)
      const fresh = isHint ? lookup.heard(found) : lookup.answered(contact.key, found)
      if (answer._tag === "Values" && answer.records.length > 0 && plan.accept?.(answer.records, contact) === true)
        finish()
      return fresh
    }
    const proceed = (): void => {
      if (over) return
      for (const contact of lookup.next()) ask(contact, false)
      // Hints are no part of the lookup; they are waited for, since one of them may be all that has the content.
      if (!over && hintsOpen === 0 && lookup.isDone()) finish()
    }
    for (const hint of plan.hints ?? []) ask(hint, true)
    proceed()
    return stop
  }

  const execute = (plan: Plan): Effect.Effect<NodesFound> =>
    Effect.callback((resume) => {
      const start = clock.currentTimeMillisUnsafe()
      const lookup = new Lookup<Contact>(
        { target: plan.target, k: K, settle: plan.settle, ownKey, isConnected },
        table.closest(plan.target, K)
      )
      return Effect.sync(
        drive(plan, lookup, () => {
          const path = lookup.path()
          resume(
            Effect.succeed({
              closest: plan.settle < K ? lookup.candidates(K) : lookup.closest(),
              report: {
                requests: lookup.requests + (plan.hints?.length ?? 0),
                failures: lookup.failures,
                hops: path.length,
                path: path.map((contact) => contact.nodeId),
                milliseconds: clock.currentTimeMillisUnsafe() - start
              }
            })
          )
        })
      )
    })

  return QueryExecutor.of({
    lookupNode: (target, options = {}) =>
      execute({ target, request: { _tag: "FindNode", target }, options, settle: K }),
    locate: (target) => execute({ target, request: { _tag: "FindNode", target }, options: {}, settle: ALPHA }),
    lookupValue: ({ accept, hints = [], key, kind, minSeq = 0, ...options }) =>
      isRecordKind(kind)
        ? execute({
            target: key,
            request: { _tag: "FindValue", kind, key, minSeq, after: NOTHING },
            options,
            settle: K,
            accept,
            hints: hints.filter((hint) => hint.key !== ownKey)
          })
        : Effect.succeed({ closest: [], report: { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 } }),
    lookupProviders: (key, accept, options = {}) =>
      execute({ target: key, request: { _tag: "GetProviders", key, after: NOTHING }, options, settle: K, accept })
  })
})

export const layer = Layer.effect(QueryExecutor, make)
