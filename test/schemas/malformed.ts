/** What every reader of stranger's bytes has to withstand: truncation, flipped bits, things added. */
import { assert } from "@effect/vitest"
import { Result } from "effect"

/** Every prefix shorter than the whole. */
export const truncations = (bytes: Uint8Array): ReadonlyArray<Uint8Array> =>
  Array.from(bytes, (_, length) => bytes.slice(0, length))

/** Every copy that differs in one bit. */
export const bitFlips = (bytes: Uint8Array): ReadonlyArray<Uint8Array> =>
  Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const copy = bytes.slice()
    copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7))
    return copy
  })

/** No prefix is read, and nothing one bit away makes the reader throw. */
export const withstands = (read: (bytes: Uint8Array) => Result.Result<unknown, string>, bytes: Uint8Array): void => {
  assert.isTrue(Result.isSuccess(read(bytes)))
  for (const cut of truncations(bytes)) assert.isTrue(Result.isFailure(read(cut)), `read ${cut.length} bytes`)
  for (const flipped of bitFlips(bytes)) read(flipped)
}

/** The word of refusal. */
export const refusal = (result: Result.Result<unknown, string>): string => {
  assert.isTrue(Result.isFailure(result), "was accepted")
  return Result.isFailure(result) ? result.failure : ""
}

/** `length` bytes that count upwards from `first`. */
export const counting = (length: number, first = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (first + index) & 255)
