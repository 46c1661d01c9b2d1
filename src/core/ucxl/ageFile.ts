/**
 * The outside of an age file (https://age-encryption.org/v1): how long its header is and how long all of it must be. Looked
 * at before a library is let at a stranger's bytes, so that a header has a limit, and a file that was cut off is known as one.
 *
 *   age-encryption.org/v1\n  (-> stanza\n …)*  --- MAC\n  nonce 16  (chunk of 65,536 ‖ tag 16)*
 */
import { Result } from "effect"

const VERSION_LINE = new TextEncoder().encode("age-encryption.org/v1\n")
/** "--- " */
const LAST_LINE = [45, 45, 45, 32]
const LINE_END = 10

const NONCE = 16
const CHUNK = 65_536
const TAG = 16

/** `Truncated`: it begins as one and ends too early. */
export type HeaderRefusal = "Truncated" | "NotAge" | "HeaderTooLong"

/** Bytes of the header, its last line end included; reads no more than `limit`. */
export const headerLength = (file: Uint8Array, limit: number): Result.Result<number, HeaderRefusal> => {
  for (const [at, byte] of VERSION_LINE.entries()) {
    if (at === file.length) return Result.fail("Truncated")
    if (file[at] !== byte) return Result.fail("NotAge")
  }
  let start = VERSION_LINE.length
  while (start < limit) {
    const end = file.indexOf(LINE_END, start)
    if (end < 0) return Result.fail(file.length < limit ? "Truncated" : "HeaderTooLong")
    if (end >= limit) break
    if (LAST_LINE.every((byte, index) => file[start + index] === byte)) return Result.succeed(end + 1)
    start = end + 1
  }
  return Result.fail("HeaderTooLong")
}

/** Bytes behind the header where the plaintext has `size`. */
export const payloadLength = (size: number): number => NONCE + size + TAG * Math.max(1, Math.ceil(size / CHUNK))

/** The least that can stand behind a header: the payload of nothing. */
export const LEAST_PAYLOAD = payloadLength(0)
