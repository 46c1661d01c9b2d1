import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { PeerBook, type PeerRefusal } from "#core/identity/PeerBook"
import type { Suite } from "#core/identity/Suite"
import { networkIdOf, nodeIdOf } from "#core/identity/signature"
import { type OwnRecord, signPeerRecord } from "#core/identity/signPeerRecord"
import { VerifiedContacts } from "#core/identity/VerifiedContacts"
import { suite } from "#layers/identity/NodeCrypto"
import { compareBytes } from "#schemas/bytes/bytes"
import { parseAddress } from "#schemas/transport/Address"

const NOW = 1_800_000_000
const network = networkIdOf(suite, "test")
const signing = suite.signingKey(new Uint8Array(32).fill(1))
const address = Result.getOrThrow(parseAddress("/ip4/192.0.2.1/tcp/4001"))
const fields: OwnRecord = {
  noise: new Uint8Array(32).fill(2),
  onion: new Uint8Array(32).fill(3),
  seq: 7,
  issued: NOW,
  expires: NOW + 86_400,
  capabilities: 1,
  addresses: [address.bytes]
}
const signed = (change: Partial<OwnRecord> = {}, key = signing, id = network) =>
  signPeerRecord(suite, key, id, { ...fields, ...change })
const refusal = (result: Result.Result<unknown, PeerRefusal>) => (Result.isFailure(result) ? result.failure : undefined)

/** Counts what is dear. */
const counted = (shared?: VerifiedContacts) => {
  const count = { hashes: 0, verified: 0 }
  const counting: Suite = {
    ...suite,
    sha256: (bytes) => {
      count.hashes++
      return suite.sha256(bytes)
    },
    verify: (...given) => {
      count.verified++
      return suite.verify(...given)
    }
  }
  return { book: new PeerBook(counting, network, { shared }), count }
}

describe("PeerBook", () => {
  it("admits a record with its node id and readable addresses", () => {
    const own = signed({ addresses: [address.bytes, Uint8Array.of(255, 255)] })
    const contact = Result.getOrThrow(new PeerBook(suite, network).admit(own.bytes, NOW))
    assert.deepEqual([...contact.nodeId], [...nodeIdOf(suite, signing.publicKey)])
    assert.deepEqual(contact.addresses.map(String), ["/ip4/192.0.2.1/tcp/4001"])
    assert.strictEqual(contact.record.seq, 7)
    assert.strictEqual(contact.addresses, contact.addresses, "parsed once")
  })

  it("a record seen before costs neither a hash nor a signature check, and gives the same contact", () => {
    const { book, count } = counted()
    const { bytes } = signed()
    const first = Result.getOrThrow(book.admit(bytes, NOW))
    const before = { ...count }
    assert.strictEqual(Result.getOrThrow(book.admit(new Uint8Array(bytes), NOW)), first)
    assert.deepEqual(count, before)
    assert.strictEqual(count.verified, 1)
  })

  it("keeps its own copy of what it admitted", () => {
    const book = new PeerBook(suite, network)
    const bytes = new Uint8Array(signed().bytes)
    const contact = Result.getOrThrow(book.admit(bytes, NOW))
    bytes.fill(0)
    assert.strictEqual(Result.getOrThrow(book.admit(signed().bytes, NOW)), contact)
    assert.strictEqual(contact.record.noise[0], 2)
  })

  it("any changed byte is refused, also where the true record is known", () => {
    const known = new PeerBook(suite, network)
    const { bytes } = signed()
    known.admit(bytes, NOW)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte))
      for (const book of [known, new PeerBook(suite, network)]) {
        assert.isTrue(Result.isFailure(book.admit(changed, NOW)), `byte ${at}`)
      }
    }
  })

  it("refuses what is signed for another network, or is no PeerRecord", () => {
    const book = new PeerBook(suite, network)
    assert.strictEqual(refusal(book.admit(signed({}, signing, networkIdOf(suite, "other")).bytes, NOW)), "forged")
    assert.strictEqual(refusal(book.admit(new Uint8Array(), NOW)), "malformed")
    assert.strictEqual(refusal(book.admit(signed().bytes.subarray(0, 100), NOW)), "malformed")
    assert.strictEqual(refusal(book.admit(new Uint8Array(70_000), NOW)), "malformed")
    assert.strictEqual(book.size, 0)
  })

  it("refuses by time at ten minutes of skew, known or not, and lifetimes above 30 days", () => {
    const book = new PeerBook(suite, network)
    const { bytes } = signed()
    assert.strictEqual(refusal(book.admit(bytes, NOW - 601)), "premature")
    for (let round = 0; round < 2; round++) {
      assert.isUndefined(refusal(book.admit(bytes, NOW - 600)))
      assert.isUndefined(refusal(book.admit(bytes, fields.expires + 599)))
      assert.strictEqual(refusal(book.admit(bytes, fields.expires + 600)), "expired")
    }
    assert.strictEqual(refusal(book.admit(signed({ expires: NOW + 30 * 86_400 + 1 }).bytes, NOW)), "malformed")
    assert.strictEqual(refusal(book.admit(signed({ expires: NOW }).bytes, NOW)), "malformed")
  })

  it("keeps the greater seq; at equal seq the lower SHA-256, whichever came first", () => {
    const older = signed({ seq: 6 }).bytes
    const [low, high] = [signed(), signed({ capabilities: 2 })]
      .map(({ bytes }) => bytes)
      .sort((a, b) => compareBytes(suite.sha256(a), suite.sha256(b)))
    const book = new PeerBook(suite, network)
    assert.isUndefined(refusal(book.admit(older, NOW)))
    assert.isUndefined(refusal(book.admit(high!, NOW)))
    assert.isUndefined(refusal(book.admit(low!, NOW)))
    for (const bytes of [older, high!]) assert.strictEqual(refusal(book.admit(bytes, NOW)), "too-old")
    assert.deepEqual([...book.find(signing.publicKey)!.bytes], [...low!])
  })

  it("a forged newer record does not displace the known one", () => {
    const book = new PeerBook(suite, network)
    const known = Result.getOrThrow(book.admit(signed().bytes, NOW))
    const forged = new Uint8Array(signed({ seq: 8 }).bytes)
    forged[forged.length - 1]! ^= 1
    assert.strictEqual(refusal(book.admit(forged, NOW)), "forged")
    assert.strictEqual(book.find(signing.publicKey), known)
  })

  it("finds the newest record of a node by its id, and none of one that it does not know", () => {
    const book = new PeerBook(suite, network)
    const other = signed({}, suite.signingKey(new Uint8Array(32).fill(9)))
    for (const { bytes } of [other, signed({ seq: 6 }), signed()]) book.admit(bytes, NOW)
    const { key } = signed()
    assert.strictEqual(book.findNode(key)?.record.seq, 7)
    assert.strictEqual(book.findNode(key), book.find(signing.publicKey))
    assert.strictEqual(book.findNode(other.key)?.key, other.key)
    assert.isUndefined(book.findNode("0".repeat(32)))
    assert.strictEqual(book.findNode(key, NOW)?.record.seq, 7)
    assert.isUndefined(book.findNode(key, NOW + 1), "nobody has sent it since")
  })

  it("holds no more than its limit, and lets go of the least recently seen", () => {
    const book = new PeerBook(suite, network, { limit: 3 })
    const records = [1, 2, 3, 4].map((byte) => signed({}, suite.signingKey(new Uint8Array(32).fill(byte))))
    for (const { bytes } of records.slice(0, 3)) book.admit(bytes, NOW)
    book.admit(records[0]!.bytes, NOW)
    book.admit(records[3]!.bytes, NOW)
    assert.strictEqual(book.size, 3)
    assert.deepEqual(
      records.map(({ publicKey }) => book.find(publicKey) !== undefined),
      [true, false, true, true]
    )
  })
})

describe("books that share what they verified", () => {
  it("verify a record once and hold one contact, each judging its time and age itself", () => {
    const shared = new VerifiedContacts()
    const [one, other] = [counted(shared), counted(shared)]
    const { bytes } = signed()
    const contact = Result.getOrThrow(one.book.admit(bytes, NOW))
    assert.strictEqual(refusal(other.book.admit(bytes, fields.expires + 600)), "expired")
    assert.strictEqual(Result.getOrThrow(other.book.admit(new Uint8Array(bytes), NOW)), contact)
    assert.deepStrictEqual([one.count.verified, other.count.verified, shared.size], [1, 0, 1])
    assert.strictEqual(one.book.size + other.book.size, 2)
    assert.isUndefined(refusal(other.book.admit(signed({ seq: 8 }).bytes, NOW)))
    assert.strictEqual(refusal(other.book.admit(bytes, NOW)), "too-old")
  })

  it("never take a forged record, or one of another network, from each other", () => {
    const shared = new VerifiedContacts()
    const known = new PeerBook(suite, network, { shared })
    const { bytes } = signed()
    for (const at of [5, 80, bytes.length - 40, bytes.length - 1]) {
      const forged = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte))
      assert.isTrue(Result.isFailure(known.admit(forged, NOW)))
      known.admit(bytes, NOW)
      assert.isTrue(Result.isFailure(new PeerBook(suite, network, { shared }).admit(forged, NOW)), `byte ${at}`)
    }
    assert.strictEqual(shared.size, 1)
    const elsewhere = new PeerBook(suite, networkIdOf(suite, "other"), { shared })
    assert.strictEqual(refusal(elsewhere.admit(bytes, NOW)), "forged")
  })

  it("remember no more than the limit", () => {
    const shared = new VerifiedContacts(2)
    const book = new PeerBook(suite, network, { shared })
    const records = [1, 2, 3].map((seq) => signed({ seq }).bytes)
    for (const bytes of records) book.admit(bytes, NOW)
    assert.strictEqual(shared.size, 2)
    const { book: fresh, count } = counted(shared)
    fresh.admit(records[0]!, NOW)
    assert.strictEqual(count.verified, 1)
    fresh.admit(records[2]!, NOW)
    assert.strictEqual(count.verified, 1)
  })
})

describe("PeerBook, after a while", () => {
  it("forgets whose record nobody sent for so long, but for those that are kept", () => {
    const book = new PeerBook(suite, network)
    const keys = [1, 2, 3, 4].map((n) => suite.signingKey(new Uint8Array(32).fill(n)))
    const [stale, kept, fresh, again] = keys.map((key) => signed({}, key))
    for (const [contact, at] of [
      [stale!, 0],
      [kept!, 1],
      [again!, 2],
      [fresh!, 100],
      [again!, 101]
    ] as const)
      book.admit(contact.bytes, NOW + at)
    assert.strictEqual(
      book.forget(NOW + 100, ({ key }) => key === kept!.key),
      1
    )
    assert.isUndefined(book.find(stale!.publicKey))
    for (const contact of [kept!, fresh!, again!]) assert.isDefined(book.find(contact.publicKey))
    assert.strictEqual(book.size, 3)
  })
})

describe("signPeerRecord", () => {
  it("takes the first addresses that fit eight and 1 KiB", () => {
    assert.lengthOf(signed({ addresses: Array.from({ length: 12 }, () => address.bytes) }).record.addresses, 8)
    const long = signed({ addresses: Array.from({ length: 8 }, (_, index) => new Uint8Array(300).fill(index)) })
    assert.deepEqual(
      long.record.addresses.map((bytes) => bytes[0]),
      [0, 1]
    )
    assert.isAtMost(long.bytes.length, 1024)
  })
})
