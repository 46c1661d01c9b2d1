/**
 * Small things done to byte strings, in every room and on every hot path.
 *
 * A JavaScript Map compares arrays by identity, so byte strings stand in maps and sets as a text key: one char code
 * for each byte. That is cheaper than hex, and two keys compare as their bytes do.
 */
import { Schema } from "effect"

/** Longest part handed to `String.fromCharCode` at once: every byte is an argument, and arguments live on the stack. */
const KEY_PART = 8192

/** A new ArrayBuffer costs up to a microsecond; short messages are cut from a common one of this size instead. */
const POOL = 16_384
/** Longest piece cut from it. */
const POOLED = 1024

const encoder = new TextEncoder()

let pool = new Uint8Array(POOL)
let pooled = 0

/** A map key with one char code (0–255) for each byte. Ids of 32 bytes, by far the most, take the unrolled path. */
export const keyOf = (bytes: Uint8Array): string => {
  if (bytes.length === 32) return keyOf32(bytes)
  if (bytes.length <= KEY_PART) return String.fromCharCode(...bytes)
  let key = ""
  for (let at = 0; at < bytes.length; at += KEY_PART) key += String.fromCharCode(...bytes.subarray(at, at + KEY_PART))
  return key
}

/** The bytes of a key made by `keyOf`. */
export const bytesOfKey = (key: string): Uint8Array => {
  const bytes = new Uint8Array(key.length)
  for (let at = 0; at < key.length; at++) bytes[at] = key.charCodeAt(at)
  return bytes
}

/** Not in constant time: never for a secret. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

/** Byte by byte, unsigned; a prefix comes first. Negative, zero or positive, as `Array.sort` wants it. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) {
    const difference = a[at]! - b[at]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/**
 * Room for a message that is soon sent and forgotten. Whoever keeps one for long copies it: while it lives, so does the
 * pool it was cut from. No piece is handed out twice, and all of them begin as zeros.
 */
export const allocate = (length: number): Uint8Array => {
  if (length > POOLED) return new Uint8Array(length)
  if (pooled + length > POOL) {
    pool = new Uint8Array(POOL)
    pooled = 0
  }
  const piece = pool.subarray(pooled, pooled + length)
  pooled += (length + 7) & ~7
  return piece
}

/** All parts in a new array. */
export const concatBytes = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const utf8 = (text: string): Uint8Array => encoder.encode(text)

export const hexOf = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += byte < 16 ? `0${byte.toString(16)}` : byte.toString(16)
  return text
}

/** Either case; undefined where the text is not whole bytes in hex. */
export const bytesOfHex = (text: string): Uint8Array | undefined => {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16)
  return bytes
}

/** Bytes of one length. */
export const bytesOf = (length: number) => Schema.Uint8Array.check(Schema.isBetweenLength(length, length))

/** A digest, a key or an id. */
export const Bytes32 = bytesOf(32)

/** At most `max` bytes. */
export const bytesUpTo = (max: number) => Schema.Uint8Array.check(Schema.isMaxLength(max))

const keyOf32 = (b: Uint8Array): string =>
  // biome-ignore format: one argument a byte, so that the engine needs no arguments array (twice as fast)
  String.fromCharCode(
    b[0]!, b[1]!, b[2]!, b[3]!, b[4]!, b[5]!, b[6]!, b[7]!, b[8]!, b[9]!, b[10]!, b[11]!, b[12]!, b[13]!, b[14]!,
    b[15]!, b[16]!, b[17]!, b[18]!, b[19]!, b[20]!, b[21]!, b[22]!, b[23]!, b[24]!, b[25]!, b[26]!, b[27]!, b[28]!,
    b[29]!, b[30]!, b[31]!
  )
