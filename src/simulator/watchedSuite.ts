/**
 * The cryptography of a simulated network: the real one, with two additions. What one node has computed is not computed
 * again for the next one, since in one process that is the same work twice: whether a signature is good, and the secret
 * that two keys share. And no key may seal twice under one nonce: nothing else would notice that, and it gives the
 * plaintext away (RFC 8439, section 4).
 */
import type { Aead, AgreementKey, Suite } from "#core/identity/Suite"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"

/** Signatures whose verdict is remembered; the oldest is forgotten first. */
const VERDICTS = 65_536

/** Agreements that wait for the other side to come to them, too: of handshakes under way. */
const AGREEMENTS = 1_024

interface Verdict {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly isGood: boolean
}

export const watchedSuite = (suite: Suite, onNonceReuse: () => void): Suite => {
  const verdicts = new Map<string, Verdict>()
  const secrets = new Map<string, Uint8Array>()

  /** Both sides of an agreement come to the same secret (RFC 7748, section 6.1). */
  const agreementKey = (secret: Uint8Array): AgreementKey => {
    const key = suite.agreementKey(secret)
    const name = keyOf(key.publicKey)
    return {
      publicKey: key.publicKey,
      agree: (theirs) => {
        const other = keyOf(theirs)
        const pair = name < other ? name + other : other + name
        const known = secrets.get(pair)
        if (known !== undefined) {
          secrets.delete(pair)
          return known
        }
        const shared = key.agree(theirs)
        if (shared === undefined) return undefined
        if (secrets.size >= AGREEMENTS) secrets.delete(secrets.keys().next().value ?? "")
        secrets.set(pair, shared)
        return shared
      }
    }
  }

  return {
    ...suite,
    agreementKey,
    aead: (key) => new WatchedAead(suite.aead(key), onNonceReuse),
    verify: (publicKey, message, signature) => {
      const name = keyOf(signature)
      const known = verdicts.get(name)
      if (known !== undefined && equalBytes(known.publicKey, publicKey) && equalBytes(known.message, message)) {
        return known.isGood
      }
      const isGood = suite.verify(publicKey, message, signature)
      if (verdicts.size >= VERDICTS) verdicts.delete(verdicts.keys().next().value ?? "")
      verdicts.set(name, { publicKey: publicKey.slice(), message: message.slice(), isGood })
      return isGood
    }
  }
}

/** Counts the nonces of one key, which every protocol of Allium takes in ascending order. */
class WatchedAead implements Aead {
  readonly #aead: Aead
  readonly #onReuse: () => void
  #last = -1

  constructor(aead: Aead, onReuse: () => void) {
    this.#aead = aead
    this.#onReuse = onReuse
  }

  seal(nonce: Uint8Array, associated: Uint8Array, parts: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> {
    const view = new DataView(nonce.buffer, nonce.byteOffset, nonce.length)
    const counter = view.getUint32(4, true) + view.getUint32(8, true) * 2 ** 32
    if (counter <= this.#last) this.#onReuse()
    this.#last = counter
    return this.#aead.seal(nonce, associated, parts)
  }

  open(nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array, tag?: Uint8Array): Uint8Array | undefined {
    return this.#aead.open(nonce, associated, sealed, tag)
  }
}
