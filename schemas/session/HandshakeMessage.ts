/**
 * The payload of Noise messages 2 and 3 (WIRE.md §3): CBOR [1, PeerRecord bytes, boot 8, Hello], at most 1,280 bytes.
 *
 * `boot` is drawn when a node starts. By it a peer tells a second session of the same run from one after a restart.
 */
import { Result, Schema } from "effect"
import { bytesOf, bytesUpTo } from "#schemas/bytes/bytes"
import { decodeArray, encode, encodeMessage } from "#schemas/bytes/Cbor"
import { isBytesOf, isBytesUpTo } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { arrayOf, Hello, type HelloFields, ofArray } from "./Hello.ts"

export const HANDSHAKE_MESSAGE_LIMIT = 1_280
export const BOOT_BYTES = 8
/** A PeerRecord is at most 1 KiB (WIRE.md §6). */
const RECORD_LIMIT = 1_024
/** Elements and nested parts that a later minor version may have added are read over, within reason. */
const ITEMS_LIMIT = 64

export class HandshakeMessage extends Schema.Class<HandshakeMessage>("allium/session/HandshakeMessage")({
  /** As received: what was signed. */
  record: bytesUpTo(RECORD_LIMIT),
  boot: bytesOf(BOOT_BYTES),
  hello: Hello
}) {}

/** The fields without the class. */
export interface HandshakeFields {
  readonly record: Uint8Array
  readonly boot: Uint8Array
  readonly hello: HelloFields
}

export const readHandshakeMessage = (bytes: Uint8Array): Result.Result<HandshakeFields, string> => {
  const array = decodeArray(bytes, { maxBytes: HANDSHAKE_MESSAGE_LIMIT, maxItems: ITEMS_LIMIT })
  if (Result.isFailure(array)) return Result.fail(array.failure)
  const [version, record, boot, about] = array.success
  if (version !== 1) return Result.fail("unknown version")
  if (!isBytesUpTo(record, RECORD_LIMIT)) return Result.fail("malformed record")
  if (!isBytesOf(boot, BOOT_BYTES)) return Result.fail("malformed boot")
  const hello = ofArray(about)
  return hello === undefined ? Result.fail("malformed Hello") : Result.succeed({ record, boot, hello })
}

export const writeHandshakeMessage = ({ boot, hello, record }: HandshakeFields): Uint8Array =>
  encode([1, record, boot, arrayOf(hello)])

/**
 * The same, in parts, for all peers to whom a node shows one record: what differs is where it sees each of them, so the
 * rest is written once.
 */
export const handshakeMessageTo = (
  record: Uint8Array,
  boot: Uint8Array,
  hello: Omit<HelloFields, "observed">
): ((observed: Uint8Array) => ReadonlyArray<Uint8Array>) => {
  const whole = writeHandshakeMessage({ record, boot, hello: { ...hello, observed: new Uint8Array(0) } })
  const behind = whole.length - encode(hello.capabilities).length - encode(hello.maxInFlight).length
  const [head, tail] = [whole.subarray(0, behind - 1), whole.subarray(behind)]
  return (observed) => [head, encodeMessage(observed), tail]
}

export const HandshakeMessageFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(HandshakeMessage, transformation(readHandshakeMessage, writeHandshakeMessage))
)
