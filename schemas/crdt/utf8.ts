/** UTF-8 as the documents need it: counted and checked where it stands, and short ASCII decoded without ceremony. */

/** A decoder costs more than this many characters one by one. */
const SHORT = 24

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Code points from `from` to `to`; −1 where it is not UTF-8 (overlong forms and surrogates are not). */
export const codePoints = (bytes: Uint8Array, from: number, to: number): number => {
  let count = 0
  for (let at = from; at < to; count++) {
    const lead = bytes[at]!
    if (lead < 0x80) {
      at++
      continue
    }
    const length = sequenceLength(lead)
    if (length < 2 || at + length > to) return -1
    const second = bytes[at + 1]!
    if (!isSecond(lead, second)) return -1
    for (let next = at + 2; next < at + length; next++) if ((bytes[next]! & 0xc0) !== 0x80) return -1
    at += length
  }
  return count
}

/** Bytes of the code point that begins with `lead`; zero where none does. */
export const sequenceLength = (lead: number): number =>
  lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0

/** The code point at `at` of checked UTF-8. */
export const codePointAt = (bytes: Uint8Array, at: number): number => {
  const lead = bytes[at]!
  if (lead < 0x80) return lead
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | (bytes[at + 1]! & 0x3f)
  if (lead < 0xf0) return ((lead & 0xf) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f)
  const high = ((lead & 7) << 18) | ((bytes[at + 1]! & 0x3f) << 12)
  return high | ((bytes[at + 2]! & 0x3f) << 6) | (bytes[at + 3]! & 0x3f)
}

/** The text of checked UTF-8. */
export const textOf = (bytes: Uint8Array, from: number, to: number): string => {
  if (to - from > SHORT) return decoder.decode(bytes.subarray(from, to))
  let text = ""
  for (let at = from; at < to; at++) {
    if (bytes[at]! >= 0x80) return decoder.decode(bytes.subarray(from, to))
    text += String.fromCharCode(bytes[at]!)
  }
  return text
}

/** The second byte is narrower after four of the leads: RFC 3629, section 4. */
const isSecond = (lead: number, second: number): boolean => {
  if (lead === 0xe0) return second >= 0xa0 && second <= 0xbf
  if (lead === 0xed) return second >= 0x80 && second <= 0x9f
  if (lead === 0xf0) return second >= 0x90 && second <= 0xbf
  if (lead === 0xf4) return second >= 0x80 && second <= 0x8f
  return (second & 0xc0) === 0x80
}
