/**
 * The frame (WIRE.md §2), big-endian.
 *   0  1  version     1
 *   1  1  frame_type
 *   2  2  flags       bit 0 sealed, bit 1 "my next sealed frame uses REKEY(k)"; the rest zero on send, ignored on receipt
 *   4  4  length      payload bytes
 *   8  …  payload, then a mac of 16 when sealed
 *
 * The plain functions are for the hot path; the Schema says the same for everyone else.
 */
import { Result, Schema } from "effect"
import { transformation } from "#schemas/bytes/transformation"

export const VERSION = 1
export const HEADER_BYTES = 8
export const MAC_BYTES = 16

/** With the tag of 16 a Noise message is at most 65,535 bytes (Noise §3). */
export const PAYLOAD_LIMIT = 65_519
/** Of a frame inside a BATCH: there must be room for its header. */
export const INNER_LIMIT = PAYLOAD_LIMIT - HEADER_BYTES
/** Of a HANDSHAKE: 1,280 bytes of payload, two keys, two tags and room to spare. */
export const HANDSHAKE_LIMIT = 1_536

export const FrameType = {
  HANDSHAKE: 0x01,
  HEARTBEAT: 0x02,
  GOODBYE: 0x03,
  BATCH: 0x04,
  RPC_REQ: 0x10,
  RPC_RES: 0x11,
  DHT_REQ: 0x20,
  DHT_RES: 0x21,
  ONION: 0x30,
  GOSSIP: 0x40,
  ENVELOPE: 0x50,
  RELAY: 0x60
} as const
export type FrameType = (typeof FrameType)[keyof typeof FrameType]

export const Flag = { SEALED: 1, REKEY: 2 } as const

const Type = Schema.Literals(Object.values(FrameType))

/** Any frame, as it stands on the wire or inside a BATCH. */
export class Frame extends Schema.Class<Frame>("allium/session/Frame")({
  type: Type,
  rekey: Schema.Boolean,
  payload: Schema.Uint8Array.check(Schema.isMaxLength(PAYLOAD_LIMIT)),
  /** Present when sealed. */
  mac: Schema.optionalKey(Schema.Uint8Array.check(Schema.isBetweenLength(MAC_BYTES, MAC_BYTES)))
}) {}

export const writeHeader = (bytes: Uint8Array, at: number, type: FrameType, flags: number, length: number): void => {
  bytes[at] = VERSION
  bytes[at + 1] = type
  bytes[at + 2] = 0
  bytes[at + 3] = flags
  bytes[at + 4] = 0
  bytes[at + 5] = length >>> 16
  bytes[at + 6] = length >>> 8
  bytes[at + 7] = length
}

export const flagsOf = (frame: Uint8Array): number => ((frame[2] ?? 0) << 8) | (frame[3] ?? 0)

/** The declared payload length of the header at `at`, unsigned; what is missing counts as zero. */
export const lengthAt = (bytes: Uint8Array, at: number): number =>
  (((bytes[at + 4] ?? 0) << 24) | ((bytes[at + 5] ?? 0) << 16) | ((bytes[at + 6] ?? 0) << 8) | (bytes[at + 7] ?? 0)) >>>
  0

/** The one whole frame that these bytes are, or the word of refusal. */
export const readFrame = (bytes: Uint8Array): Result.Result<typeof Frame.Encoded, string> => {
  if (bytes.length < HEADER_BYTES) return Result.fail("shorter than a header")
  if (bytes[0] !== VERSION) return Result.fail("unknown version")
  const type = Type.literals.find((it) => it === bytes[1])
  if (type === undefined) return Result.fail("unknown type")
  const flags = flagsOf(bytes)
  const end = HEADER_BYTES + lengthAt(bytes, 0)
  const sealed = (flags & Flag.SEALED) !== 0
  if (end > HEADER_BYTES + PAYLOAD_LIMIT) return Result.fail("oversize")
  if (bytes.length !== end + (sealed ? MAC_BYTES : 0)) return Result.fail("length does not match")
  const common = { type, rekey: (flags & Flag.REKEY) !== 0, payload: bytes.subarray(HEADER_BYTES, end) }
  return Result.succeed(sealed ? { ...common, mac: bytes.subarray(end) } : common)
}

export const writeFrame = (frame: typeof Frame.Encoded): Uint8Array => {
  const bytes = new Uint8Array(HEADER_BYTES + frame.payload.length + (frame.mac === undefined ? 0 : MAC_BYTES))
  const flags = (frame.mac === undefined ? 0 : Flag.SEALED) | (frame.rekey ? Flag.REKEY : 0)
  writeHeader(bytes, 0, frame.type, flags, frame.payload.length)
  bytes.set(frame.payload, HEADER_BYTES)
  if (frame.mac !== undefined) bytes.set(frame.mac, HEADER_BYTES + frame.payload.length)
  return bytes
}

export const FrameFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Frame, transformation(readFrame, writeFrame)))
