/**
 * A node's id: SHA-256 of its Ed25519 public key, 32 bytes, and a point of the DHT's key space.
 *
 * In memory it is bytes, in addresses and on screens base58btc text: of 0x12 0x20 ‖ id, which is the id as a sha2-256
 * multihash and the value of a multiaddr's `/p2p`. All of them begin with "Qm".
 */
import { Result, Schema } from "effect"
import { base58btc } from "multiformats/bases/base58"
import { Bytes32, bytesOfHex, concatBytes, hexOf } from "#schemas/bytes/bytes"
import { transformation } from "#schemas/bytes/transformation"

export const NodeId = Bytes32.pipe(Schema.brand("NodeId"))
export type NodeId = typeof NodeId.Type

/** sha2-256, 32 bytes (the multicodec table). */
const MULTIHASH_PREFIX = Uint8Array.of(0x12, 0x20)

/** 34 bytes that begin with 0x12 always have this many base58 digits; checked first, as base58 is quadratic. */
const TEXT_LENGTH = 46

/** Last characters of the text shown in logs: 46 bits, enough to tell the nodes of one log apart. */
const SHORT_LENGTH = 8

export const nodeIdText = (id: Uint8Array): string => base58btc.baseEncode(concatBytes([MULTIHASH_PREFIX, id]))

/** For logs; not unique. */
export const nodeIdShort = (id: Uint8Array): string => nodeIdText(id).slice(-SHORT_LENGTH)

export const nodeIdOfText = (text: string): Result.Result<NodeId, string> => {
  if (text.length !== TEXT_LENGTH) return Result.fail(`a node id has ${TEXT_LENGTH} characters`)
  try {
    const bytes = base58btc.baseDecode(text)
    return bytes.length === 34 && bytes[0] === 0x12 && bytes[1] === 0x20
      ? Result.succeed(bytes.slice(2) as NodeId)
      : Result.fail("not a sha2-256 multihash")
  } catch {
    return Result.fail("not base58btc")
  }
}

const nodeIdOfHex = (text: string): Result.Result<NodeId, string> => {
  const bytes = text.length === 64 ? bytesOfHex(text) : undefined
  return bytes === undefined ? Result.fail("a node id has 64 hex digits") : Result.succeed(bytes as NodeId)
}

export const NodeIdFromText = Schema.String.pipe(Schema.decodeTo(NodeId, transformation(nodeIdOfText, nodeIdText)))

export const NodeIdFromHex = Schema.String.pipe(Schema.decodeTo(NodeId, transformation(nodeIdOfHex, hexOf)))
