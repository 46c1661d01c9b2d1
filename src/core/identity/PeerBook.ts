/**
 * The PeerRecords whose signature this node has verified, known by their bytes.
 *
 * Answers of the DHT carry up to twenty records, nearly all of them seen before; verifying them anew would cost 2 ms an
 * answer. So a record is looked up by the public key at its fixed offset and compared whole: half a microsecond, no
 * hash, no parsing. Every key keeps its newest record only, and the least recently seen key makes room.
 */
import { Result } from "effect"
import { compareBytes, equalBytes, keyOf } from "#schemas/bytes/bytes"
import { LIFETIME } from "#schemas/dht/Record"
import { type PeerRecordFields, read, SIGNATURE_INDEX } from "#schemas/identity/PeerRecord"
import { type Contact, contactOf } from "./Contact.ts"
import type { Suite } from "./Suite.ts"
import { verifyRecord } from "./signature.ts"
import { PEER_LABEL } from "./signPeerRecord.ts"
import type { VerifiedContacts } from "./VerifiedContacts.ts"

/** Records kept: some 2 KiB each, and more peers than a table of 20 a bucket ever holds. */
export const PEER_BOOK_LIMIT = 4096

/** Seconds by which clocks may differ (WIRE §3 and §6). */
export const CLOCK_SKEW = 600

/**
 * Seconds within which a key that comes again keeps its place, while nobody has to make room for long: nearly all that
 * come do so many times a minute.
 */
const SEEN_ANEW = 60

/**
 * `malformed` not a PeerRecord, or one that lives longer than it may · `expired` · `premature` issued in the future ·
 * `too-old` a newer one of this key is known · `forged` the signature is not of this key, for this network.
 */
export type PeerRefusal = "malformed" | "expired" | "premature" | "too-old" | "forged"

/** Array head of up to 23 elements, kind 3, head of 32 bytes; then the public key. */
const KEY_START = 4
const KEY_END = KEY_START + 32

const startsAsPeerRecord = (bytes: Uint8Array): boolean =>
  bytes.length > KEY_END && bytes[1] === 3 && bytes[2] === 0x58 && bytes[3] === 0x20

interface Known {
  readonly contact: Contact
  /** Unix seconds: when its record last came, from whomever. */
  readonly seenAt: number
}

export interface PeerBookOptions {
  readonly limit?: number
  /** What other nodes of this process have verified, and this one verifies for them. */
  readonly shared?: VerifiedContacts | undefined
}

export class PeerBook {
  readonly #suite: Suite
  readonly #networkId: Uint8Array
  readonly #network: string
  readonly #shared: VerifiedContacts | undefined
  readonly #limit: number
  /** By public key, least recently seen first. */
  readonly #contacts = new Map<string, Known>()

  constructor(suite: Suite, networkId: Uint8Array, { limit = PEER_BOOK_LIMIT, shared }: PeerBookOptions = {}) {
    this.#suite = suite
    this.#networkId = networkId
    this.#network = keyOf(networkId)
    this.#limit = limit
    this.#shared = shared
  }

  get size(): number {
    return this.#contacts.size
  }

  get limit(): number {
    return this.#limit
  }

  /** The newest record of this key, not looked at for expiry. */
  find(publicKey: Uint8Array): Contact | undefined {
    return this.#contacts.get(keyOf(publicKey))?.contact
  }

  /**
   * The same by `contact.key`, if it came at `since` (unix seconds) or later. Looks through all of them, some 20 µs: for
   * whoever is about to dial, say.
   */
  findNode(key: string, since = Number.NEGATIVE_INFINITY): Contact | undefined {
    for (const { contact, seenAt } of this.#contacts.values()) {
      if (contact.key === key) return seenAt >= since ? contact : undefined
    }
    return undefined
  }

  /** `now` in unix seconds. The same bytes give the same Contact; `bytes` are copied where they are kept. */
  admit(bytes: Uint8Array, now: number): Result.Result<Contact, PeerRefusal> {
    if (startsAsPeerRecord(bytes)) {
      const key = keyOf(bytes.subarray(KEY_START, KEY_END))
      const known = this.#contacts.get(key)
      if (known !== undefined && equalBytes(known.contact.bytes, bytes)) {
        const { contact } = known
        const refusal = untimely(contact.record, now)
        if (refusal !== undefined) return Result.fail(refusal)
        if (now - known.seenAt >= SEEN_ANEW || this.#contacts.size * 2 > this.#limit) {
          this.#contacts.delete(key)
          this.#contacts.set(key, { contact, seenAt: now })
        }
        return Result.succeed(contact)
      }
    }
    return this.#examine(bytes, now)
  }

  /** Drops whose record nobody has sent since `before`, but for those that are kept; says how many. */
  forget(before: number, isKept: (contact: Contact) => boolean): number {
    let dropped = 0
    for (const [key, { contact, seenAt }] of this.#contacts) {
      if (seenAt >= before || isKept(contact)) continue
      this.#contacts.delete(key)
      dropped++
    }
    return dropped
  }

  /** Cheapest first; whatever is refused before the signature was looked at is only refused, never believed. */
  #examine(received: Uint8Array, now: number): Result.Result<Contact, PeerRefusal> {
    const shared = this.#shared?.find(this.#network, received)
    if (shared === undefined && Result.isFailure(read(received))) return Result.fail("malformed")
    const bytes = shared?.bytes ?? new Uint8Array(received)
    const record = shared?.record ?? Result.getOrThrow(read(bytes))
    const refusal = untimely(record, now)
    if (refusal !== undefined) return Result.fail(refusal)
    const key = keyOf(record.publicKey)
    const known = this.#contacts.get(key)?.contact
    if (known !== undefined && !this.#isNewer(record, bytes, known)) return Result.fail("too-old")
    if (shared === undefined && !this.#isSigned(record, bytes)) return Result.fail("forged")
    const contact = shared ?? contactOf(this.#suite, record, bytes)
    if (shared === undefined) this.#shared?.add(this.#network, contact)
    this.#contacts.delete(key)
    if (this.#contacts.size >= this.#limit) this.#contacts.delete(this.#contacts.keys().next().value ?? "")
    this.#contacts.set(key, { contact, seenAt: now })
    return Result.succeed(contact)
  }

  #isSigned(record: PeerRecordFields, bytes: Uint8Array): boolean {
    return verifyRecord(this.#suite, PEER_LABEL, this.#networkId, record.publicKey, bytes, SIGNATURE_INDEX)
  }

  /** Of two with one `seq` the lower SHA-256 wins, so that all nodes keep the same one. */
  #isNewer(record: PeerRecordFields, bytes: Uint8Array, known: Contact): boolean {
    if (record.seq !== known.record.seq) return record.seq > known.record.seq
    return compareBytes(this.#suite.sha256(bytes), this.#suite.sha256(known.bytes)) < 0
  }
}

const untimely = ({ expires, issued }: PeerRecordFields, now: number): PeerRefusal | undefined => {
  if (expires <= issued || expires - issued > LIFETIME) return "malformed"
  if (issued > now + CLOCK_SKEW) return "premature"
  return expires + CLOCK_SKEW <= now ? "expired" : undefined
}
