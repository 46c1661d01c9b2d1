/** Tests that the plain readers of messages and records put to each element of an array. */
import { Schema } from "effect"
import { utf8 } from "./bytes.ts"
import type { CborValue } from "./CborValue.ts"

/** A byte string of this very length. */
export const isBytesOf = (value: CborValue | undefined, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length

export const isBytesUpTo = (value: CborValue | undefined, max: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length <= max

/** A whole number from zero up to `max`. */
export const isUint = (value: CborValue | undefined, max = Number.MAX_SAFE_INTEGER): value is number =>
  typeof value === "number" && value >= 0 && value <= max && Number.isInteger(value)

/** Text of at most `max` bytes in UTF-8, which is how all limits of text are meant. */
export const isTextUpTo = (value: CborValue | undefined, max: number): value is string =>
  typeof value === "string" && fits(value, max)

/** Cuts text to `max` bytes in UTF-8, between characters. */
export const clipText = (text: string, max: number): string => {
  if (fits(text, max)) return text
  let clipped = ""
  let length = 0
  for (const character of text) {
    length += utf8(character).length
    if (length > max) break
    clipped += character
  }
  return clipped
}

/** A schema of the same limit. The first check drives the generator, the second counts bytes. */
export const textUpTo = (max: number) =>
  Schema.String.check(
    Schema.isMaxLength(max),
    Schema.makeFilter((text) => text.isWellFormed() && fits(text, max), { expected: `at most ${max} bytes in UTF-8` })
  )

export const isArrayUpTo = (value: CborValue | undefined, max: number): value is ReadonlyArray<CborValue> =>
  Array.isArray(value) && value.length <= max

/** At most `count` byte strings of at most `max` bytes each. */
export const isBytesList = (
  value: CborValue | undefined,
  count: number,
  max: number
): value is ReadonlyArray<Uint8Array> => isArrayUpTo(value, count) && value.every((item) => isBytesUpTo(item, max))

/** A UTF-16 unit becomes one to three bytes, which mostly settles it. */
const fits = (text: string, max: number): boolean =>
  text.length <= max && (text.length * 3 <= max || utf8(text).length <= max)
