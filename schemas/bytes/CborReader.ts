/**
 * A strict cursor over deterministic CBOR (RFC 8949 §4.2, and the stricter DAG-CBOR rules under the profile `dag`).
 *
 * There is one encoding of every value and this accepts no other. It never throws and never allocates for a length that
 * the input cannot hold: the first thing wrong is noted in `refusal`, after which every read answers null. Byte strings
 * are views of the input, not copies.
 */
import { CborFloat, CborLink, type CborMap, type CborProfile, type CborValue, MAX_DEPTH } from "./CborValue.ts"

/** Text up to this length is read byte by byte while it is ASCII; above it, setting up the decoder pays. */
const SHORT_TEXT = 24

/** A byte order mark is text like any other, or it would be lost. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export class CborReader {
  at = 0
  /** Empty while all went well. */
  refusal = ""
  private readonly bytes: Uint8Array
  private readonly dag: boolean
  private itemsLeft: number

  constructor(bytes: Uint8Array, profile: CborProfile, maxItems: number) {
    this.bytes = bytes
    this.dag = profile === "dag"
    this.itemsLeft = maxItems
  }

  /** One data item; `depth` counts the arrays and maps around it. */
  value(depth: number): CborValue {
    if (this.at >= this.bytes.length) return this.refuse("cut short")
    if (--this.itemsLeft < 0) return this.refuse("too many items")
    const initial = this.bytes[this.at++]!
    const info = initial & 31
    switch (initial >> 5) {
      case 0:
        return info < 24 ? info : this.integer(info, false)
      case 1:
        return info < 24 ? -1 - info : this.integer(info, true)
      case 2:
        return this.byteString(info)
      case 3:
        return this.text(info)
      case 4:
        return this.array(info, depth)
      case 5:
        return this.dag ? this.map(info, depth) : this.refuse("map where none is allowed")
      case 6:
        return this.link(info)
      default:
        return this.simple(info)
    }
  }

  /** The head of an array: how many elements follow, or −1. */
  arrayCount(): number {
    const initial = this.bytes[this.at]
    if (initial === undefined || initial >> 5 !== 4) {
      this.refuse("not an array")
      return -1
    }
    this.at++
    const count = this.length(initial & 31)
    if (count > this.bytes.length - this.at) this.refuse("more elements than bytes")
    return this.refusal === "" ? count : -1
  }

  refuse(reason: string): null {
    if (this.refusal === "") this.refusal = reason
    return null
  }

  /** The argument of a head (RFC 8949 §3), shortest form only; from 2^53 up it is not exact, see `integer`. */
  private length(info: number): number {
    if (info < 24) return info
    if (info > 27) {
      this.refuse(info === 31 ? "indefinite length" : "reserved length")
      return 0
    }
    const size = 1 << (info - 24)
    if (this.bytes.length - this.at < size) {
      this.refuse("cut short")
      return 0
    }
    let argument = 0
    for (let i = 0; i < size; i++) argument = argument * 256 + this.bytes[this.at++]!
    if (argument < (size === 1 ? 24 : 2 ** (4 * size))) this.refuse("number not in its shortest form")
    return argument
  }

  private integer(info: number, negative: boolean): CborValue {
    const start = this.at
    const argument = this.length(info)
    if (this.refusal !== "") return null
    if (argument < Number.MAX_SAFE_INTEGER || (argument === Number.MAX_SAFE_INTEGER && !negative)) {
      return negative ? -1 - argument : argument
    }
    if (!this.dag) return this.refuse("integer beyond 53 bits")
    let exact = 0n
    for (let i = start; i < this.at; i++) exact = (exact << 8n) | BigInt(this.bytes[i]!)
    return negative ? -1n - exact : exact
  }

  private byteString(info: number): Uint8Array | null {
    const length = this.length(info)
    if (this.refusal !== "") return null
    if (length > this.bytes.length - this.at) return this.refuse("cut short")
    // not subarray: the constructor is faster, and makes a plain Uint8Array also where the input is a Buffer
    const view = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + this.at, length)
    this.at += length
    return view
  }

  private text(info: number): string | null {
    const length = this.length(info)
    if (this.refusal !== "") return null
    if (length > this.bytes.length - this.at) return this.refuse("cut short")
    const end = this.at + length
    if (length <= SHORT_TEXT) {
      let text = ""
      let i = this.at
      for (; i < end && this.bytes[i]! < 128; i++) text += String.fromCharCode(this.bytes[i]!)
      if (i === end) {
        this.at = end
        return text
      }
    }
    try {
      const text = decoder.decode(this.bytes.subarray(this.at, end))
      this.at = end
      return text
    } catch {
      return this.refuse("text is not UTF-8")
    }
  }

  private array(info: number, depth: number): ReadonlyArray<CborValue> | null {
    const count = this.length(info)
    if (this.refusal !== "") return null
    if (depth >= MAX_DEPTH) return this.refuse("nested too deep")
    if (count > this.bytes.length - this.at) return this.refuse("more elements than bytes")
    const values: Array<CborValue> = []
    for (let i = 0; i < count; i++) {
      values.push(this.value(depth + 1))
      if (this.refusal !== "") return null
    }
    return values
  }

  private map(info: number, depth: number): CborMap | null {
    const count = this.length(info)
    if (this.refusal !== "") return null
    if (depth >= MAX_DEPTH) return this.refuse("nested too deep")
    if (count * 2 > this.bytes.length - this.at) return this.refuse("more elements than bytes")
    const values = new Map<string, CborValue>()
    let last = this.at
    let lastEnd = this.at
    for (let i = 0; i < count; i++) {
      const start = this.at
      const key = this.value(depth + 1)
      if (this.refusal !== "") return null
      if (typeof key !== "string") return this.refuse("map key is not text")
      if (i > 0 && !this.inOrder(last, lastEnd, start)) return this.refuse("map keys not in order")
      last = start
      lastEnd = this.at
      values.set(key, this.value(depth + 1))
      if (this.refusal !== "") return null
    }
    return values
  }

  /** Strictly rising. The heads are compared too: being shortest, they put the shorter key first. */
  private inOrder(last: number, lastEnd: number, start: number): boolean {
    for (let i = 0; last + i < lastEnd && start + i < this.at; i++) {
      const difference = this.bytes[start + i]! - this.bytes[last + i]!
      if (difference !== 0) return difference > 0
    }
    return false
  }

  private link(info: number): CborLink | null {
    const tag = this.length(info)
    if (this.refusal !== "") return null
    if (!this.dag || tag !== 42) return this.refuse("tag where none is allowed")
    const initial = this.bytes[this.at]
    if (initial === undefined || initial >> 5 !== 2) return this.refuse("link is not a byte string")
    this.at++
    const bytes = this.byteString(initial & 31)
    if (bytes === null) return null
    return bytes.length > 1 && bytes[0] === 0 ? new CborLink(bytes.subarray(1)) : this.refuse("link without its zero")
  }

  private simple(info: number): CborValue {
    if (info === 20) return false
    if (info === 21) return true
    if (info === 22) return null
    if (info === 31) return this.refuse("indefinite length")
    if (info === 27 && this.dag) return this.float()
    return this.refuse(info >= 25 && info <= 27 ? "float where none is allowed" : "simple value where none is allowed")
  }

  private float(): number | CborFloat | null {
    if (this.bytes.length - this.at < 8) return this.refuse("cut short")
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 8).getFloat64(0)
    this.at += 8
    if (!Number.isFinite(value)) return this.refuse("float without a value")
    return Number.isSafeInteger(value) ? new CborFloat(value) : value
  }
}
