/**
 * The portable suite on the noble libraries: the reference that the faster one is held against, and the one for
 * runtimes without `node:crypto`.
 */
import { chacha20, chacha20poly1305 } from "@noble/ciphers/chacha.js"
import { ed25519, x25519 } from "@noble/curves/ed25519.js"
import { hkdf } from "@noble/hashes/hkdf.js"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256, sha512 } from "@noble/hashes/sha2.js"
import { concatBytes } from "@noble/hashes/utils.js"
import { isSoundPublicKey } from "./isSoundPublicKey.ts"
import { type Aead, type AgreementKey, KEY_LENGTH, SIGNATURE_LENGTH, type Suite, TAG_LENGTH } from "./Suite.ts"

const { Point } = ed25519

const agreementKey = (secret: Uint8Array): AgreementKey => {
  const own = Uint8Array.from(secret)
  return {
    publicKey: x25519.getPublicKey(own),
    agree: (theirs) => {
      if (theirs.length !== KEY_LENGTH) return undefined
      try {
        return x25519.getSharedSecret(own, theirs)
      } catch {
        return undefined // the library's answer to an all-zero result
      }
    }
  }
}

const numberOf = (bytes: Uint8Array): bigint => {
  let value = 0n
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!)
  return value
}

/**
 * RFC 8032, section 5.1.7, with the equation as OpenSSL checks it: encode(SB − kA) is R, byte for byte. The library's
 * own verifier multiplies by the cofactor, also when told to be strict, and so accepts signatures under keys with a
 * small-order part that OpenSSL refuses.
 */
const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (signature.length !== SIGNATURE_LENGTH || !isSoundPublicKey(publicKey)) return false
  const r = signature.subarray(0, 32)
  const s = numberOf(signature.subarray(32))
  if (s >= Point.Fn.ORDER) return false
  let a: InstanceType<typeof Point>
  try {
    a = Point.fromBytes(publicKey)
  } catch {
    return false // not on the curve
  }
  const k = Point.Fn.create(numberOf(sha512(concatBytes(r, publicKey, message))))
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes()
  return expected.every((byte, index) => byte === r[index])
}

const aead = (key: Uint8Array): Aead => {
  const own = Uint8Array.from(key)
  return {
    seal: (nonce, associated, parts) => {
      const sealed = chacha20poly1305(own, nonce, associated).encrypt(concatBytes(...parts))
      const end = sealed.length - TAG_LENGTH
      return [sealed.subarray(0, end), sealed.subarray(end)]
    },
    open: (nonce, associated, ciphertextAndTag, tagApart) => {
      if (tagApart !== undefined && tagApart.length !== TAG_LENGTH) return undefined
      const sealed = tagApart === undefined ? ciphertextAndTag : concatBytes(ciphertextAndTag, tagApart)
      try {
        return chacha20poly1305(own, nonce, associated).decrypt(sealed)
      } catch {
        return undefined
      }
    }
  }
}

export const nobleSuite: Suite = {
  sha256,
  hmacSha256: (key, data) => hmac(sha256, key, data),
  hkdfSha256: (ikm, salt, info, length) => hkdf(sha256, ikm, salt, info, length),
  agreementKey,
  signingKey: (seed) => {
    const own = Uint8Array.from(seed)
    return { publicKey: ed25519.getPublicKey(own), sign: (message) => ed25519.sign(message, own) }
  },
  verify,
  aead,
  chacha20: (key, nonce, counter, data) => chacha20(key, nonce, data, undefined, counter)
}
