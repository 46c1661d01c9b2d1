/**
 * Chaining key, transcript hash and current cipher of a handshake (Noise revision 34, section 5.2).
 *
 * The hash is an argument, so that the published BLAKE2s transcript runs through the same code; Allium itself speaks
 * SHA-256 only.
 */
import { KEY_LENGTH, type Suite, TAG_LENGTH } from "#core/identity/Suite"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { CipherState } from "./CipherState.ts"

/** A hash with 32-byte digests, and HKDF over it. */
export interface NoiseHash {
  /** As it stands in the protocol name. */
  readonly name: "SHA256" | "BLAKE2s"
  readonly hash: (bytes: Uint8Array) => Uint8Array
  readonly hkdf: (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) => Uint8Array
}

export const sha256Of = (suite: Suite): NoiseHash => ({ name: "SHA256", hash: suite.sha256, hkdf: suite.hkdfSha256 })

const DIGEST_LENGTH = 32
const NONE = new Uint8Array(0)

/** A name that fits a digest is padded with zeros, a longer one is hashed. */
const initialHash = (hash: NoiseHash): Uint8Array => {
  const name = utf8(`Noise_XX_25519_ChaChaPoly_${hash.name}`)
  return name.length <= DIGEST_LENGTH
    ? concatBytes([name, new Uint8Array(DIGEST_LENGTH - name.length)])
    : hash.hash(name)
}

export class SymmetricState {
  readonly #suite: Suite
  readonly #hash: NoiseHash
  #chainingKey: Uint8Array
  #transcript: Uint8Array
  #cipher: CipherState | undefined

  constructor(suite: Suite, hash: NoiseHash) {
    this.#suite = suite
    this.#hash = hash
    this.#transcript = this.#chainingKey = initialHash(hash)
  }

  get handshakeHash(): Uint8Array {
    return this.#transcript
  }

  /** What sealing adds to a length at this point: nothing before the first key. */
  get overhead(): number {
    return this.#cipher === undefined ? 0 : TAG_LENGTH
  }

  mixHash(data: Uint8Array): void {
    this.#transcript = this.#hash.hash(concatBytes([this.#transcript, data]))
  }

  mixKey(secret: Uint8Array): void {
    const keys = this.#derive(secret)
    this.#chainingKey = keys.subarray(0, KEY_LENGTH)
    this.#cipher = new CipherState(this.#suite, keys.subarray(KEY_LENGTH))
  }

  encryptAndHash(plain: Uint8Array): Uint8Array {
    const sealed = this.#cipher === undefined ? plain : concatBytes(this.#cipher.seal(this.#transcript, [plain]))
    this.mixHash(sealed)
    return sealed
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plain = this.#cipher === undefined ? sealed : this.#cipher.open(this.#transcript, sealed)
    if (plain !== undefined) this.mixHash(sealed)
    return plain
  }

  /** The first is the initiator's for sending. */
  split(): readonly [CipherState, CipherState] {
    const keys = this.#derive(NONE)
    return [
      new CipherState(this.#suite, keys.subarray(0, KEY_LENGTH)),
      new CipherState(this.#suite, keys.subarray(KEY_LENGTH))
    ]
  }

  /** Noise's HKDF with two outputs is RFC 5869 with the chaining key as salt and no info. */
  #derive(input: Uint8Array): Uint8Array {
    return this.#hash.hkdf(input, this.#chainingKey, NONE, 2 * KEY_LENGTH)
  }
}
