/** Peers, records and a routing table of the test's making, for the layers of the DHT taken one by one. */
import { Effect, Layer } from "effect"
import type { Contact } from "#core/identity/Contact"
import { contactOf } from "#core/identity/Contact"
import { networkIdOf, signArray } from "#core/identity/signature"
import { signPeerRecord } from "#core/identity/signPeerRecord"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as Mutable from "#schemas/dht/Mutable"
import * as Provider from "#schemas/dht/Provider"
import { DHT_SERVER, type PeerRecordFields } from "#schemas/identity/PeerRecord"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { RoutingTable } from "#services/dht/RoutingTable"

export const { suite } = NodeCrypto
export const networkId = networkIdOf(suite, "local")

const encoder = new TextEncoder()
export const signingOf = (name: string) => suite.signingKey(suite.sha256(encoder.encode(name)))

export const peer = (name: string, fields: Partial<PeerRecordFields> = {}): Contact =>
  signPeerRecord(suite, signingOf(name), networkId, {
    noise: suite.sha256(encoder.encode(`${name} noise`)),
    onion: suite.sha256(encoder.encode(`${name} onion`)),
    seq: 1,
    issued: 0,
    expires: 86_400,
    capabilities: DHT_SERVER,
    addresses: [],
    ...fields
  })

/** The same peer with a record that nobody signed. */
export const forged = (contact: Contact): Contact => {
  const bytes = contact.bytes.slice()
  bytes[bytes.length - 1]! ^= 1
  return contactOf(suite, contact.record, bytes)
}

export const mutable = (name: string, fields: Partial<Mutable.MutableFields> = {}): Uint8Array => {
  const signing = signingOf(name)
  const record = {
    author: signing.publicKey as PublicKey,
    salt: Uint8Array.of(1),
    seq: 1,
    issued: 0,
    expires: 1_000,
    value: Uint8Array.of(1, 2, 3),
    ...fields
  }
  return Mutable.write({ ...record, signature: signArray(signing, "mutable", networkId, Mutable.unsigned(record)) })
}

export const mutableKey = (name: string): Uint8Array =>
  suite.sha256(Mutable.keyPreimage(signingOf(name).publicKey, Uint8Array.of(1)))

export const provider = (name: string, key: Uint8Array, issued = 0, expires = 1_000): Uint8Array => {
  const signing = signingOf(name)
  const record = { key, node: signing.publicKey as PublicKey, issued, expires }
  return Provider.write({ ...record, signature: signArray(signing, "provider", networkId, Provider.unsigned(record)) })
}

/** A local node with the keys of `seed`. */
export const identity = (seed: string) =>
  KeyStoreIdentity.layer({ network: "main", local: true }).pipe(
    Layer.provideMerge(MemoryKeyStore.layer),
    Layer.provideMerge(SeededRandom.layer(seed)),
    Layer.provideMerge(NodeCrypto.layer)
  )

/** A table that knows these, all of them verified, and finds itself close or not as it is told. */
export const table = (contacts: ReadonlyArray<Contact>, isClose = true) =>
  Layer.effect(
    RoutingTable,
    Effect.sync(() =>
      RoutingTable.of({
        seen: () => {},
        failed: () => {},
        left: () => {},
        closest: (_, count = 20) => contacts.slice(0, count),
        shareable: (_, count = 20) => contacts.slice(0, count),
        find: () => undefined,
        whereabouts: () => undefined,
        list: () => contacts.map((contact) => ({ contact, verifiedAt: 1, lastSeen: 1, failures: 0 })),
        size: () => contacts.length,
        isClose: () => isClose,
        onChange: () => Effect.void,
        isShareable: () => true,
        bucketOf: () => 0,
        lookedUp: () => {},
        idle: () => [],
        tidy: () => 0
      })
    )
  )
