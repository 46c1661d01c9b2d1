/**
 * What a node says of itself are announcements (WIRE.md §6, kind 4): signed, a day long, under a name that others look
 * for. Roles and capabilities stand under names of their own, "role/…" and "cap/…".
 *
 * Each is pinned, so it is made anew at half of its life for as long as the node runs, after restarts too, until it is
 * withdrawn.
 */
import { Clock, Effect, Layer, Result } from "effect"
import { signAnnouncement } from "#core/dht/signRecord"
import { nodeIdOf } from "#core/identity/signature"
import { compareBytes, utf8 } from "#schemas/bytes/bytes"
import * as Announcement from "#schemas/dht/Announcement"
import { OPEN_NAMESPACE, RecordKind, SHORT_LIFETIME } from "#schemas/dht/Record"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht, InvalidRecord, type OperationOptions } from "#services/dht/Dht"
import { Membership, type Namespace, type RolePeer } from "#services/dht/Membership"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Serving } from "#services/dht/Serving"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { ConnectFailed, SessionManager } from "#services/session/SessionManager"
import { PinStore } from "#services/storage/PinStore"
import { RecordStore } from "#services/storage/RecordStore"

type InName = Pick<Namespace, "authority">

const KIND = RecordKind.Announcement

const ROLE = "role/"
const CAPABILITY = "cap/"

const isTooLong = (name: string): boolean => utf8(name).length > Announcement.NAME_LIMIT

export const make = Effect.gen(function* () {
  const [suite, identity] = [yield* Crypto, yield* Identity]
  const [dht, pins, records] = [yield* Dht, yield* PinStore, yield* RecordStore]
  const [sessions, table] = [yield* SessionManager, yield* RoutingTable]
  const [bootstrap, serving] = [yield* Bootstrap, yield* Serving]
  const clock = yield* Clock.Clock
  const started = clock.currentTimeMillisUnsafe()

  const keyOf = (name: string, namespace: InName = {}) =>
    suite.sha256(Announcement.keyPreimage(namespace.authority ?? OPEN_NAMESPACE, name))

  const announce = Effect.fn("AnnouncedMembership.announce")(function* (name: string, namespace: Namespace = {}) {
    if (isTooLong(name)) {
      const prefix = name.slice(0, name.indexOf("/") + 1)
      return yield* new InvalidRecord({
        reason: `"${prefix}" and a name have ${Announcement.NAME_LIMIT} bytes at most`
      })
    }
    const issued = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const record = signAnnouncement(identity, {
      authority: namespace.authority ?? OPEN_NAMESPACE,
      name,
      issued,
      expires: issued + SHORT_LIFETIME,
      grants: namespace.grants ?? []
    })
    return yield* dht.putRecord(KIND, record, { keep: true })
  })

  /** Nobody is told: what others hold of it lives out its day. */
  const withdraw = Effect.fnUntraced(function* (name: string, namespace?: InName) {
    const key = keyOf(name, namespace)
    yield* pins.remove(KIND, key)
    yield* records.remove(KIND, key, identity.publicKey)
  })

  const find = Effect.fn("AnnouncedMembership.find")(function* (name: string, options: OperationOptions & InName = {}) {
    if (isTooLong(name)) return []
    const found = yield* dht.getRecords(KIND, keyOf(name, options), options)
    const peers = found.flatMap(({ bytes }): ReadonlyArray<RolePeer> => {
      const read = Result.getOrUndefined(Announcement.read(bytes))
      if (read === undefined) return []
      const { expires, issued, node } = read
      return [{ nodeId: nodeIdOf(suite, node), publicKey: node, issued, expires }]
    })
    return peers.sort((a, b) => b.issued - a.issued || compareBytes(a.nodeId, b.nodeId))
  })

  return Membership.of({
    registerPeer: Effect.fnUntraced(function* (address) {
      if (address.peer === undefined) {
        const reason = "it does not end in /p2p/ and a node id"
        return yield* new ConnectFailed({ peer: address.text, layer: "address", reason })
      }
      const target = { nodeId: address.peer, addresses: [address], trusted: true }
      return (yield* sessions.connect(target)).contact.nodeId
    }),
    announceRole: (role, namespace) => announce(ROLE + role, namespace),
    announceCapability: (capability) => announce(CAPABILITY + capability),
    withdrawRole: (role, namespace) => withdraw(ROLE + role, namespace),
    withdrawCapability: (capability) => withdraw(CAPABILITY + capability),
    findPeersByRole: (role, options) => find(ROLE + role, options),
    findPeersByCapability: (capability, options) => find(CAPABILITY + capability, options),
    isBootstrapped: bootstrap.isBootstrapped,
    mode: serving.mode,
    stats: Effect.suspend(() => {
      const strangers = sessions.list().filter(({ contact }) => table.find(contact.key) === undefined)
      return Effect.map(records.usage(), (usage) => ({
        peers: table.size() + strangers.length,
        tableSize: table.size(),
        connected: sessions.stats().open,
        keys: usage.records,
        uptimeSeconds: Math.floor((clock.currentTimeMillisUnsafe() - started) / 1000),
        mode: serving.mode()
      }))
    })
  })
})

export const layer = Layer.effect(Membership, make)
