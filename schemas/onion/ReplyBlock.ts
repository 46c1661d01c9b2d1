/**
 * What lets somebody answer without knowing whom: 795 bytes, big-endian (WIRE §4). Good for one cell.
 *     0   1  version    1
 *     1   1  class      that of the cell which carries the block, and of the answer
 *     2   2  ttl        as in every header of the stack
 *     4   1  addr_kind  see HopAddress
 *     5   2  port
 *     7  16  ip
 *    23  32  first_hop  NodeId
 *    55  32  reply_key  seals the answer's body; a secret of requester and responder
 *    87 700  stack      that of the answer's cell
 *   787   8  zero       checked
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesOf } from "#schemas/bytes/bytes"
import { transformation } from "#schemas/bytes/transformation"
import { NodeId } from "#schemas/identity/NodeId"
import { HopAddress, type HopAddressFields, kindOf, readHopAddress, writeHopAddress } from "./HopAddress.ts"
import { CellClass, STACK_BYTES } from "./OnionCell.ts"

export const REPLY_BLOCK_BYTES = 795
export const REPLY_BLOCK_VERSION = 1

const TTL_AT = 2
const ADDR_KIND_AT = 4
const PORT_AT = 5
const FIRST_HOP_AT = 23
const REPLY_KEY_AT = 55
const STACK_AT = 87
const ZERO_AT = STACK_AT + STACK_BYTES

export class ReplyBlock extends Schema.Class<ReplyBlock>("allium/onion/ReplyBlock")({
  cellClass: CellClass,
  ttl: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0xffff })),
  firstHop: NodeId,
  address: Schema.optionalKey(HopAddress),
  replyKey: Bytes32,
  stack: bytesOf(STACK_BYTES)
}) {}

/** The fields without the class, as the hot path has them. */
export interface ReplyBlockFields extends Omit<Pick<ReplyBlock, keyof typeof ReplyBlock.fields>, "address"> {
  readonly address?: HopAddressFields
}

/** The fields, as views of `bytes`; or the word of refusal. Whether its time is over is not judged. */
export const readReplyBlock = (bytes: Uint8Array): Result.Result<ReplyBlockFields, string> => {
  if (bytes.length !== REPLY_BLOCK_BYTES) return Result.fail("not 795 bytes")
  if (bytes[0] !== REPLY_BLOCK_VERSION) return Result.fail("unknown version of reply block")
  const cellClass = CellClass.literals[bytes[1]!]
  if (cellClass === undefined) return Result.fail("unknown class of cell")
  const ttl = (bytes[TTL_AT]! << 8) | bytes[TTL_AT + 1]!
  if (ttl === 0) return Result.fail("a dead reply block")
  for (let at = ZERO_AT; at < REPLY_BLOCK_BYTES; at++) {
    if (bytes[at] !== 0) return Result.fail("reserved bytes are not zero")
  }
  const address = readHopAddress(bytes[ADDR_KIND_AT]!, bytes, PORT_AT)
  if (Result.isFailure(address)) return Result.fail(address.failure)
  const common = {
    cellClass,
    ttl,
    firstHop: bytes.subarray(FIRST_HOP_AT, REPLY_KEY_AT) as NodeId,
    replyKey: bytes.subarray(REPLY_KEY_AT, STACK_AT),
    stack: bytes.subarray(STACK_AT, ZERO_AT)
  }
  return Result.succeed(address.success === undefined ? common : { ...common, address: address.success })
}

/** Into `bytes` from `start` on, where zeros are. */
export const writeReplyBlockAt = (block: typeof ReplyBlock.Encoded, bytes: Uint8Array, start: number): void => {
  bytes[start] = REPLY_BLOCK_VERSION
  bytes[start + 1] = block.cellClass
  bytes[start + TTL_AT] = block.ttl >>> 8
  bytes[start + TTL_AT + 1] = block.ttl
  bytes[start + ADDR_KIND_AT] = kindOf(block.address)
  writeHopAddress(block.address, bytes, start + PORT_AT)
  bytes.set(block.firstHop, start + FIRST_HOP_AT)
  bytes.set(block.replyKey, start + REPLY_KEY_AT)
  bytes.set(block.stack, start + STACK_AT)
}

export const writeReplyBlock = (block: typeof ReplyBlock.Encoded): Uint8Array => {
  const bytes = new Uint8Array(REPLY_BLOCK_BYTES)
  writeReplyBlockAt(block, bytes, 0)
  return bytes
}

export const ReplyBlockFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(ReplyBlock, transformation(readReplyBlock, writeReplyBlock))
)
