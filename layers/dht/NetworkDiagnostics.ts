/**
 * Answers why, by looking: a lookup of the key and a question to each of the closest for content, a dial for a peer.
 * What it finds is told in text and numbers; nothing is repaired or stored on the way.
 */
import { Clock, Duration, Effect, Layer } from "effect"
import { K } from "#core/dht/BucketTable"
import { commonPrefixLength, compareDistance } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import { sessionStatus } from "#layers/rpc/sessionStatus"
import { equalBytes, hexOf, keyOf } from "#schemas/bytes/bytes"
import { type Cid, cidText, digestOf } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import { type Address, withPeer } from "#schemas/transport/Address"
import { Dht } from "#services/dht/Dht"
import { Diagnostics, type HolderAnswer, type PeerExplanation } from "#services/dht/Diagnostics"
import { PROVIDERS_ASKED, REPLICATION_FACTOR } from "#services/dht/Limits"
import { type LookupStep, QueryExecutor } from "#services/dht/QueryExecutor"
import type { ReplicaHealth } from "#services/dht/Replicator"
import { RoutingTable } from "#services/dht/RoutingTable"
import { ExplainDeadline } from "#services/dht/Schedules"
import { Serving } from "#services/dht/Serving"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"
import { makeHolderAnswers, type Verdict } from "./holderAnswers.ts"

export interface DiagnosticsOptions {
  /** Replicas of what nobody pinned here, 1 to 20; 5 by default. */
  readonly replicationFactor?: number
}

export const make = Effect.fnUntraced(function* (options: DiagnosticsOptions = {}) {
  const suite = yield* Crypto
  const { nodeId } = yield* Identity
  const [rpc, sessions, table] = [yield* Rpc, yield* SessionManager, yield* RoutingTable]
  const [dht, queries, serving] = [yield* Dht, yield* QueryExecutor, yield* Serving]
  const [records, pins] = [yield* RecordStore, yield* PinStore]
  const ask = yield* makeHolderAnswers
  const deadline = yield* ExplainDeadline
  const clock = yield* Clock.Clock

  /** The closest, how they were found, and who was silent; those of the table where a lookup takes too long. */
  const lookUp = (target: Uint8Array) =>
    Effect.suspend(() => {
      const silent: Array<LookupStep> = []
      const onStep = (step: LookupStep): void => {
        if (step.outcome === "silent" && silent.length < K) silent.push(step)
      }
      const report = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: Duration.toMillis(deadline) }
      return queries.lookupNode(target, { onStep }).pipe(
        Effect.map((found) => ({ ...found, silent, finished: true })),
        Effect.timeoutOrElse({
          duration: deadline,
          orElse: () => Effect.sync(() => ({ closest: table.closest(target), report, silent: [], finished: false }))
        })
      )
    })

  const providersOf = (cid: Cid) =>
    dht.findProviders(cid).pipe(
      Effect.catchTag("PrivacyUnavailable", () => Effect.succeed([])),
      Effect.timeoutOrElse({ duration: deadline, orElse: () => Effect.succeed([]) })
    )

  /** What a disk turned over is not held. */
  const ownBlock = (key: Uint8Array) =>
    Effect.map(records.get(RecordKind.Block, key), ([held]) =>
      held !== undefined && equalBytes(suite.sha256(held.bytes), key) ? held : undefined
    )

  const contactOf = (id: Uint8Array): Contact | undefined =>
    sessions.find(keyOf(id))?.contact ?? table.whereabouts(keyOf(id))?.contact

  const addressOf = (contact: Contact): string => {
    const [first] = contact.addresses
    const address = sessions.find(contact.key)?.address ?? first
    return address === undefined ? "" : withPeer(address, contact.nodeId)
  }

  const holder = (key: Uint8Array, contact: Contact, verdict: Verdict): Holder => ({
    id: contact.nodeId,
    address: addressOf(contact),
    closeness: commonPrefixLength(key, contact.nodeId),
    ...verdict
  })

  /** This node's own answer, where it is one of those who should hold things, or holds this. */
  const ownAnswer = (key: Uint8Array, holds: boolean): ReadonlyArray<Holder> => {
    if (!holds && serving.mode() === "client") return []
    const [listening] = sessions.listening()
    const address = listening === undefined ? "" : String(listening)
    const closeness = commonPrefixLength(key, nodeId)
    const detail = "this node"
    return [{ id: nodeId, address, closeness, answer: holds ? "holds" : "does not", detail, milliseconds: 0 }]
  }

  const content = Effect.fn("NetworkDiagnostics.content")(function* (cid: Cid) {
    const key = digestOf(cid).slice()
    const own = yield* ownBlock(key)
    const pin = yield* pins.find(RecordKind.Block, key)
    const [lookup, providers] = yield* Effect.all([lookUp(key), providersOf(cid)], { concurrency: 2 })
    const target = pin?.factor ?? options.replicationFactor ?? REPLICATION_FACTOR

    const near = [...lookup.closest, ...lookup.silent.map(({ contact }) => contact)]
    const met = new Set([keyOf(nodeId), ...near.map((contact) => contact.key)])
    const further = providers
      .slice(0, PROVIDERS_ASKED)
      .flatMap(({ nodeId: id }) => (met.has(keyOf(id)) ? [] : (contactOf(id) ?? [])))
    const asked = [...lookup.closest, ...further]
    const told = yield* Effect.forEach(
      asked,
      (contact) => Effect.map(ask(contact, key, own?.bytes), (verdict) => holder(key, contact, verdict)),
      { concurrency: Math.max(1, asked.length) }
    )
    const silent = lookup.silent.map(({ contact, milliseconds }) =>
      holder(key, contact, { answer: "silent", detail: "it did not answer the lookup", milliseconds })
    )

    // Who announced it is asked wherever he stands, and who is silent holds nothing for anybody: those who should hold
    // it are the closest of the others.
    const here = ownAnswer(key, own !== undefined)
    const serves = serving.mode() === "server"
    const responsible = [...lookup.closest.map((contact) => contact.nodeId), ...(serves ? [nodeId] : [])]
      .sort((a, b) => compareDistance(key, a, b))
      .slice(0, target)
    const expected = new Set(responsible.map(keyOf))
    const answers = [...told, ...silent, ...here].sort((a, b) => compareDistance(key, a.id, b.id))
    const others = told.filter(({ answer }) => answer === "holds").length
    const { failures, hops, milliseconds, path, requests } = lookup.report
    return {
      cid: cidText(cid),
      key: hexOf(key),
      local: own !== undefined,
      localExpires: own?.expires ?? null,
      pinned: pin === undefined ? null : { factor: pin.factor, nextRefresh: pin.due },
      target,
      holders: others + (own === undefined ? 0 : 1),
      health: healthOf(others, own !== undefined, target),
      answers: answers.map(
        ({ id, ...answer }): HolderAnswer => ({ nodeId: hexOf(id), expected: expected.has(keyOf(id)), ...answer })
      ),
      providers: providers.map(({ nodeId: id }) => hexOf(id)),
      lookup: { finished: lookup.finished, requests, failures, hops, milliseconds, path: path.map(hexOf) }
    }
  })

  const dial = (id: NodeId, addresses: ReadonlyArray<Address>, trusted: boolean) =>
    addresses.length === 0
      ? Effect.succeed({ reached: false, layer: "address", reason: "nobody who was asked knows where it is" })
      : Effect.match(sessions.connect({ nodeId: id, addresses, trusted }), {
          onFailure: ({ layer, reason }) => ({ reached: false, layer: layer as string, reason }),
          onSuccess: () => ({ reached: true, layer: "session", reason: "" })
        }).pipe(
          Effect.timeoutOrElse({
            duration: deadline,
            orElse: () => Effect.succeed({ reached: false, layer: "transport", reason: "timeout" })
          })
        )

  const peer = Effect.fn("NetworkDiagnostics.peer")(function* (
    id: NodeId,
    address?: Address
  ): Effect.fn.Return<PeerExplanation> {
    const key = keyOf(id)
    const session = sessions.find(key)
    const known = table.whereabouts(key)
    const isStrange = session === undefined && known === undefined && address === undefined
    const found = isStrange && !equalBytes(id, nodeId) ? yield* lookUp(id) : undefined
    const contact = session?.contact ?? known?.contact ?? found?.closest.find((it) => it.key === key)
    const addresses = address === undefined ? (contact?.addresses ?? []) : [address]
    return {
      nodeId: hexOf(id),
      bucket: table.bucketOf(id),
      standing: known?.standing ?? "unknown",
      addresses: addresses.map((it) => withPeer(it, id)),
      verifiedAt: known !== undefined && Number.isFinite(known.verifiedAt) ? known.verifiedAt : null,
      lastSeen: known?.lastSeen ?? null,
      failures: known?.failures ?? 0,
      shareable: table.isShareable(key),
      session: session === undefined ? null : sessionStatus(rpc, session, clock.currentTimeMillisUnsafe()),
      dial: session === undefined ? yield* dial(id, addresses, address !== undefined) : null
    }
  })

  return Diagnostics.of({ content, peer })
})

export const layer = (options?: DiagnosticsOptions) => Layer.effect(Diagnostics, make(options))

interface Holder extends Omit<HolderAnswer, "nodeId" | "expected"> {
  readonly id: Uint8Array
}

/** A copy that only this node has is one failure away from being lost, however few are wanted. */
const healthOf = (others: number, here: boolean, target: number): ReplicaHealth => {
  if (others === 0) return "critical"
  return others + (here ? 1 : 0) >= target ? "healthy" : "degraded"
}
