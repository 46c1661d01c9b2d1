/**
 * One direction's key and counter (Noise revision 34, section 5.1), for ChaCha20-Poly1305.
 *
 * Synchronous and stateful: each seal and each successful open takes the next nonce. All share one nonce buffer, which
 * is written anew for every call, since no suite keeps it.
 */
import { type Aead, KEY_LENGTH, NONCE_LENGTH, type Suite } from "#core/identity/Suite"

/** Noise counts to 2^64 − 2; numbers are exact to here, and a session is rekeyed or closed ages before. */
const LAST_NONCE = Number.MAX_SAFE_INTEGER

const NONE = new Uint8Array(0)
const ZEROS = new Uint8Array(KEY_LENGTH)

/** 2^64 − 1, which Noise keeps for REKEY (section 4.2). */
const REKEY_NONCE = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)

const nonce = new DataView(new ArrayBuffer(NONCE_LENGTH))
const nonceBytes = new Uint8Array(nonce.buffer)

export class CipherState {
  readonly #suite: Suite
  #aead: Aead
  #counter = 0

  constructor(suite: Suite, key: Uint8Array) {
    this.#suite = suite
    this.#aead = suite.aead(key)
  }

  /** Messages sealed, or opened, so far; REKEY does not set it back. */
  get counter(): number {
    return this.#counter
  }

  /** Ciphertext in pieces, the tag of 16 bytes last. Throws at 2^53 − 1 messages, where the owner has long rekeyed. */
  seal(associated: Uint8Array, parts: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> {
    if (this.#counter >= LAST_NONCE) throw new RangeError("this key has sealed all the messages it may")
    const pieces = this.#aead.seal(this.#next(), associated, parts)
    this.#counter++
    return pieces
  }

  /** The plaintext; undefined if this is not the next message as it was sealed. The counter then stays. */
  open(associated: Uint8Array, ciphertextAndTag: Uint8Array): Uint8Array | undefined {
    if (this.#counter >= LAST_NONCE) return undefined
    const plain = this.#aead.open(this.#next(), associated, ciphertextAndTag)
    if (plain !== undefined) this.#counter++
    return plain
  }

  /** The key becomes REKEY(key), so that the old one cannot be computed back; the counter goes on. */
  rekey(): void {
    const [key] = this.#aead.seal(REKEY_NONCE, NONE, [ZEROS])
    this.#aead = this.#suite.aead(key!)
  }

  /** 4 zero bytes and the counter as 64 bits, little-endian (section 12.3). */
  #next(): Uint8Array {
    nonce.setUint32(4, this.#counter >>> 0, true)
    nonce.setUint32(8, Math.floor(this.#counter / 2 ** 32), true)
    return nonceBytes
  }
}
