/** Tests that the plain readers of messages and records put to each element of an array. */
import type { CborValue } from "./CborValue.ts"

/** A byte string of this very length. */
export const isBytesOf = (value: CborValue | undefined, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length

export const isBytesUpTo = (value: CborValue | undefined, max: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length <= max

/** A whole number from zero up to `max`. */
export const isUint = (value: CborValue | undefined, max = Number.MAX_SAFE_INTEGER): value is number =>
  typeof value === "number" && value >= 0 && value <= max && Number.isInteger(value)

/** Text of at most `max` UTF-16 units. */
export const isTextUpTo = (value: CborValue | undefined, max: number): value is string =>
  typeof value === "string" && value.length <= max

export const isArrayUpTo = (value: CborValue | undefined, max: number): value is ReadonlyArray<CborValue> =>
  Array.isArray(value) && value.length <= max

/** At most `count` byte strings of at most `max` bytes each. */
export const isBytesList = (
  value: CborValue | undefined,
  count: number,
  max: number
): value is ReadonlyArray<Uint8Array> => isArrayUpTo(value, count) && value.every((item) => isBytesUpTo(item, max))
