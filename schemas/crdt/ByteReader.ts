/**
 * Reads what `ByteWriter` writes, from anybody: it never throws. The first thing that is wrong is kept as `refusal`, and
 * what is read from then on means nothing. There is one encoding of everything; any other is refused.
 */
import { codePoints, textOf } from "./utf8.ts"

export class ByteReader {
  bytes: Uint8Array
  at = 0
  end = 0
  refusal: string | undefined
  /** What kind of field is being read: nothing to this reader, the context of a byte to those that compress. */
  column = 0

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.bytes = bytes
    this.end = bytes.length
  }

  reset(bytes: Uint8Array, from = 0, to = bytes.length): this {
    this.bytes = bytes
    this.at = from
    this.end = to
    this.refusal = undefined
    return this
  }

  fail(word: string): 0 {
    this.refusal ??= word
    this.at = this.end
    return 0
  }

  byte(): number {
    if (this.at >= this.end) return this.fail("cut short")
    return this.bytes[this.at++]!
  }

  uint(): number {
    const first = this.byte()
    return first < 0x80 ? first : this.#uintAfter(first)
  }

  /** So many in a row, those of one and two bytes without a call for each. */
  uints(count: number): Float64Array {
    const values = new Float64Array(count)
    const { bytes, end } = this
    for (let place = 0, at = this.at; place < count && this.refusal === undefined; place++) {
      const first = at < end ? bytes[at]! : 0x80
      const second = at + 1 < end ? bytes[at + 1]! : 0x80
      if (first < 0x80) {
        values[place] = first
        at++
      } else if (second > 0 && second < 0x80) {
        values[place] = (first & 0x7f) + second * 0x80
        at += 2
      } else {
        this.at = at
        values[place] = this.uint()
        at = this.at
      }
      this.at = at
    }
    return values
  }

  int(): number {
    const value = this.uint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  float(): number {
    const at = this.take(8)
    return this.refusal === undefined ? new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 8).getFloat64(0) : 0
  }

  /** Where in `bytes` the next so many are, and goes on behind them. */
  take(length: number): number {
    if (length > this.end - this.at) return this.fail("cut short")
    const at = this.at
    this.at += length
    return at
  }

  /** A view of the next so many bytes. */
  view(length: number): Uint8Array {
    const at = this.take(length)
    return this.bytes.subarray(at, this.refusal === undefined ? at + length : at)
  }

  /** A number of things, each of which takes at least so many bytes. */
  count(bytes: number): number {
    const count = this.uint()
    return count * bytes > this.end - this.at ? this.fail("cut short") : count
  }

  /** Text of at most `max` bytes. */
  text(max: number): string {
    return this.utf8(this.uint(), max)
  }

  /** The same where the number of bytes is known. */
  utf8(length: number, max: number): string {
    if (length > max) {
      this.fail("text too long")
      return ""
    }
    const at = this.take(length)
    if (this.refusal !== undefined) return ""
    if (codePoints(this.bytes, at, at + length) < 0) {
      this.fail("invalid UTF-8")
      return ""
    }
    return textOf(this.bytes, at, at + length)
  }

  #uintAfter(first: number): number {
    let value = first & 0x7f
    let scale = 0x80
    for (;;) {
      const byte = this.byte()
      if (this.refusal !== undefined) return 0
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) return this.fail("number too large")
      if (byte < 0x80) return byte === 0 ? this.fail("number not in its shortest form") : value
      scale *= 0x80
    }
  }
}
