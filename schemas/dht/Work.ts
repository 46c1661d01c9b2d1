/**
 * Work that pays for a store: a nonce whose hash, with the record and the day, begins with so many zero bits (WIRE §6).
 *
 *   SHA-256("allium/1 work" ‖ kind u8 ‖ key 32 ‖ SHA-256(record) 32 ‖ day u32 ‖ nonce 8)
 */
import { utf8 } from "#schemas/bytes/bytes"

export const NONCE_LENGTH = 8

/** Leading zero bits where nobody asked for more, and the most that a refusal may ask for. */
export const WORK_BITS = 16
export const WORK_BITS_LIMIT = 22

const PREFIX = utf8("allium/1 work")
const DAY = 86_400

/** The day of a time in unix seconds. */
export const dayOf = (seconds: number): number => Math.floor(seconds / DAY)

/** Where the nonce lies in the preimage: at its end. */
export const NONCE_START = PREFIX.length + 1 + 32 + 32 + 4

/** What is hashed, the nonce still zero; `digest` is the SHA-256 of the record (of an inbox record without its nonce). */
export const preimage = (kind: number, key: Uint8Array, digest: Uint8Array, day: number): Uint8Array => {
  const bytes = new Uint8Array(NONCE_START + NONCE_LENGTH)
  bytes.set(PREFIX, 0)
  bytes[PREFIX.length] = kind
  bytes.set(key, PREFIX.length + 1)
  bytes.set(digest, PREFIX.length + 33)
  new DataView(bytes.buffer).setUint32(PREFIX.length + 65, day)
  return bytes
}
