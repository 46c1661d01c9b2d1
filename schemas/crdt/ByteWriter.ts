/**
 * Writes the bytes of operations and snapshots of shared documents: a buffer that grows and is used again.
 *
 *   uint    seven bits a byte, lowest first, high bit on all but the last; up to 2^53 − 1
 *   int     as uint, 2n for n ≥ 0 and −2n − 1 below; up to 2^52 either way
 *   float   IEEE 754 double, big-endian
 *   text    uint (bytes) ‖ UTF-8
 */
const FIRST_BUFFER = 256
/** Letters that are written one by one; fewer than 128, so that their number is one byte. */
const SHORT = 32

/** Bytes of the largest uint. */
export const UINT_BYTES = 8

const encoder = new TextEncoder()
const scratch = new DataView(new ArrayBuffer(8))

export class ByteWriter {
  bytes: Uint8Array
  length = 0

  constructor(room = FIRST_BUFFER) {
    this.bytes = new Uint8Array(room)
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(1)
    this.bytes[this.length++] = value
  }

  uint(value: number): void {
    if (this.length + UINT_BYTES > this.bytes.length) this.#grow(UINT_BYTES)
    if (value < 0x80) this.bytes[this.length++] = value
    else this.length = putUint(this.bytes, this.length, value)
  }

  int(value: number): void {
    this.uint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  float(value: number): void {
    scratch.setFloat64(0, Number.isNaN(value) ? Number.NaN : value)
    for (let at = 0; at < 8; at++) this.byte(scratch.getUint8(at))
  }

  raw(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) this.#grow(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Room for so many more bytes: whoever writes many small numbers puts them there himself, and then moves `length`. */
  room(more: number): Uint8Array {
    if (this.length + more > this.bytes.length) this.#grow(more)
    return this.bytes
  }

  /** Well-formed text in UTF-8, without its length. */
  utf8(text: string): void {
    if (text.length > SHORT || !this.#ascii(text)) this.#encode(text)
  }

  text(text: string): void {
    const start = this.length
    if (text.length <= SHORT) {
      this.byte(text.length)
      if (this.#ascii(text)) return
      this.length = start
    }
    this.#encode(text)
    const size = this.length - start
    // The length comes first, but is known last: room is made for it.
    this.uint(size)
    const head = this.length - start - size
    this.bytes.copyWithin(start + head, start, start + size)
    this.length = start
    this.uint(size)
    this.length += size
  }

  /** What was written, as a copy. */
  taken(from = 0): Uint8Array {
    return this.bytes.slice(from, this.length)
  }

  /** Letter by letter, which is faster for a few; false and nothing written if one is not ASCII. */
  #ascii(text: string): boolean {
    const start = this.length
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit >= 0x80) {
        this.length = start
        return false
      }
      this.byte(unit)
    }
    return true
  }

  #encode(text: string): void {
    if (this.length + 3 * text.length > this.bytes.length) this.#grow(3 * text.length)
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + more))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}

/** A uint where there is room; answers where the next byte goes. */
export const putUint = (bytes: Uint8Array, at: number, value: number): number => {
  let next = at
  let rest = value
  while (rest >= 0x80) {
    bytes[next++] = (rest % 0x80) | 0x80
    rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80)
  }
  bytes[next++] = rest
  return next
}
