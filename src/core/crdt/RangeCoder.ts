/**
 * Arithmetic coding of single bits (range coder with carry, as in LZMA): a bit that was expected costs next to nothing.
 * Encoder and decoder have one method in common, so that a model is written once for both directions.
 */
import { ByteWriter } from "#schemas/crdt/ByteWriter"

/** Probabilities are parts of this. */
export const CERTAIN = 2 ** 16

const TOP = 2 ** 24

export interface BitCoder {
  /** `chance` in CERTAIN that the bit is 1, neither 0 nor CERTAIN. Answers the bit; a decoder ignores the one given. */
  readonly bit: (bit: number, chance: number) => number
}

export class RangeEncoder implements BitCoder {
  readonly #out = new ByteWriter()
  #low = 0
  #range = 0xffffffff
  /** The last byte that a carry may still change, and how many 0xff stand behind it. */
  #held = -1
  #full = 0

  bit(bit: number, chance: number): number {
    const bound = (this.#range >>> 16) * chance
    if (bit === 1) this.#range = bound
    else {
      this.#low += bound
      this.#range -= bound
    }
    while (this.#range < TOP) {
      this.#range = (this.#range << 8) >>> 0
      this.#shift()
    }
    return bit
  }

  finish(): Uint8Array {
    for (let left = 5; left > 0; left--) this.#shift()
    return this.#out.taken()
  }

  #shift(): void {
    const carry = this.#low > 0xffffffff ? 1 : 0
    const byte = (this.#low >>> 24) & 0xff
    if (byte === 0xff && carry === 0) this.#full++
    else {
      if (this.#held >= 0) this.#out.byte((this.#held + carry) & 0xff)
      for (; this.#full > 0; this.#full--) this.#out.byte((0xff + carry) & 0xff)
      this.#held = byte
    }
    this.#low = (this.#low & 0xffffff) * 0x100
  }
}

export class RangeDecoder implements BitCoder {
  readonly #bytes: Uint8Array
  #at: number
  #code = 0
  #range = 0xffffffff

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
    for (let left = 4; left > 0; left--) this.#code = this.#next()
  }

  /** Whether more was asked for than there is. */
  get isSpent(): boolean {
    return this.#at > this.#bytes.length
  }

  bit(_bit: number, chance: number): number {
    const bound = (this.#range >>> 16) * chance
    const bit = this.#code < bound ? 1 : 0
    if (bit === 1) this.#range = bound
    else {
      this.#code -= bound
      this.#range -= bound
    }
    while (this.#range < TOP) {
      this.#range = (this.#range << 8) >>> 0
      this.#code = this.#next()
    }
    return bit
  }

  #next(): number {
    const byte = this.#at < this.#bytes.length ? this.#bytes[this.#at]! : 0
    this.#at++
    return ((this.#code << 8) | byte) >>> 0
  }
}
