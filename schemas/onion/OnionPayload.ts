/**
 * What the recipient reads, the body after the last peel (WIRE §4), big-endian.
 *    0 16  message_id  in a reply: the request's
 *   16  1  part        from 0
 *   17  1  parts       1 to 8
 *   18  4  part_len
 *   22  …  that part of the InnerEnvelope
 *       1  blocks      0 to 8
 *       …  ReplyBlock of 795 each
 *       …  random to the end, which nobody reads
 */
import { Result, Schema } from "effect"
import { transformation } from "#schemas/bytes/transformation"
import { MESSAGE_ID_LENGTH, MessageId } from "#schemas/router/InnerEnvelope"
import { BODY_BYTES, type CellClass, TAG_BYTES } from "./OnionCell.ts"
import {
  REPLY_BLOCK_BYTES,
  ReplyBlock,
  type ReplyBlockFields,
  readReplyBlock,
  writeReplyBlockAt
} from "./ReplyBlock.ts"

export const PARTS_LIMIT = 8
export const BLOCKS_LIMIT = 8

const PART_AT = MESSAGE_ID_LENGTH
const PARTS_AT = PART_AT + 1
const LENGTH_AT = PARTS_AT + 1
const PIECE_AT = LENGTH_AT + 4
/** All that is neither the piece nor a block. */
const OVERHEAD = PIECE_AT + 1

export class OnionPayload extends Schema.Class<OnionPayload>("allium/onion/OnionPayload")({
  messageId: MessageId,
  part: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: PARTS_LIMIT - 1 })),
  parts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: PARTS_LIMIT })),
  /** Of the InnerEnvelope. */
  piece: Schema.Uint8Array.check(Schema.isMaxLength(BODY_BYTES[2] - OVERHEAD)),
  blocks: Schema.Array(ReplyBlock).check(Schema.isMaxLength(BLOCKS_LIMIT))
}) {}

/** The fields without the class, as the hot path has them. */
export interface OnionPayloadFields extends Omit<Pick<OnionPayload, keyof typeof OnionPayload.fields>, "blocks"> {
  readonly blocks: ReadonlyArray<ReplyBlockFields>
}

/** Bytes of an InnerEnvelope for which a request's cell has room beside so many reply blocks; negative if none fit. */
export const requestRoom = (cellClass: CellClass, blocks = 0): number =>
  BODY_BYTES[cellClass] - OVERHEAD - blocks * REPLY_BLOCK_BYTES

/** The same of a reply, whose tag stands in its body. */
export const replyRoom = (cellClass: CellClass, blocks = 0): number => requestRoom(cellClass, blocks) - TAG_BYTES

/** The fields, as views of `bytes`, whatever follows them; or the word of refusal. */
export const readPayload = (bytes: Uint8Array): Result.Result<OnionPayloadFields, string> => {
  if (bytes.length < OVERHEAD) return cutShort
  const part = bytes[PART_AT]!
  const parts = bytes[PARTS_AT]!
  if (parts === 0 || parts > PARTS_LIMIT || part >= parts) return Result.fail("impossible part")
  const length = ((bytes[18]! << 24) | (bytes[19]! << 16) | (bytes[20]! << 8) | bytes[21]!) >>> 0
  if (length > bytes.length - OVERHEAD) return Result.fail("impossible length")
  const blocksAt = PIECE_AT + length
  const count = bytes[blocksAt]!
  if (count > BLOCKS_LIMIT) return Result.fail("too many reply blocks")
  if (blocksAt + 1 + count * REPLY_BLOCK_BYTES > bytes.length) return cutShort
  const blocks: Array<ReplyBlockFields> = []
  for (let at = blocksAt + 1; blocks.length < count; at += REPLY_BLOCK_BYTES) {
    const block = readReplyBlock(bytes.subarray(at, at + REPLY_BLOCK_BYTES))
    if (Result.isFailure(block)) return Result.fail(block.failure)
    blocks.push(block.success)
  }
  const messageId = bytes.subarray(0, MESSAGE_ID_LENGTH) as MessageId
  return Result.succeed({ messageId, part, parts, piece: bytes.subarray(PIECE_AT, blocksAt), blocks })
}

/** Its length without padding. */
export const payloadBytes = ({ blocks, piece }: Pick<typeof OnionPayload.Encoded, "blocks" | "piece">): number =>
  OVERHEAD + piece.length + blocks.length * REPLY_BLOCK_BYTES

/** From the start of `bytes`, where zeros are; answers where the padding begins. */
export const writePayloadInto = (payload: typeof OnionPayload.Encoded, bytes: Uint8Array): number => {
  bytes.set(payload.messageId)
  bytes[PART_AT] = payload.part
  bytes[PARTS_AT] = payload.parts
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(LENGTH_AT, payload.piece.length)
  bytes.set(payload.piece, PIECE_AT)
  let at = PIECE_AT + payload.piece.length
  bytes[at++] = payload.blocks.length
  for (const block of payload.blocks) {
    writeReplyBlockAt(block, bytes, at)
    at += REPLY_BLOCK_BYTES
  }
  return at
}

/** Without padding, which is for the one who seals it. */
export const writePayload = (payload: typeof OnionPayload.Encoded): Uint8Array => {
  const bytes = new Uint8Array(payloadBytes(payload))
  writePayloadInto(payload, bytes)
  return bytes
}

export const OnionPayloadFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(OnionPayload, transformation(readPayload, writePayload))
)

const cutShort = Result.fail("cut short")
