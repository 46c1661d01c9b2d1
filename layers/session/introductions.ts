/** What both ends tell each other of themselves inside a handshake, and how it is judged (WIRE.md §3). */
import { Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { PeerBook, PeerRefusal } from "#core/identity/PeerBook"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { read } from "#schemas/identity/PeerRecord"
import { readHandshakeMessage, writeHandshakeMessage } from "#schemas/session/HandshakeMessage"
import { HandshakeFailed } from "./Handshaker.ts"

export interface Introducer {
  readonly own: () => Uint8Array
  /**
   * The peer behind the payload of a handshake message. `remoteStatic` is the key that the handshake authenticated:
   * it must be the one in the signed record, which binds identity, network and key together.
   */
  readonly judge: (
    payload: Uint8Array,
    remoteStatic: Uint8Array | undefined,
    expected: NodeId | undefined
  ) => Result.Result<{ readonly contact: Contact; readonly boot: string }, HandshakeFailed>
}

export interface IntroducerOptions {
  readonly self: () => Contact
  readonly boot: Uint8Array
  readonly book: PeerBook
  /** Unix milliseconds. */
  readonly now: () => number
  readonly isBanned: (key: string) => boolean
}

const refuse = (reason: HandshakeFailed["reason"]) => Result.fail(new HandshakeFailed({ reason }))

const REASONS: Record<Exclude<PeerRefusal, "too-old">, HandshakeFailed["reason"]> = {
  malformed: "record malformed",
  expired: "record expired",
  premature: "record premature",
  forged: "record forged"
}

export const makeIntroducer = (options: IntroducerOptions): Introducer => {
  const { book, boot, isBanned, now, self } = options

  /** A record that is older than one already known is no offence: the peer renewed it meanwhile, and the newer counts. */
  const admit = (record: Uint8Array): Result.Result<Contact, HandshakeFailed> => {
    const admitted = book.admit(record, Math.floor(now() / 1000))
    if (Result.isSuccess(admitted)) return Result.succeed(admitted.success)
    if (admitted.failure !== "too-old") return refuse(REASONS[admitted.failure])
    const known = Result.isSuccess(read(record)) ? book.find(Result.getOrThrow(read(record)).publicKey) : undefined
    return known === undefined ? refuse("record malformed") : Result.succeed(known)
  }

  let shown: { readonly contact: Contact; readonly message: Uint8Array } | undefined
  /** Written once for each record of this node. */
  const own = (): Uint8Array => {
    const contact = self()
    if (shown?.contact !== contact) shown = { contact, message: writeHandshakeMessage({ record: contact.bytes, boot }) }
    return shown.message
  }

  return {
    own,
    judge: (payload, remoteStatic, expected) => {
      const message = readHandshakeMessage(payload)
      if (Result.isFailure(message)) return refuse("malformed")
      const admitted = admit(message.success.record)
      if (Result.isFailure(admitted)) return Result.fail(admitted.failure)
      const contact = admitted.success
      if (remoteStatic !== undefined && !equalBytes(contact.record.noise, remoteStatic)) {
        return refuse("other static key")
      }
      if (contact.key === self().key) return refuse("own node")
      if (expected !== undefined && !equalBytes(contact.nodeId, expected)) return refuse("wrong peer")
      if (isBanned(contact.key)) return refuse("banned")
      return Result.succeed({ contact, boot: keyOf(message.success.boot) })
    }
  }
}
