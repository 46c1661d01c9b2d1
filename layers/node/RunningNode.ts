/** The node's own view of itself, gathered from its services when somebody asks. */
import { Clock, Effect, Layer } from "effect"
import type { Contact } from "#core/identity/Contact"
import { sessionStatus } from "#layers/rpc/sessionStatus"
import { hexOf } from "#schemas/bytes/bytes"
import { ONION_RELAY } from "#schemas/identity/PeerRecord"
import { VERSION } from "#schemas/node/version"
import { withPeer } from "#schemas/transport/Address"
import { Backends } from "#services/dht/Backends"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Membership } from "#services/dht/Membership"
import { type ReplicaHealth, Replicator } from "#services/dht/Replicator"
import { RoutingTable, type TableContact } from "#services/dht/RoutingTable"
import { Identity } from "#services/identity/Identity"
import { Node, type PeerStatus } from "#services/node/Node"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { type Pin, PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"

/** Of what is kept, the health of so many is looked at for a status: it is read from the database each time. */
const LOOKED_AT = 1_000

/** As it was when it was last stored: this node has a copy of its own of what it keeps. */
const healthOf = ({ copies, factor }: Pin): ReplicaHealth => {
  if (copies < 0) return "unknown"
  if (copies === 0) return "critical"
  return copies + 1 >= factor ? "healthy" : "degraded"
}

const isRelay = ({ record }: Contact): boolean => (record.capabilities & ONION_RELAY) !== 0

const make = Effect.gen(function* () {
  const [identity, sessions, rpc] = [yield* Identity, yield* SessionManager, yield* Rpc]
  const [table, bootstrap, store] = [yield* RoutingTable, yield* Bootstrap, yield* RecordStore]
  const [membership, replicator, pins] = [yield* Membership, yield* Replicator, yield* PinStore]
  const backends = yield* Backends
  const started = yield* Clock.currentTimeMillis

  const replication = Effect.gen(function* () {
    const { averageReplication, keys, lastScrub, lastSync } = yield* replicator.metrics
    const counts: Record<ReplicaHealth, number> = { healthy: 0, degraded: 0, critical: 0, unknown: 0 }
    for (const pin of yield* pins.list(undefined, LOOKED_AT)) counts[healthOf(pin)]++
    const { critical, degraded, healthy } = counts
    const unknown = Math.max(0, keys - healthy - degraded - critical)
    return { kept: keys, healthy, degraded, critical, unknown, averageReplication, lastSync, lastScrub }
  })

  const peer = (contact: Contact, entry: TableContact | undefined, now: number): PeerStatus => {
    const session = sessions.find(contact.key)
    const [first] = contact.addresses
    const told = first === undefined ? "" : withPeer(first, contact.nodeId)
    return {
      nodeId: hexOf(contact.nodeId),
      address: session === undefined ? told : withPeer(session.address, contact.nodeId),
      bucket: table.bucketOf(contact.nodeId),
      inTable: entry !== undefined,
      relays: isRelay(contact),
      verifiedAt: entry !== undefined && Number.isFinite(entry.verifiedAt) ? entry.verifiedAt : null,
      failures: entry?.failures ?? 0,
      session: session === undefined ? null : sessionStatus(rpc, session, now)
    }
  }

  const peers = (now: number): ReadonlyArray<PeerStatus> => {
    const known = table.list().map((entry) => peer(entry.contact, entry, now))
    const others = sessions.list().filter(({ contact }) => table.find(contact.key) === undefined)
    return [...known, ...others.map(({ contact }) => peer(contact, undefined, now))].sort(
      (one, other) =>
        other.bucket - one.bucket ||
        (other.session?.sinceSeconds ?? -1) - (one.session?.sinceSeconds ?? -1) ||
        (one.nodeId < other.nodeId ? -1 : 1)
    )
  }

  return Node.of({
    status: Effect.gen(function* () {
      const usage = yield* store.usage()
      return {
        did: identity.did,
        nodeId: hexOf(identity.nodeId),
        version: VERSION,
        network: identity.networkName,
        local: identity.local,
        listening: sessions.listening().map(String),
        joined: bootstrap.isBootstrapped(),
        mode: membership.mode(),
        relays: isRelay(sessions.self()),
        sessions: sessions.stats().open,
        contacts: table.size(),
        records: usage.records,
        storedBytes: usage.bytes,
        replication: yield* replication,
        fallback: (yield* backends.status) ?? null,
        uptimeSeconds: Math.floor(((yield* Clock.currentTimeMillis) - started) / 1000),
        memoryBytes: process.memoryUsage.rss()
      }
    }),
    peers: Effect.map(Clock.currentTimeMillis, peers)
  })
})

export const layer = Layer.effect(Node, make)
