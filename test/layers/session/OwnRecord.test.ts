import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { PeerBook } from "#core/identity/PeerBook"
import { networkIdOf, nodeIdOf } from "#core/identity/signature"
import { OnionKeys } from "#core/onion/OnionKeys"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { OwnRecord } from "#layers/session/OwnRecord"
import { DHT_SERVER, NAT_RELAY, ONION_RELAY } from "#schemas/identity/PeerRecord"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { at } from "../../laws/sessionWorld.ts"

const { suite } = NodeCrypto
const HOUR = 3_600_000
const NOW = 1_700_000_000_000

const make = (local: boolean, serving = DHT_SERVER) => {
  const signing = suite.signingKey(new Uint8Array(32).fill(1))
  const agreement = suite.agreementKey(new Uint8Array(32).fill(2))
  const networkName = "main"
  const networkId = networkIdOf(suite, networkName)
  const identity = {
    publicKey: signing.publicKey as PublicKey,
    nodeId: nodeIdOf(suite, signing.publicKey),
    did: "did:key:z",
    signing,
    pseudonym: () => signing,
    noise: agreement,
    onionKeys: new OnionKeys(agreement, NOW / 1000),
    networkName,
    networkId,
    local
  }
  const own = new OwnRecord({ suite, identity, capabilities: serving | NAT_RELAY, serving, lifetime: 24 * HOUR }, NOW)
  return { own, identity, book: new PeerBook(suite, networkId) }
}

const texts = (own: OwnRecord) => own.contact.addresses.map((address) => address.text)

describe("OwnRecord", () => {
  it("is admitted by others, and each new one replaces the last", () => {
    const { book, own } = make(true)
    for (let turn = 0; turn < 3; turn++) {
      own.listenAt([at(`/ip4/127.0.0.1/tcp/${turn + 1}`)], NOW)
      const admitted = Result.getOrThrow(book.admit(own.contact.bytes, NOW / 1000))
      assert.strictEqual(admitted.record.seq, own.contact.record.seq)
    }
    assert.deepStrictEqual(texts(own), ["/ip4/127.0.0.1/tcp/3"])
  })

  it("is signed anew at half of its life, not before", () => {
    const { own } = make(true)
    const first = own.contact
    own.sweep(NOW + 12 * HOUR - 1)
    assert.strictEqual(own.contact, first)
    own.sweep(NOW + 12 * HOUR)
    assert.isAbove(own.contact.record.expires, first.record.expires)
  })

  it("shows the onion key of the day", () => {
    const { identity, own } = make(true)
    const fresh = suite.agreementKey(new Uint8Array(32).fill(3))
    assert.isFalse(own.sweep(NOW + 12 * HOUR), "a record that is only renewed need not be told")
    identity.onionKeys.rotate(fresh, NOW / 1000)
    assert.isTrue(own.sweep(NOW + 12 * HOUR + 1_000))
    assert.deepStrictEqual([...own.contact.record.onion], [...fresh.publicKey])
    const shown = own.contact
    assert.isFalse(own.sweep(NOW + 12 * HOUR + 2_000))
    assert.strictEqual(own.contact, shown)
  })

  it("says that it serves as long as it is told to, and is signed anew only for a change", () => {
    const { own } = make(true)
    const first = own.contact
    own.setServing((first.record.capabilities & DHT_SERVER) !== 0, NOW)
    assert.strictEqual(own.contact, first)
    for (const serving of [true, false, true]) {
      const before = own.contact.record
      own.setServing(serving, NOW)
      assert.strictEqual((own.contact.record.capabilities & DHT_SERVER) !== 0, serving)
      assert.isAtLeast(own.contact.record.seq, before.seq)
    }
    assert.isAbove(own.contact.record.seq, first.record.seq)
    // What else it is capable of does not change with it.
    assert.strictEqual(own.contact.record.capabilities & ~DHT_SERVER, NAT_RELAY)
  })

  it("offers to relay exactly while it serves, if it ever does", () => {
    for (const [bits, relays] of [[DHT_SERVER | ONION_RELAY, true] as const, [DHT_SERVER, false] as const]) {
      const { own } = make(true, bits)
      for (const serving of [true, false, true]) {
        own.setServing(serving, NOW)
        assert.strictEqual((own.contact.record.capabilities & ONION_RELAY) !== 0, serving && relays)
      }
    }
  })

  it("names private addresses in a local network only, and confirmed ones first", () => {
    for (const local of [true, false]) {
      const { own } = make(local)
      own.listenAt([at("/ip4/192.168.1.5/tcp/7"), at("/ip4/198.51.100.7/tcp/7")], NOW)
      own.addExternal(at("/ip4/203.0.113.9/tcp/7"), NOW)
      own.addExternal(at("/ip4/203.0.113.9/tcp/7"), NOW)
      const everyone = ["/ip4/203.0.113.9/tcp/7", "/ip4/198.51.100.7/tcp/7"]
      assert.deepStrictEqual(
        texts(own),
        local ? ["/ip4/203.0.113.9/tcp/7", "/ip4/192.168.1.5/tcp/7", "/ip4/198.51.100.7/tcp/7"] : everyone
      )
      assert.strictEqual(own.listening.length, 2)
    }
  })

  it("keeps a bounded number of confirmed addresses, the latest", () => {
    const { own } = make(true)
    for (let n = 1; n < 20; n++) own.addExternal(at(`/ip4/203.0.113.${n}/tcp/7`), NOW)
    assert.strictEqual(texts(own).length, 4)
    assert.strictEqual(texts(own)[0], "/ip4/203.0.113.19/tcp/7")
  })
})
