/**
 * What is carried from end to end, in a frame or inside onions (WIRE.md §5).
 *
 *     0  1   type
 *     1  1   has          bit 0 channel, bit 1 epoch; the rest zero
 *     …  32  channel_hash where bit 0 is set
 *     …  32  epoch_id     where bit 1 is set
 *     …  …   body         to the end
 *
 * An ENVELOPE frame is `message_id 16 ‖ InnerEnvelope`; its answer is one of type ACK whose body is that message_id.
 */
import { Effect, Result, Schema, SchemaIssue, SchemaTransformation } from "effect"
import { Bytes32, bytesOf, bytesUpTo } from "#schemas/bytes/bytes"

/** In the order of their codes, from 1. */
export const EnvelopeType = Schema.Literals(["MLS_PAYLOAD", "CRDT_OP", "WELCOME", "RPC", "DHT", "SNAPSHOT", "ACK"])
export type EnvelopeType = typeof EnvelopeType.Type

const HAS_CHANNEL = 1
const HAS_EPOCH = 2
export const MESSAGE_ID = 16
/** What an inner frame holds less the message id and the longest head. */
export const MAX_BODY = 65_511 - MESSAGE_ID - 66

export const MessageId = bytesOf(MESSAGE_ID)

export class InnerEnvelope extends Schema.Class<InnerEnvelope>("allium/router/InnerEnvelope")({
  type: EnvelopeType,
  channel: Schema.optionalKey(Bytes32),
  epoch: Schema.optionalKey(Bytes32),
  body: bytesUpTo(MAX_BODY)
}) {}

/** The fields as views of `bytes`, or the word of refusal. */
export const readInnerEnvelope = (bytes: Uint8Array): Result.Result<typeof InnerEnvelope.Encoded, string> => {
  if (bytes.length < 2) return Result.fail("shorter than an envelope")
  const type = EnvelopeType.literals[bytes[0]! - 1]
  const has = bytes[1]!
  if (type === undefined) return Result.fail("unknown envelope type")
  if ((has & ~(HAS_CHANNEL | HAS_EPOCH)) !== 0) return Result.fail("unknown envelope part")
  const channelEnd = 2 + ((has & HAS_CHANNEL) !== 0 ? 32 : 0)
  const epochEnd = channelEnd + ((has & HAS_EPOCH) !== 0 ? 32 : 0)
  if (bytes.length < epochEnd) return Result.fail("truncated envelope")
  if (bytes.length - epochEnd > MAX_BODY) return Result.fail("oversize envelope")
  return Result.succeed({
    type,
    ...(channelEnd > 2 ? { channel: bytes.subarray(2, channelEnd) } : {}),
    ...(epochEnd > channelEnd ? { epoch: bytes.subarray(channelEnd, epochEnd) } : {}),
    body: bytes.subarray(epochEnd)
  })
}

export const writeInnerEnvelope = (envelope: typeof InnerEnvelope.Encoded): Uint8Array => {
  const { body, channel, epoch, type } = envelope
  const bytes = new Uint8Array(2 + (channel?.length ?? 0) + (epoch?.length ?? 0) + body.length)
  bytes[0] = EnvelopeType.literals.indexOf(type) + 1
  bytes[1] = (channel === undefined ? 0 : HAS_CHANNEL) | (epoch === undefined ? 0 : HAS_EPOCH)
  if (channel !== undefined) bytes.set(channel, 2)
  if (epoch !== undefined) bytes.set(epoch, 2 + (channel?.length ?? 0))
  bytes.set(body, bytes.length - body.length)
  return bytes
}

export const InnerEnvelopeFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(
    InnerEnvelope,
    SchemaTransformation.transformEffect({
      decode: (bytes: Uint8Array, options) =>
        Effect.fromResult(
          Result.mapError(
            readInnerEnvelope(bytes),
            (message) => new SchemaIssue.InvalidValue({ message }, bytes, options)
          )
        ),
      encode: (envelope: typeof InnerEnvelope.Encoded) => Effect.succeed(writeInnerEnvelope(envelope))
    })
  )
)
