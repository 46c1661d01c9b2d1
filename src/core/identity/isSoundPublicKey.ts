/**
 * Which Ed25519 public keys may sign at all.
 *
 * Verifiers disagree on keys of small order (one signature fits every message) and on points written in a second way
 * (one key, two NodeIds). Both are refused before any suite looks at the signature, so that every node accepts the
 * same records. The check is on bytes alone; whether the point lies on the curve is the suite's to find out.
 */

const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))

/** The field's prime, 2^255 − 19. */
const P = 2n ** 255n - 19n

/** One y coordinate of the points of order 8; the other is its negative. */
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n

/** y of the eight points whose order divides the cofactor: 1, −1, 0 and ± ORDER_8. */
const SMALL_ORDER: ReadonlyArray<Uint8Array> = [0n, 1n, P - 1n, ORDER_8, P - ORDER_8].map(littleEndian)

const sameY = (key: Uint8Array, y: Uint8Array): boolean => {
  for (let index = 0; index < 31; index++) if (key[index] !== y[index]) return false
  // The top bit is the sign of x: both points of a small-order y are small, so it does not count.
  return (key[31]! & 0x7f) === y[31]
}

/** y ≥ p only for the nineteen values from 2^255 − 19 to 2^255 − 1. */
const isOverlong = (key: Uint8Array): boolean => {
  if ((key[31]! & 0x7f) !== 0x7f || key[0]! < 0xed) return false
  for (let index = 1; index < 31; index++) if (key[index] !== 0xff) return false
  return true
}

/** True for 32 bytes that are neither an over-long encoding nor a point of small order. */
export const isSoundPublicKey = (key: Uint8Array): boolean =>
  key.length === 32 && !isOverlong(key) && !SMALL_ORDER.some((y) => sameY(key, y))
