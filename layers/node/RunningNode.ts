/** The node's own view of itself, gathered from its services when somebody asks. */
import { Clock, Effect, Layer } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { VERSION } from "#schemas/node/version"
import { withPeer } from "#schemas/transport/Address"
import { Bootstrap } from "#services/dht/Bootstrap"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Identity } from "#services/identity/Identity"
import { Node, type PeerStatus } from "#services/node/Node"
import { Rpc } from "#services/rpc/Rpc"
import { type Session, SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"

const make = Effect.gen(function* () {
  const [identity, sessions, rpc] = [yield* Identity, yield* SessionManager, yield* Rpc]
  const [table, bootstrap, store] = [yield* RoutingTable, yield* Bootstrap, yield* RecordStore]
  const started = yield* Clock.currentTimeMillis

  const peer = (session: Session, now: number): PeerStatus => ({
    nodeId: hexOf(session.contact.nodeId),
    address: withPeer(session.address, session.contact.nodeId),
    dialled: session.dialled,
    sinceSeconds: Math.floor((now - session.since) / 1000),
    roundTripMillis: rpc.roundTrip(session.contact.key) ?? null,
    agent: rpc.hello(session)?.agent ?? null
  })

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
        sessions: sessions.stats().open,
        contacts: table.size(),
        records: usage.records,
        storedBytes: usage.bytes,
        uptimeSeconds: Math.floor(((yield* Clock.currentTimeMillis) - started) / 1000),
        memoryBytes: process.memoryUsage.rss()
      }
    }),
    peers: Effect.map(Clock.currentTimeMillis, (now) =>
      [...sessions.list()].sort((one, other) => one.since - other.since).map((session) => peer(session, now))
    )
  })
})

export const layer = Layer.effect(Node, make)
