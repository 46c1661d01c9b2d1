/**
 * What a router delivers, whichever way it went (WIRE §5).
 *
 *   0  1  type          1 MLS_PAYLOAD … 7 ACK
 *   1  1  has           bit 0 channel, bit 1 epoch; the others must be zero
 *   2 32  channel_hash  if bit 0
 *     32  epoch_id      if bit 1
 *         body          to the end
 *
 * An ENVELOPE frame carries 16 bytes of message_id before it.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesOf } from "#schemas/bytes/bytes"
import { transformation } from "#schemas/bytes/transformation"

export const EnvelopeType = Schema.Literals(["MLS_PAYLOAD", "CRDT_OP", "WELCOME", "RPC", "DHT", "SNAPSHOT", "ACK"])
export type EnvelopeType = typeof EnvelopeType.Type

export const MESSAGE_ID_LENGTH = 16

export const MessageId = bytesOf(MESSAGE_ID_LENGTH).pipe(Schema.brand("MessageId"))
export type MessageId = typeof MessageId.Type

/** The word of refusal for what a later version may send. */
export const UNKNOWN_TYPE = "unknown envelope type"

const HAS_CHANNEL = 1
const HAS_EPOCH = 2

export class InnerEnvelope extends Schema.Class<InnerEnvelope>("allium/router/InnerEnvelope")({
  type: EnvelopeType,
  channelHash: Schema.optionalKey(Bytes32),
  epochId: Schema.optionalKey(Bytes32),
  body: Schema.Uint8Array
}) {}

/** The fields without the class, as the hot path has them. */
export type InnerEnvelopeFields = Pick<InnerEnvelope, keyof typeof InnerEnvelope.fields>

/** The payload of an ENVELOPE frame. */
export interface Envelope {
  readonly messageId: MessageId
  readonly envelope: InnerEnvelopeFields
}

/** The fields, as views of `bytes`; or the word of refusal. */
export const read = (bytes: Uint8Array): Result.Result<InnerEnvelopeFields, string> => {
  if (bytes.length < 2) return cutShort
  const type = EnvelopeType.literals[bytes[0]! - 1]
  const has = bytes[1]!
  if (type === undefined) return Result.fail(UNKNOWN_TYPE)
  if (has > (HAS_CHANNEL | HAS_EPOCH)) return Result.fail("unknown envelope flags")
  const epochAt = has & HAS_CHANNEL ? 34 : 2
  const bodyAt = has & HAS_EPOCH ? epochAt + 32 : epochAt
  if (bytes.length < bodyAt) return cutShort
  return Result.succeed({
    type,
    ...(has & HAS_CHANNEL ? { channelHash: bytes.subarray(2, 34) } : undefined),
    ...(has & HAS_EPOCH ? { epochId: bytes.subarray(epochAt, bodyAt) } : undefined),
    body: bytes.subarray(bodyAt)
  })
}

export const write = (envelope: InnerEnvelopeFields): Uint8Array => writeAfter(0, envelope)

export const InnerEnvelopeFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(InnerEnvelope, transformation(read, write))
)

export const readEnvelope = (payload: Uint8Array): Result.Result<Envelope, string> => {
  const envelope = read(payload.subarray(MESSAGE_ID_LENGTH))
  if (Result.isFailure(envelope)) return Result.fail(envelope.failure)
  const messageId = payload.subarray(0, MESSAGE_ID_LENGTH) as MessageId
  return Result.succeed({ messageId, envelope: envelope.success })
}

export const writeEnvelope = ({ messageId, envelope }: Envelope): Uint8Array => {
  const payload = writeAfter(MESSAGE_ID_LENGTH, envelope)
  payload.set(messageId)
  return payload
}

/** The answer to an envelope that arrived; its body names it. */
export const acknowledgement = (messageId: MessageId): InnerEnvelopeFields => ({ type: "ACK", body: messageId })

const cutShort = Result.fail("cut short")

/** Leaves `offset` bytes free before the envelope. */
const writeAfter = (offset: number, { type, channelHash, epochId, body }: InnerEnvelopeFields): Uint8Array => {
  const epochAt = offset + (channelHash === undefined ? 2 : 34)
  const bodyAt = epochAt + (epochId === undefined ? 0 : 32)
  const bytes = new Uint8Array(bodyAt + body.length)
  bytes[offset] = EnvelopeType.literals.indexOf(type) + 1
  bytes[offset + 1] = (channelHash === undefined ? 0 : HAS_CHANNEL) | (epochId === undefined ? 0 : HAS_EPOCH)
  if (channelHash !== undefined) bytes.set(channelHash, offset + 2)
  if (epochId !== undefined) bytes.set(epochId, epochAt)
  bytes.set(body, bodyAt)
  return bytes
}
