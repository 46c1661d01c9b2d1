/**
 * What one hop learns of a cell: 80 bytes, big-endian (WIRE §4).
 *    0  1  flags      bit 0 deliver_local, bit 1 reply, bit 2 has next_hop; the others must be zero
 *    1  1  addr_kind  see HopAddress
 *    2  2  ttl        minute of death, see src/core/onion/minutes.ts
 *    4  2  delay      milliseconds to hold the cell
 *    6  2  port
 *    8 16  ip
 *   24 32  next_hop   NodeId, zero without bit 2
 *   56 16  body_tag   Poly1305 of the body as it reaches this hop; in the last header of a reply block its id
 *   72  8  zero       checked
 */
import { Result, Schema } from "effect"
import { bytesOf } from "#schemas/bytes/bytes"
import { transformation } from "#schemas/bytes/transformation"
import { NodeId } from "#schemas/identity/NodeId"
import { HopAddress, type HopAddressFields, kindOf, readHopAddress, writeHopAddress } from "./HopAddress.ts"

export const HEADER_BYTES = 80
export const BODY_TAG_BYTES = 16

const DELIVER_LOCAL = 1
const REPLY = 2
const HAS_NEXT_HOP = 4

const FLAGS_AT = 0
const ADDR_KIND_AT = 1
const TTL_AT = 2
const DELAY_AT = 4
const PORT_AT = 6
const NEXT_HOP_AT = 24
const BODY_TAG_AT = 56
const ZERO_AT = 72

const Uint16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))

/** Where a cell goes next. Without an address it may only go over a session that is already open. */
export const NextHop = Schema.Struct({ nodeId: NodeId, address: Schema.optionalKey(HopAddress) })
export interface NextHopFields {
  readonly nodeId: NodeId
  readonly address?: HopAddressFields
}

export class OnionHeader extends Schema.Class<OnionHeader>("allium/onion/OnionHeader")({
  deliverLocal: Schema.Boolean,
  reply: Schema.Boolean,
  next: Schema.optionalKey(NextHop),
  /** 0 is dead. */
  ttl: Uint16,
  /** Milliseconds. */
  delay: Uint16,
  bodyTag: bytesOf(BODY_TAG_BYTES)
}) {}

/** The fields without the class, as the hot path has them. */
export interface OnionHeaderFields extends Omit<Pick<OnionHeader, keyof typeof OnionHeader.fields>, "next"> {
  readonly next?: NextHopFields
}

/** The fields, as views of `bytes`; or the word of refusal. */
export const readHeader = (bytes: Uint8Array): Result.Result<OnionHeaderFields, string> => {
  if (bytes.length !== HEADER_BYTES) return Result.fail("not 80 bytes")
  const flags = bytes[FLAGS_AT]!
  if (flags > (DELIVER_LOCAL | REPLY | HAS_NEXT_HOP)) return Result.fail("unknown flags")
  if (!isZero(bytes, ZERO_AT, HEADER_BYTES)) return Result.fail("reserved bytes are not zero")
  const address = readHopAddress(bytes[ADDR_KIND_AT]!, bytes, PORT_AT)
  if (Result.isFailure(address)) return Result.fail(address.failure)
  const hasNext = (flags & HAS_NEXT_HOP) !== 0
  if (!hasNext && (address.success !== undefined || !isZero(bytes, NEXT_HOP_AT, BODY_TAG_AT))) {
    return Result.fail("a next hop that the flags deny")
  }
  const nodeId = bytes.subarray(NEXT_HOP_AT, BODY_TAG_AT) as NodeId
  const next = address.success === undefined ? { nodeId } : { nodeId, address: address.success }
  const common = {
    deliverLocal: (flags & DELIVER_LOCAL) !== 0,
    reply: (flags & REPLY) !== 0,
    ttl: (bytes[TTL_AT]! << 8) | bytes[TTL_AT + 1]!,
    delay: (bytes[DELAY_AT]! << 8) | bytes[DELAY_AT + 1]!,
    bodyTag: bytes.subarray(BODY_TAG_AT, ZERO_AT)
  }
  return Result.succeed(hasNext ? { ...common, next } : common)
}

export const writeHeader = ({
  bodyTag,
  delay,
  deliverLocal,
  next,
  reply,
  ttl
}: typeof OnionHeader.Encoded): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES)
  bytes[FLAGS_AT] = (deliverLocal ? DELIVER_LOCAL : 0) | (reply ? REPLY : 0) | (next === undefined ? 0 : HAS_NEXT_HOP)
  bytes[ADDR_KIND_AT] = kindOf(next?.address)
  bytes[TTL_AT] = ttl >>> 8
  bytes[TTL_AT + 1] = ttl
  bytes[DELAY_AT] = delay >>> 8
  bytes[DELAY_AT + 1] = delay
  writeHopAddress(next?.address, bytes, PORT_AT)
  if (next !== undefined) bytes.set(next.nodeId, NEXT_HOP_AT)
  bytes.set(bodyTag, BODY_TAG_AT)
  return bytes
}

export const OnionHeaderFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(OnionHeader, transformation(readHeader, writeHeader))
)

const isZero = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false
  return true
}
