/**
 * Work: found by trying nonces one after the other, checked by one hash (WIRE §6). The search is cut into pieces, so that
 * whoever searches can do other things in between.
 */
import type { Suite } from "#core/identity/Suite"
import { dayOf, NONCE_LENGTH, NONCE_START, preimage } from "#schemas/dht/Work"

/** Of what the work is done for. */
export interface Job {
  readonly kind: number
  readonly key: Uint8Array
  /** SHA-256 of the record as stored; of an inbox record without its nonce. */
  readonly digest: Uint8Array
}

/** Leading zero bits of a digest. */
export const leadingZeros = (digest: Uint8Array): number => {
  for (let at = 0; at < digest.length; at++) {
    const byte = digest[at]!
    if (byte !== 0) return at * 8 + Math.clz32(byte) - 24
  }
  return digest.length * 8
}

/** The bits that a nonce has on one day. */
export const bitsOn = (suite: Suite, job: Job, day: number, nonce: Uint8Array): number => {
  if (nonce.length !== NONCE_LENGTH) return 0
  const bytes = preimage(job.kind, job.key, job.digest, day)
  bytes.set(nonce, NONCE_START)
  return leadingZeros(suite.sha256(bytes))
}

/** The bits that a nonce has today or had yesterday, whichever is more. `now` in unix seconds. */
export const bitsOf = (suite: Suite, job: Job, now: number, nonce: Uint8Array): number =>
  Math.max(bitsOn(suite, job, dayOf(now), nonce), bitsOn(suite, job, dayOf(now) - 1, nonce))

/** A search for a nonce of `bits` for one day; where it ends is decided by the job alone. */
export class Search {
  readonly #suite: Suite
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #bits: number
  #tried = 0

  constructor(suite: Suite, job: Job, day: number, bits: number) {
    this.#suite = suite
    this.#bytes = preimage(job.kind, job.key, job.digest, day)
    this.#view = new DataView(this.#bytes.buffer)
    this.#bits = bits
  }

  /** Nonces tried so far. */
  get tried(): number {
    return this.#tried
  }

  /** Tries at most `count` more; undefined where none of them was one. */
  step(count: number): Uint8Array | undefined {
    for (let left = count; left > 0; left--) {
      this.#view.setUint32(NONCE_START + 4, this.#tried++)
      if (leadingZeros(this.#suite.sha256(this.#bytes)) >= this.#bits) return this.#bytes.slice(NONCE_START)
    }
    return undefined
  }
}
