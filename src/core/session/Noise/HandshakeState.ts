/**
 * The XX handshake: both sides show their static keys, encrypted, in three messages (Noise revision 34, section 7.5).
 *
 *     → e
 *     ← e, ee, s, es
 *     → s, se
 *
 * A state machine without input and output: the caller makes the ephemeral key, moves the messages and judges what
 * they carry. After any failure it is dead, because its transcript no longer matches the other side's. Two ends take
 * six agreements, two ephemeral keys and four imports of public keys; all else is a fifth of the time.
 */
import { Result } from "effect"
import { type AgreementKey, KEY_LENGTH, type Suite } from "#core/identity/Suite"
import { concatBytes } from "#schemas/bytes/bytes"
import type { CipherState } from "./CipherState.ts"
import { type NoiseHash, SymmetricState, sha256Of } from "./SymmetricState.ts"

export type Role = "initiator" | "responder"

/** Why a handshake ended. Only `out of turn` and `too long` when writing can be this side's own doing. */
export type HandshakeFailure = "out of turn" | "too short" | "too long" | "zero agreement" | "not authentic"

type Token = "e" | "s" | "ee" | "es" | "se"

const MESSAGES: ReadonlyArray<ReadonlyArray<Token>> = [["e"], ["e", "ee", "s", "es"], ["s", "se"]]

/** Noise's limit for any message, tag included. */
const MESSAGE_LIMIT = 65_535

export interface Options {
  readonly suite: Suite
  readonly role: Role
  readonly prologue: Uint8Array
  readonly staticKey: AgreementKey
  /** Made for this handshake alone. */
  readonly ephemeralKey: AgreementKey
  /** SHA-256 unless said otherwise. */
  readonly hash?: NoiseHash
}

export interface Ciphers {
  readonly send: CipherState
  readonly receive: CipherState
}

export interface HandshakeState {
  /** The next message with this payload; payloads of the first travel in clear. */
  readonly writeMessage: (payload: Uint8Array) => Result.Result<Uint8Array, HandshakeFailure>
  /** The payload of the other side's next message. It may be a view of `message`. */
  readonly readMessage: (message: Uint8Array) => Result.Result<Uint8Array, HandshakeFailure>
  /** Authenticated once the message that carried it was read. */
  readonly remoteStatic: Uint8Array | undefined
  readonly handshakeHash: Uint8Array
  readonly complete: boolean
  /** The two keys of the session. Throws before the handshake is complete: that is a bug, not a peer's doing. */
  readonly split: () => Ciphers
}

class Handshake implements HandshakeState {
  readonly #options: Options
  readonly #initiator: boolean
  readonly #symmetric: SymmetricState
  #step = 0
  #dead = false
  #remoteEphemeral: Uint8Array | undefined
  #remoteStatic: Uint8Array | undefined

  constructor(options: Options) {
    this.#options = options
    this.#initiator = options.role === "initiator"
    this.#symmetric = new SymmetricState(options.suite, options.hash ?? sha256Of(options.suite))
    this.#symmetric.mixHash(options.prologue)
  }

  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic
  }

  get handshakeHash(): Uint8Array {
    return this.#symmetric.handshakeHash
  }

  get complete(): boolean {
    return !this.#dead && this.#step === MESSAGES.length
  }

  writeMessage(payload: Uint8Array): Result.Result<Uint8Array, HandshakeFailure> {
    const tokens = this.#turn(true)
    if (tokens === undefined) return this.#fail("out of turn")
    const parts: Array<Uint8Array> = []
    for (const token of tokens) {
      if (token === "e") {
        parts.push(this.#options.ephemeralKey.publicKey)
        this.#symmetric.mixHash(this.#options.ephemeralKey.publicKey)
      } else if (token === "s") {
        parts.push(this.#symmetric.encryptAndHash(this.#options.staticKey.publicKey))
      } else if (!this.#mixAgreement(token)) return this.#fail("zero agreement")
    }
    parts.push(this.#symmetric.encryptAndHash(payload))
    const message = concatBytes(parts)
    if (message.length > MESSAGE_LIMIT) return this.#fail("too long")
    this.#step++
    return Result.succeed(message)
  }

  readMessage(message: Uint8Array): Result.Result<Uint8Array, HandshakeFailure> {
    const tokens = this.#turn(false)
    if (tokens === undefined) return this.#fail("out of turn")
    if (message.length > MESSAGE_LIMIT) return this.#fail("too long")
    let at = 0
    for (const token of tokens) {
      if (token !== "e" && token !== "s") {
        if (!this.#mixAgreement(token)) return this.#fail("zero agreement")
        continue
      }
      const end = at + KEY_LENGTH + (token === "s" ? this.#symmetric.overhead : 0)
      if (message.length < end) return this.#fail("too short")
      const field = message.subarray(at, end)
      at = end
      if (token === "e") {
        this.#remoteEphemeral = field
        this.#symmetric.mixHash(field)
      } else {
        this.#remoteStatic = this.#symmetric.decryptAndHash(field)
        if (this.#remoteStatic === undefined) return this.#fail("not authentic")
      }
    }
    if (message.length < at + this.#symmetric.overhead) return this.#fail("too short")
    const payload = this.#symmetric.decryptAndHash(message.subarray(at))
    if (payload === undefined) return this.#fail("not authentic")
    this.#step++
    return Result.succeed(payload)
  }

  split(): Ciphers {
    if (!this.complete) throw new Error("a handshake was split before its end")
    const [first, second] = this.#symmetric.split()
    return this.#initiator ? { send: first, receive: second } : { send: second, receive: first }
  }

  /** The tokens of the next message, if it is this side's to write (or to read). */
  #turn(writing: boolean): ReadonlyArray<Token> | undefined {
    const initiatorWrites = this.#step % 2 === 0
    return this.#dead || writing !== (initiatorWrites === this.#initiator) ? undefined : MESSAGES[this.#step]
  }

  #fail(failure: HandshakeFailure): Result.Result<never, HandshakeFailure> {
    this.#dead = true
    this.#remoteStatic = undefined
    return Result.fail(failure)
  }

  /** The first letter names the initiator's key, the second the responder's. */
  #mixAgreement(token: "ee" | "es" | "se"): boolean {
    const ownIsStatic = token[this.#initiator ? 0 : 1] === "s"
    const theirsIsStatic = token[this.#initiator ? 1 : 0] === "s"
    const own = ownIsStatic ? this.#options.staticKey : this.#options.ephemeralKey
    const theirs = theirsIsStatic ? this.#remoteStatic : this.#remoteEphemeral
    const secret = theirs && own.agree(theirs)
    if (secret === undefined) return false
    this.#symmetric.mixKey(secret)
    return true
  }
}

export const make = (options: Options): HandshakeState => new Handshake(options)
