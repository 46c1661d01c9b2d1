/**
 * The payload of Noise messages 2 and 3 (WIRE.md §3): CBOR [1, PeerRecord bytes, boot 8], at most 1,280 bytes.
 *
 * `boot` is drawn when a node starts. By it a peer tells a second session of the same run from one after a restart.
 */
import { Result, Schema } from "effect"
import { bytesOf, bytesUpTo } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { isBytesOf, isBytesUpTo } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"

export const HANDSHAKE_MESSAGE_LIMIT = 1_280
export const BOOT_BYTES = 8
/** A PeerRecord is at most 1 KiB (WIRE.md §6). */
const RECORD_LIMIT = 1_024
/** Elements and nested parts that a later minor version may have added are read over, within reason. */
const ITEMS_LIMIT = 64

export class HandshakeMessage extends Schema.Class<HandshakeMessage>("allium/session/HandshakeMessage")({
  /** As received: what was signed. */
  record: bytesUpTo(RECORD_LIMIT),
  boot: bytesOf(BOOT_BYTES)
}) {}

export const readHandshakeMessage = (bytes: Uint8Array): Result.Result<typeof HandshakeMessage.Encoded, string> => {
  const array = decodeArray(bytes, { maxBytes: HANDSHAKE_MESSAGE_LIMIT, maxItems: ITEMS_LIMIT })
  if (Result.isFailure(array)) return Result.fail(array.failure)
  const [version, record, boot] = array.success
  if (version !== 1) return Result.fail("unknown version")
  if (!isBytesUpTo(record, RECORD_LIMIT)) return Result.fail("malformed record")
  if (!isBytesOf(boot, BOOT_BYTES)) return Result.fail("malformed boot")
  return Result.succeed({ record, boot })
}

export const writeHandshakeMessage = (message: typeof HandshakeMessage.Encoded): Uint8Array =>
  encode([1, message.record, message.boot])

export const HandshakeMessageFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(HandshakeMessage, transformation(readHandshakeMessage, writeHandshakeMessage))
)
