/**
 * Proof that a node has a record (WIRE.md §6, method 6): a hash over its content and a nonce, so that it cannot be
 * computed ahead, and over both ids, so that it cannot be asked of another.
 */
import { compareBytes, concatBytes, utf8 } from "#schemas/bytes/bytes"

export interface Challenge {
  readonly nonce: Uint8Array
  readonly asker: Uint8Array
  readonly holder: Uint8Array
}

type Hash = (bytes: Uint8Array) => Uint8Array

const LABEL = utf8("allium/1 challenge")

export const proofOf = (sha256: Hash, { asker, holder, nonce }: Challenge, content: Uint8Array): Uint8Array =>
  sha256(concatBytes([LABEL, nonce, asker, holder, content]))

/** What a set is proven by: the record of the lowest SHA-256. Undefined where there is none. */
export const contentOf = (sha256: Hash, records: ReadonlyArray<Uint8Array>): Uint8Array | undefined => {
  if (records.length <= 1) return records[0]
  return records.map((bytes) => ({ bytes, digest: sha256(bytes) })).sort((a, b) => compareBytes(a.digest, b.digest))[0]
    ?.bytes
}
