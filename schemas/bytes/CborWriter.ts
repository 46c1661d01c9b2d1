/**
 * Writes deterministic CBOR: shortest heads, definite lengths, floats in 64 bits, map keys in DAG-CBOR order.
 *
 * One buffer is shared by all writes, which are synchronous and never nest; what is handed out is a copy.
 */
import { compareBytes, utf8 } from "./bytes.ts"
import { CborFloat, CborLink, type CborMap, type CborValue } from "./CborValue.ts"

/** The buffer grows beyond this for one large value and is then let go: a frame at most, and room for heads. */
const KEPT_BUFFER = 131_072

/** Longest text tried byte by byte before the text encoder is asked. */
const SHORT_TEXT = 24

let buffer = new Uint8Array(KEPT_BUFFER)
let view = new DataView(buffer.buffer)
let at = 0

/**
 * Throws RangeError for what has no encoding at all (NaN, Infinity, an integer beyond 64 bits). `roomFor` gives the array
 * that is handed out: one of its own, or for a message a piece of the pool.
 */
export const write = (value: CborValue, roomFor: (length: number) => Uint8Array = exactly): Uint8Array => {
  at = 0
  put(value)
  const bytes = roomFor(at)
  bytes.set(buffer.subarray(0, at))
  if (buffer.length > KEPT_BUFFER) {
    buffer = new Uint8Array(KEPT_BUFFER)
    view = new DataView(buffer.buffer)
  }
  return bytes
}

const exactly = (length: number): Uint8Array => new Uint8Array(length)

/** A head of major type and argument by itself. */
export const writeHead = (major: number, argument: number): Uint8Array => {
  at = 0
  head(major, argument)
  return buffer.slice(0, at)
}

const room = (size: number): void => {
  if (at + size <= buffer.length) return
  const larger = new Uint8Array(Math.max(buffer.length * 2, at + size))
  larger.set(buffer.subarray(0, at))
  buffer = larger
  view = new DataView(larger.buffer)
}

const head = (major: number, argument: number): void => {
  room(9)
  const type = major << 5
  if (argument < 24) {
    buffer[at++] = type | argument
  } else if (argument < 0x100) {
    buffer[at++] = type | 24
    buffer[at++] = argument
  } else if (argument < 0x1_0000) {
    buffer[at++] = type | 25
    view.setUint16(at, argument)
    at += 2
  } else if (argument < 0x1_0000_0000) {
    buffer[at++] = type | 26
    view.setUint32(at, argument)
    at += 4
  } else {
    buffer[at++] = type | 27
    view.setUint32(at, Math.floor(argument / 0x1_0000_0000))
    view.setUint32(at + 4, argument % 0x1_0000_0000)
    at += 8
  }
}

const put = (value: CborValue): void => {
  if (typeof value === "number") putNumber(value)
  else if (value instanceof Uint8Array) putBytes(value)
  else if (typeof value === "string") putText(value)
  else if (value === null) simple(22)
  else if (typeof value === "boolean") simple(value ? 21 : 20)
  else if (typeof value === "bigint") putBigInt(value)
  else if (value instanceof CborLink) putLink(value)
  else if (value instanceof CborFloat) putFloat(value.value)
  else if (isMap(value)) putMap(value)
  else putArray(value)
}

const isMap = (value: CborMap | ReadonlyArray<CborValue>): value is CborMap => value instanceof Map

const putArray = (values: ReadonlyArray<CborValue>): void => {
  head(4, values.length)
  for (let i = 0; i < values.length; i++) put(values[i]!)
}

const simple = (info: number): void => {
  room(1)
  buffer[at++] = 0xe0 | info
}

/** Minus zero as a plain number is zero; `CborFloat` writes it as it is. */
const putNumber = (value: number): void => {
  if (!Number.isSafeInteger(value)) putFloat(value)
  else if (value >= 0) head(0, value)
  else head(1, -1 - value)
}

const putFloat = (value: number): void => {
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no canonical encoding`)
  room(9)
  buffer[at++] = 0xfb
  view.setFloat64(at, value)
  at += 8
}

const putBigInt = (value: bigint): void => {
  const argument = value < 0n ? -1n - value : value
  if (argument > 0xffff_ffff_ffff_ffffn) throw new RangeError("integer beyond 64 bits")
  if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) {
    head(value < 0n ? 1 : 0, Number(argument))
  } else {
    room(9)
    buffer[at++] = value < 0n ? 0x3b : 0x1b
    view.setBigUint64(at, argument)
    at += 8
  }
}

const putBytes = (value: Uint8Array): void => {
  head(2, value.length)
  room(value.length)
  buffer.set(value, at)
  at += value.length
}

const putText = (value: string): void => {
  if (value.length <= SHORT_TEXT && putAscii(value)) return
  const bytes = utf8(value)
  head(3, bytes.length)
  room(bytes.length)
  buffer.set(bytes, at)
  at += bytes.length
}

/** False, having written nothing, where the text is not ASCII. */
const putAscii = (value: string): boolean => {
  const start = at
  head(3, value.length)
  room(value.length)
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code > 127) {
      at = start
      return false
    }
    buffer[at++] = code
  }
  return true
}

const putLink = (link: CborLink): void => {
  head(6, 42)
  head(2, link.bytes.length + 1)
  room(link.bytes.length + 1)
  buffer[at++] = 0
  buffer.set(link.bytes, at)
  at += link.bytes.length
}

const putMap = (map: CborMap): void => {
  const entries = Array.from(map, ([key, value]) => ({ key: utf8(key), value }))
  entries.sort((a, b) => a.key.length - b.key.length || compareBytes(a.key, b.key))
  head(5, entries.length)
  for (const { key, value } of entries) {
    head(3, key.length)
    room(key.length)
    buffer.set(key, at)
    at += key.length
    put(value)
  }
}
