/**
 * The cryptography Allium rests on, as a record of synchronous functions.
 *
 * Synchronous, because a wait in the middle of a handshake would make a simulated run depend on a thread pool. The
 * core takes a Suite as an argument; `nobleSuite` is the portable reference, `NodeCrypto` the fast one, and
 * `test/laws/suite.ts` holds them equal. Results may be Node Buffers: cut them with `subarray`, never with `slice`,
 * which copies on one class and not on the other.
 *
 * Secrets have a length that the caller guarantees, so a wrong one is a defect. Whatever a peer chose (public keys,
 * signatures, ciphertexts) is answered with `undefined` or `false` and never throws.
 */

/** An X25519 key pair (RFC 7748). */
export interface AgreementKey {
  readonly publicKey: Uint8Array
  /** The shared secret of 32 bytes; undefined if `theirs` is not 32 bytes or the result is all zero. */
  readonly agree: (theirs: Uint8Array) => Uint8Array | undefined
}

/** An Ed25519 key pair (RFC 8032). */
export interface SigningKey {
  readonly publicKey: Uint8Array
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** ChaCha20-Poly1305 (RFC 8439) under one key. That no nonce comes twice is the caller's care. */
export interface Aead {
  /** Ciphertext in one or more pieces, then the tag of 16 bytes as the last one; joined they are the message. */
  readonly seal: (
    nonce: Uint8Array,
    associated: Uint8Array,
    parts: ReadonlyArray<Uint8Array>
  ) => ReadonlyArray<Uint8Array>
  /**
   * The plaintext; undefined if anything was changed. A tag that stands elsewhere (an onion's body has it in the header)
   * is given apart, so that a long ciphertext need not be copied to stand before it.
   */
  readonly open: (
    nonce: Uint8Array,
    associated: Uint8Array,
    ciphertextAndTag: Uint8Array,
    tagApart?: Uint8Array
  ) => Uint8Array | undefined
}

export interface Suite {
  readonly sha256: (bytes: Uint8Array) => Uint8Array
  readonly hmacSha256: (key: Uint8Array, data: Uint8Array) => Uint8Array
  /** RFC 5869, extract and expand; `length` at most 8,160. */
  readonly hkdfSha256: (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) => Uint8Array
  readonly agreementKey: (secret: Uint8Array) => AgreementKey
  readonly signingKey: (seed: Uint8Array) => SigningKey
  /** Cofactorless, and only under keys that `isSoundPublicKey` accepts. */
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  readonly aead: (key: Uint8Array) => Aead
  /** The key stream from block `counter` on, XORed over `data` (RFC 8439, section 2.4). */
  readonly chacha20: (key: Uint8Array, nonce: Uint8Array, counter: number, data: Uint8Array) => Uint8Array
}

export const KEY_LENGTH = 32
export const NONCE_LENGTH = 12
export const TAG_LENGTH = 16
export const SIGNATURE_LENGTH = 64
