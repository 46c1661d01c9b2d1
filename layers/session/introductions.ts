/** What both ends tell each other of themselves inside a handshake, and how it is judged (WIRE.md §3). */
import { Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { PeerBook, PeerRefusal } from "#core/identity/PeerBook"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { read } from "#schemas/identity/PeerRecord"
import { handshakeMessageTo, readHandshakeMessage } from "#schemas/session/HandshakeMessage"
import { type HelloFields, OBSERVED_LIMIT } from "#schemas/session/Hello"
import type { Address } from "#schemas/transport/Address"
import type { Refusal } from "./Handshaker.ts"

/** Who shook hands. */
export interface Introduced {
  readonly contact: Contact
  /** Of the run of the peer's program, as a map key. */
  readonly boot: string
  readonly hello: HelloFields
}

export interface Introducer {
  /** What this node says of itself to a peer that it sees at this address, in parts. */
  readonly own: (observed: Address) => ReadonlyArray<Uint8Array>
  /**
   * The peer behind the payload of a handshake message. `remoteStatic` is the key that the handshake authenticated:
   * it must be the one in the signed record, which binds identity, network and key together.
   */
  readonly judge: (
    payload: Uint8Array,
    remoteStatic: Uint8Array | undefined,
    expected: NodeId | undefined
  ) => Introduced | Refusal
}

export interface IntroducerOptions {
  readonly self: () => Contact
  readonly boot: Uint8Array
  /** What goes along with this record. */
  readonly hello: (self: Contact) => Omit<HelloFields, "observed">
  readonly book: PeerBook
  /** Unix milliseconds. */
  readonly now: () => number
  readonly isBanned: (key: string) => boolean
}

const NOWHERE = new Uint8Array(0)

const REASONS: Record<Exclude<PeerRefusal, "too-old">, Refusal> = {
  malformed: "record malformed",
  expired: "record expired",
  premature: "record premature",
  forged: "record forged"
}

export const makeIntroducer = (options: IntroducerOptions): Introducer => {
  const { book, boot, hello, isBanned, now, self } = options

  /** A record that is older than one already known is no offence: the peer renewed it meanwhile, and the newer counts. */
  const admit = (record: Uint8Array): Contact | Refusal => {
    const admitted = book.admit(record, Math.floor(now() / 1000))
    if (Result.isSuccess(admitted)) return admitted.success
    if (admitted.failure !== "too-old") return REASONS[admitted.failure]
    const known = Result.isSuccess(read(record)) ? book.find(Result.getOrThrow(read(record)).publicKey) : undefined
    return known ?? "record malformed"
  }

  let shown: { readonly contact: Contact; readonly messageTo: ReturnType<typeof handshakeMessageTo> } | undefined
  /** Written once for each record of this node, but for the address. */
  const own: Introducer["own"] = ({ bytes }) => {
    const contact = self()
    if (shown?.contact !== contact) {
      shown = { contact, messageTo: handshakeMessageTo(contact.bytes, boot, hello(contact)) }
    }
    return shown.messageTo(bytes.length <= OBSERVED_LIMIT ? bytes : NOWHERE)
  }

  let seenAt = NOWHERE
  /** A copy, for the view would keep the whole message that it came in; and nearly all peers see this node at one place. */
  const kept = (observed: Uint8Array): Uint8Array => {
    if (!equalBytes(observed, seenAt)) seenAt = new Uint8Array(observed)
    return seenAt
  }

  return {
    own,
    judge: (payload, remoteStatic, expected) => {
      const message = readHandshakeMessage(payload)
      if (Result.isFailure(message)) return "malformed"
      const contact = admit(message.success.record)
      if (typeof contact === "string") return contact
      if (remoteStatic !== undefined && !equalBytes(contact.record.noise, remoteStatic)) {
        return "other static key"
      }
      if (contact.key === self().key) return "own node"
      if (expected !== undefined && !equalBytes(contact.nodeId, expected)) return "wrong peer"
      if (isBanned(contact.key)) return "banned"
      const { hello } = message.success
      return { contact, boot: keyOf(message.success.boot), hello: { ...hello, observed: kept(hello.observed) } }
    }
  }
}
