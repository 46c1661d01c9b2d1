/**
 * Deterministic CBOR, strict in what it reads: one encoding for every value (WIRE §1).
 *
 * Plain functions for the hot path. What is written can be read back under the profile that has the value, up to
 * `MAX_DEPTH`. See `CborValue.ts` for the profiles.
 */
import { Result } from "effect"
import { allocate } from "./bytes.ts"
import { CborReader } from "./CborReader.ts"
import { type CborProfile, type CborValue, MAX_ITEMS } from "./CborValue.ts"
import { write, writeHead } from "./CborWriter.ts"

/** Longest input of one decode, unless the caller allows more: no frame has a longer payload. */
export const MAX_BYTES = 65_536

export interface DecodeOptions {
  readonly profile?: CborProfile
  readonly maxItems?: number
  readonly maxBytes?: number
}

/**
 * Throws RangeError for NaN, Infinity and integers beyond 64 bits, which are mistakes of the caller. In text, half of a
 * surrogate pair is written as U+FFFD: UTF-8 has nothing else for it.
 */
export const encode = (value: CborValue): Uint8Array => write(value)

/** `encode` for a message that is soon sent and forgotten: see `allocate`. */
export const encodeMessage = (value: CborValue): Uint8Array => write(value, allocate)

/**
 * The one value that all of `bytes` are the encoding of, or the word of refusal. Never throws.
 *
 * Byte strings inside are views of `bytes`, not copies: whoever keeps one for long, or writes into it, copies it first.
 */
export const decode = (bytes: Uint8Array, options?: DecodeOptions): Result.Result<CborValue, string> => {
  if (bytes.length > (options?.maxBytes ?? MAX_BYTES)) return Result.fail("too many bytes")
  const reader = new CborReader(bytes, options?.profile ?? "record", options?.maxItems ?? MAX_ITEMS)
  const value = reader.value(0)
  if (reader.refusal === "" && reader.at < bytes.length) reader.refuse("bytes left over")
  return reader.refusal === "" ? Result.succeed(value) : Result.fail(reader.refusal)
}

/** `decode` of an array, which every message and record is. */
export const decodeArray = (
  bytes: Uint8Array,
  options?: DecodeOptions
): Result.Result<ReadonlyArray<CborValue>, string> => {
  const decoded = decode(bytes, options)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  return Array.isArray(decoded.success) ? Result.succeed(decoded.success) : Result.fail("not an array")
}

/** The encodings of the elements of an array of at most `max`, as views: what a signature is made over. */
export const elements = (bytes: Uint8Array, max: number): Result.Result<ReadonlyArray<Uint8Array>, string> => {
  if (bytes.length > MAX_BYTES) return Result.fail("too many bytes")
  const reader = new CborReader(bytes, "record", MAX_ITEMS)
  const count = reader.arrayCount()
  if (count > max) reader.refuse("too many elements")
  const parts: Array<Uint8Array> = []
  while (reader.refusal === "" && parts.length < count) {
    const start = reader.at
    reader.value(1)
    parts.push(bytes.subarray(start, reader.at))
  }
  if (reader.refusal === "" && reader.at < bytes.length) reader.refuse("bytes left over")
  return reader.refusal === "" ? Result.succeed(parts) : Result.fail(reader.refusal)
}

/** The head of an array of `count` elements. */
export const arrayHead = (count: number): Uint8Array => writeHead(4, count)
