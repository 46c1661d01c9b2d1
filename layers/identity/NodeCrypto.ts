/**
 * The suite on `node:crypto`: the default on Node, about ten times as fast as the portable one.
 *
 * What costs here is not the arithmetic but the making of key objects: importing 32 public bytes takes nearly as long
 * (24 µs) as the Diffie-Hellman itself (35 µs). So every key object is kept, and imported public keys are remembered:
 * a handshake uses each remote ephemeral twice, and peers come back. Raw import is the fastest way in for both halves
 * (private 50 µs, of which most is the public key; PKCS 8 and JWK 60 µs).
 */
import * as crypto from "node:crypto"
import { Layer } from "effect"
import { hmacOf } from "#core/identity/hmac"
import { isSoundPublicKey } from "#core/identity/isSoundPublicKey"
import {
  type Aead,
  type AgreementKey,
  KEY_LENGTH,
  SIGNATURE_LENGTH,
  type SigningKey,
  type Suite,
  TAG_LENGTH
} from "#core/identity/Suite"
import { keyOf } from "#schemas/bytes/bytes"
import { Crypto } from "#services/identity/Crypto"

type Curve = "x25519" | "ed25519"

/** Imported public keys kept a generation and curve; there are two generations. */
const KEPT_KEYS = 1024

const CIPHER = "chacha20-poly1305"
const CIPHER_OPTIONS = { authTagLength: TAG_LENGTH }

/** Asked for by the types; OpenSSL reads it for CCM only. */
const ASSOCIATED_OPTIONS = { plaintextLength: 0 }

/**
 * Importer of public keys that remembers by two generations: a full one becomes the old one, and what is still in use
 * is carried over. That forgets like an LRU and costs one map look-up.
 */
const importer = (asymmetricKeyType: Curve) => {
  let young = new Map<string, crypto.KeyObject>()
  let old = young
  return (publicKey: Uint8Array): crypto.KeyObject => {
    const name = keyOf(publicKey)
    const known = young.get(name)
    if (known !== undefined) return known
    const key =
      old.get(name) ?? crypto.createPublicKey({ key: Buffer.from(publicKey), format: "raw-public", asymmetricKeyType })
    if (young.size >= KEPT_KEYS) {
      old = young
      young = new Map()
    }
    young.set(name, key)
    return key
  }
}

const importPrivate = (secret: Uint8Array, asymmetricKeyType: Curve): crypto.KeyObject =>
  crypto.createPrivateKey({ key: Buffer.from(secret), format: "raw-private", asymmetricKeyType })

const publicBytes = (key: crypto.KeyObject): Uint8Array => crypto.createPublicKey(key).export({ format: "raw-public" })

const agreementWith =
  (imported: (publicKey: Uint8Array) => crypto.KeyObject) =>
  (secret: Uint8Array): AgreementKey => {
    const privateKey = importPrivate(secret, "x25519")
    return {
      publicKey: publicBytes(privateKey),
      agree: (theirs) => {
        if (theirs.length !== KEY_LENGTH) return undefined
        try {
          return crypto.diffieHellman({ privateKey, publicKey: imported(theirs) })
        } catch {
          return undefined // OpenSSL's answer to an all-zero result
        }
      }
    }
  }

const signingKey = (seed: Uint8Array): SigningKey => {
  const privateKey = importPrivate(seed, "ed25519")
  return { publicKey: publicBytes(privateKey), sign: (message) => crypto.sign(null, message, privateKey) }
}

const verifyWith =
  (imported: (publicKey: Uint8Array) => crypto.KeyObject): Suite["verify"] =>
  (publicKey, message, signature) => {
    if (signature.length !== SIGNATURE_LENGTH || !isSoundPublicKey(publicKey)) return false
    try {
      return crypto.verify(null, message, imported(publicKey), signature)
    } catch {
      return false // not a point of the curve
    }
  }

const aead = (key: Uint8Array): Aead => {
  const secret = crypto.createSecretKey(key)
  return {
    seal: (nonce, associated, parts) => {
      const cipher = crypto.createCipheriv(CIPHER, secret, nonce, CIPHER_OPTIONS)
      cipher.setAAD(associated, ASSOCIATED_OPTIONS)
      const pieces: Array<Uint8Array> = []
      for (const part of parts) pieces.push(cipher.update(part))
      cipher.final()
      pieces.push(cipher.getAuthTag())
      return pieces
    },
    open: (nonce, associated, ciphertextAndTag) => {
      const end = ciphertextAndTag.length - TAG_LENGTH
      if (end < 0) return undefined
      const decipher = crypto.createDecipheriv(CIPHER, secret, nonce, CIPHER_OPTIONS)
      decipher.setAAD(associated, ASSOCIATED_OPTIONS)
      decipher.setAuthTag(ciphertextAndTag.subarray(end))
      const plain = decipher.update(ciphertextAndTag.subarray(0, end))
      try {
        decipher.final()
      } catch {
        return undefined
      }
      return plain
    }
  }
}

const chacha20: Suite["chacha20"] = (key, nonce, counter, data) => {
  const iv = new Uint8Array(16) // OpenSSL takes counter (little-endian) and nonce as one
  new DataView(iv.buffer).setUint32(0, counter, true)
  iv.set(nonce, 4)
  return crypto.createCipheriv("chacha20", crypto.createSecretKey(key), iv).update(data)
}

export const make = (): Suite => {
  const sha256 = (bytes: Uint8Array): Uint8Array => crypto.hash("sha256", bytes, "buffer")
  const { hkdf, hmac } = hmacOf(sha256)
  return {
    sha256,
    hmacSha256: hmac,
    hkdfSha256: hkdf,
    agreementKey: agreementWith(importer("x25519")),
    signingKey,
    verify: verifyWith(importer("ed25519")),
    aead,
    chacha20
  }
}

/** One for the process: what it remembers are public keys. */
export const suite: Suite = make()

export const layer = Layer.succeed(Crypto, suite)
