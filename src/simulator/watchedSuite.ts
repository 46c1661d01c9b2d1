/**
 * The cryptography of a simulated network: the real one, with three additions. What one node has computed is not computed
 * again for the next one, since in one process that is the same work twice: whether a signature is good, and the secret
 * that two keys share. No key may seal twice under one nonce: nothing else would notice that, and it gives the plaintext
 * away (RFC 8439, section 4). And the keys of an onion's layer must come of both public keys as they were sent (WIRE §4).
 */
import type { Aead, AgreementKey, Suite } from "#core/identity/Suite"
import { concatBytes, equalBytes, keyOf, utf8 } from "#schemas/bytes/bytes"

/** Signatures whose verdict is remembered; the oldest is forgotten first. */
const VERDICTS = 65_536

/** Agreements that wait for the other side to come to them, too: of handshakes under way. */
const AGREEMENTS = 1_024

/** From which the keys of onions are told: what they are derived for. */
const ONION = utf8("allium/1 onion")

/** Called for what must not happen. */
export interface Alarms {
  readonly onNonceReuse: () => void
  /** Keys of an onion's layer that do not depend on all of what was agreed on. */
  readonly onUnboundKeys: () => void
}

interface Agreement {
  readonly shared: Uint8Array
  readonly own: Uint8Array
  readonly theirs: Uint8Array
}

interface Verdict {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly isGood: boolean
}

export const watchedSuite = (suite: Suite, alarms: Alarms): Suite => {
  const verdicts = new Map<string, Verdict>()
  const secrets = new Map<string, Uint8Array>()
  /** Both sides of a layer derive its keys as soon as they have agreed. */
  let last: Agreement | undefined

  /** Both sides of an agreement come to the same secret (RFC 7748, section 6.1). */
  const agreementKey = (secret: Uint8Array): AgreementKey => {
    const key = suite.agreementKey(secret)
    const name = keyOf(key.publicKey)
    const agreed = (shared: Uint8Array, theirs: Uint8Array): Uint8Array => {
      last = { shared, own: key.publicKey, theirs: theirs.slice() }
      return shared
    }
    return {
      publicKey: key.publicKey,
      agree: (theirs) => {
        const other = keyOf(theirs)
        const pair = name < other ? name + other : other + name
        const known = secrets.get(pair)
        if (known !== undefined) {
          secrets.delete(pair)
          return agreed(known, theirs)
        }
        const shared = key.agree(theirs)
        if (shared === undefined) return undefined
        if (secrets.size >= AGREEMENTS) secrets.delete(secrets.keys().next().value ?? "")
        secrets.set(pair, shared)
        return agreed(shared, theirs)
      }
    }
  }

  return {
    ...suite,
    agreementKey,
    aead: (key) => new WatchedAead(suite.aead(key), alarms.onNonceReuse),
    hkdfSha256: (ikm, salt, info, length) => {
      if (equalBytes(info, ONION) && !isBound(last, ikm, salt)) alarms.onUnboundKeys()
      return suite.hkdfSha256(ikm, salt, info, length)
    },
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

/** Whether the salt is made of both public keys of this agreement: that of the sender, then that of the hop. */
const isBound = (agreement: Agreement | undefined, ikm: Uint8Array, salt: Uint8Array): boolean => {
  if (agreement === undefined || !equalBytes(agreement.shared, ikm)) return false
  const { own, theirs } = agreement
  return equalBytes(salt, concatBytes([own, theirs])) || equalBytes(salt, concatBytes([theirs, own]))
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
