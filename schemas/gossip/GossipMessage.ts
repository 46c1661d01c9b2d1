/**
 * What is spread among the subscribers of a topic, signed by its author (WIRE §6). At most 60 KiB of data.
 *
 *   [topic 32, author 32, issued ms, data ≤ 60 KiB, sig 64]      label "gossip", id = SHA-256 of all of it
 *
 * The id covers the signature, so a copy that somebody has tampered with is another message, and hides no real one.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { SIGNATURE_LENGTH, Signature, Uint53 } from "#schemas/dht/Record"
import { PublicKey } from "#schemas/identity/PublicKey"

/** What a message is about: 32 bytes that its subscribers agree on, such as a hash. */
export const Topic = Bytes32.pipe(Schema.brand("Topic"))
export type Topic = typeof Topic.Type

export const LABEL = "gossip"

export const DATA_LIMIT = 60 * 1024

/** Bytes of a message: 147 beside the data, and room for what later versions append. One always fits a frame. */
export const MESSAGE_LIMIT = DATA_LIMIT + 1024

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 4

/** Elements, those of later versions included; a message has no use for nested ones. */
const ITEMS_LIMIT = 32

/** Milliseconds after `issued` for which a message is passed on, and before it that clocks may differ by. */
export const TIMELY_FOR = 90_000
export const AHEAD_LIMIT = 10_000

/** Milliseconds for which an id is remembered: longer than anybody passes its message on. */
export const SEEN_FOR = 120_000

export class GossipMessage extends Schema.Class<GossipMessage>("allium/gossip/GossipMessage")({
  topic: Topic,
  author: PublicKey,
  /** Unix milliseconds. */
  issued: Uint53,
  data: bytesUpTo(DATA_LIMIT),
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type GossipMessageFields = Pick<GossipMessage, keyof typeof GossipMessage.fields>

/** What stands before the signature. */
export type UnsignedGossipMessage = Omit<typeof GossipMessage.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<GossipMessageFields, string> => {
  const decoded = decodeArray(bytes, { maxBytes: MESSAGE_LIMIT, maxItems: ITEMS_LIMIT })
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [topic, author, issued, data, signature] = decoded.success
  if (!isBytesOf(topic, 32)) return Result.fail("malformed topic")
  if (!isBytesOf(author, 32)) return Result.fail("malformed author")
  if (!isUint(issued)) return Result.fail("malformed time")
  if (!isBytesUpTo(data, DATA_LIMIT)) return Result.fail("malformed data")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  return Result.succeed({ topic: topic as Topic, author: author as PublicKey, issued, data, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (message: UnsignedGossipMessage): Uint8Array => encode(head(message))

export const write = (message: typeof GossipMessage.Encoded): Uint8Array =>
  encode([...head(message), message.signature])

export const GossipMessageFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(GossipMessage, transformation(read, write))
)

/** Whether it is passed on at all at this time, unix milliseconds. */
export const isTimely = (issued: number, now: number): boolean =>
  issued >= now - TIMELY_FOR && issued <= now + AHEAD_LIMIT

const head = ({ author, data, issued, topic }: UnsignedGossipMessage): Array<CborValue> => [topic, author, issued, data]
