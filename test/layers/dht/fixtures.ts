/** Peers, records and a routing table of the test's making, for the layers of the DHT taken one by one. */
import { Effect, Layer } from "effect"
import { signAnnouncement, signGrant, signName } from "#core/dht/signRecord"
import type { Contact } from "#core/identity/Contact"
import { contactOf } from "#core/identity/Contact"
import { networkIdOf, signArray } from "#core/identity/signature"
import { signPeerRecord } from "#core/identity/signPeerRecord"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as Announcement from "#schemas/dht/Announcement"
import type * as Grant from "#schemas/dht/Grant"
import * as KeyPackages from "#schemas/dht/KeyPackages"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import * as Provider from "#schemas/dht/Provider"
import { OPEN_NAMESPACE } from "#schemas/dht/Record"
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

/** An entry that `author` makes under a plain name, in the open namespace unless another authority is given. */
export const name = (author: string, called: string, fields: Partial<Name.NameFields> = {}): Uint8Array =>
  signName(
    { signing: signingOf(author), networkId },
    {
      authority: OPEN_NAMESPACE,
      digest: suite.sha256(encoder.encode(called)),
      seq: 1,
      issued: 0,
      expires: 1_000,
      value: Uint8Array.of(1, 2, 3),
      grants: [],
      ...fields
    }
  )

export const nameKey = (called: string, authority: Uint8Array = OPEN_NAMESPACE): Uint8Array =>
  suite.sha256(Name.keyPreimage(authority, suite.sha256(encoder.encode(called))))

/** That `issuer` gives to `subject`, both by name. */
export const grant = (issuer: string, subject: string, fields: Partial<Grant.UnsignedGrant> = {}): Uint8Array =>
  signGrant(
    { signing: signingOf(issuer), networkId },
    {
      subject: signingOf(subject).publicKey,
      role: 2,
      scope: signingOf(issuer).publicKey,
      issued: 0,
      expires: 1_000,
      ...fields
    }
  )

export const announcement = (
  node: string,
  called: string,
  fields: Partial<Announcement.UnsignedAnnouncement> = {}
): Uint8Array =>
  signAnnouncement(
    { signing: signingOf(node), networkId },
    { authority: OPEN_NAMESPACE, name: called, issued: 0, expires: 1_000, grants: [], ...fields }
  )

export const announcementKey = (called: string, authority: Uint8Array = OPEN_NAMESPACE): Uint8Array =>
  suite.sha256(Announcement.keyPreimage(authority, called))

/** Of a kind that no node judges by itself. */
export const keyPackages = (of: string, fields: Partial<KeyPackages.UnsignedKeyPackages> = {}): Uint8Array => {
  const signing = signingOf(of)
  const times = { seq: 1, issued: 0, expires: 1_000 }
  const record = { publicKey: signing.publicKey, ...times, inbox: new Uint8Array(32), packages: [], ...fields }
  const signature = signArray(signing, "keypackage", networkId, KeyPackages.unsigned(record))
  return KeyPackages.write({ ...record, signature })
}

/** A node with the keys of `seed`, a local one unless said otherwise, and the book of peers that it knows. */
export const identity = (seed: string, local = true) =>
  VerifiedPeers.layer.pipe(
    Layer.provideMerge(KeyStoreIdentity.layer({ network: local ? "main" : "local", local })),
    Layer.provideMerge(MemoryKeyStore.layer),
    Layer.provideMerge(SeededRandom.layer(seed)),
    Layer.provideMerge(NodeCrypto.layer)
  )

/** A table that knows these, all of them verified, and finds itself close or not as it is told. */
export const table = (
  contacts: ReadonlyArray<Contact>,
  isClose = true,
  overrides: Partial<RoutingTable["Service"]> = {}
) =>
  Layer.effect(
    RoutingTable,
    Effect.sync(() =>
      RoutingTable.of({
        restore: () => {},
        seen: () => {},
        failed: () => {},
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
        tidy: () => 0,
        ...overrides
      })
    )
  )
