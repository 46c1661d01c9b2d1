/**
 * Brings one record to the nodes closest to its key: as many as are wanted at the same time, and for each one that
 * refuses, is silent or slow the next closest. A node that names closer ones is believed as far as their records verify, and
 * one that asks for work is given it once.
 */
import { Clock, Effect, Result } from "effect"
import { compareDistance } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import type { DhtRequest } from "#schemas/dht/DhtMessage"
import { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { WORK_REQUIRED } from "#schemas/rpc/RpcFailure"
import type { LookupReport } from "#services/dht/Dht"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { Rpc, type RpcError } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { makePlacing } from "./placing.ts"
import { makeWorker } from "./working.ts"

/** Nodes that are asked to hold one record, refusals included: three times as many as feel responsible for it. */
const ATTEMPTS = 60

/** One record on its way out. */
export interface Outgoing {
  readonly kind: RecordKind
  readonly key: Uint8Array
  readonly bytes: Uint8Array
  /** Seconds. */
  readonly lifetime: number
  /** What whoever it is stored for has done for it: it goes along at once, and nobody else works for it. */
  readonly work?: Uint8Array
}

export interface Wanted {
  /** Replicas. */
  readonly factor: number
  /** Whether this node is one of the holders already. */
  readonly holdsItself: boolean
  /** Disjoint paths of the lookup. */
  readonly paths: number
}

export interface Replicas {
  readonly holders: ReadonlyArray<NodeId>
  /** Unix seconds: when the first of them lets go of it. */
  readonly expires: number
  readonly refusals: ReadonlyMap<string, number>
  readonly lookup: LookupReport
}

const NO_WORK = new Uint8Array(0)

const requestFor = ({ bytes, kind, lifetime }: Outgoing, work: Uint8Array): DhtRequest =>
  kind === RecordKind.Provider && work.length === 0
    ? { _tag: "AddProvider", record: bytes }
    : { _tag: "Store", kind, record: bytes, ttl: lifetime, work }

/** The leading zero bits that a refusal asks for, 0 for any other. */
const bitsAskedFor = (error: RpcError): number =>
  error._tag === "RpcFailure" && error.tag === WORK_REQUIRED && typeof error.data === "number" ? error.data : 0

/** The word for people: the peer's own tag, or what happened on the way. */
const reasonOf = (error: RpcError): string => (error._tag === "RpcFailure" ? error.tag : error._tag)

export const makeReplication = Effect.gen(function* () {
  const { nodeId } = yield* Identity
  const rpc = yield* Rpc
  const peers = yield* KnownPeers
  const table = yield* RoutingTable
  const queries = yield* QueryExecutor
  const sessions = yield* SessionManager
  const clock = yield* Clock.Clock
  const workOn = yield* makeWorker
  const place = yield* makePlacing
  const ownKey = sessions.self().key

  const closerOf = (error: RpcError): ReadonlyArray<Contact> => {
    if (error._tag !== "RpcFailure" || error.tag !== "NotClosest" || !Array.isArray(error.data)) return []
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const admitted = (error.data as ReadonlyArray<Uint8Array>).flatMap((bytes) => {
      const contact = peers.admit(bytes, now)
      return Result.isSuccess(contact) ? [contact.success] : []
    })
    return admitted.filter((it) => it.key !== ownKey && (it.record.capabilities & DHT_SERVER) !== 0)
  }

  /** How many others are wanted: one less where this node, a holder already, is itself among the closest. */
  const othersWanted = (key: Uint8Array, { factor, holdsItself }: Wanted, closest: ReadonlyArray<Contact>) => {
    if (!holdsItself || (sessions.self().record.capabilities & DHT_SERVER) === 0) return factor
    const closer = closest.filter((it) => compareDistance(key, it.nodeId, nodeId) < 0).length
    return closer < factor ? factor - 1 : factor
  }

  /** Asks once more, with work, where it was work that was missing. */
  const ask = Effect.fnUntraced(function* (contact: Contact, outgoing: Outgoing) {
    const first = yield* Effect.result(rpc.dht(contact, requestFor(outgoing, outgoing.work ?? NO_WORK)))
    const bits = Result.isFailure(first) ? bitsAskedFor(first.failure) : 0
    if (bits === 0 || outgoing.kind === RecordKind.Inbox || outgoing.work !== undefined) return first
    const work = yield* workOn(outgoing, bits)
    return yield* Effect.result(rpc.dht(contact, requestFor(outgoing, work)))
  })

  const locate = (key: Uint8Array, paths: number) =>
    paths > 1 ? queries.lookupNode(key, { paths }) : queries.locate(key)

  return Effect.fnUntraced(function* (outgoing: Outgoing, wanted: Wanted): Effect.fn.Return<Replicas> {
    const { key } = outgoing
    const { closest, report } = yield* locate(key, wanted.paths)
    const waiting = [...closest]
    const met = new Set(waiting.map((contact) => contact.key))
    const holders: Array<NodeId> = []
    const refusals = new Map<string, number>()
    let expires = Number.POSITIVE_INFINITY
    let attempts = 0

    const meet = (contacts: ReadonlyArray<Contact>): void => {
      for (const contact of contacts) {
        if (met.has(contact.key)) continue
        met.add(contact.key)
        waiting.push(contact)
      }
      waiting.sort((a, b) => compareDistance(key, a.nodeId, b.nodeId))
    }
    const refused = (contact: Contact, error: RpcError): void => {
      const reason = reasonOf(error)
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1)
      if (error._tag !== "RpcFailure" && error._tag !== "RpcBusy") table.failed(contact.key)
      meet(closerOf(error))
    }
    yield* place({
      places: othersWanted(key, wanted, closest),
      next: () => (attempts++ < ATTEMPTS ? waiting.shift() : undefined),
      ask: (contact) =>
        Effect.map(ask(contact, outgoing), (result) => {
          if (Result.isFailure(result)) refused(contact, result.failure)
          else {
            if (result.success._tag === "Stored") expires = Math.min(expires, result.success.expires)
            holders.push(contact.nodeId)
          }
          return Result.isSuccess(result)
        })
    })
    // Copies: who is slow may still answer.
    return { holders: [...holders], expires, refusals: new Map(refusals), lookup: report }
  })
})
