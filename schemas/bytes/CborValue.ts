/**
 * What the strict CBOR codec speaks of: the values, the two profiles and the limits.
 *
 *   record  messages and signed records: whole numbers within ±(2^53 − 1), byte strings, text, arrays, true, false, null
 *   dag     `dag-cbor` blocks: the above, and maps with text keys, 64-bit floats, integers to 64 bits, links (tag 42)
 */

/** How deep arrays and maps may nest: deeper than any message, shallow enough for a recursive reader. */
export const MAX_DEPTH = 16

/** Data items in one decode, keys included, unless the caller allows more: the largest list of a message has 400 triples. */
export const MAX_ITEMS = 4096

export type CborProfile = "record" | "dag"

export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CborLink
  | CborFloat
  | ReadonlyArray<CborValue>
  | CborMap

/** Written in DAG-CBOR's key order (shorter keys first, then bytewise), whatever the order of insertion. */
export type CborMap = ReadonlyMap<string, CborValue>

/** Tag 42: the binary form of a CID, without the leading zero byte that stands for its multibase. */
export class CborLink {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** A float whose value is a whole number (1.0, −0.0): as a plain number it would come back as an integer. */
export class CborFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}
