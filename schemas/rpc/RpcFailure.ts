/**
 * An error as it crosses the wire: [tag ≤ 64, detail ≤ 256, data] (WIRE §2).
 *
 * The tag says what the asker can do about it, the detail is for people. Data goes with two tags only: `NotClosest`
 * names nodes that are closer, `WorkRequired` the leading zero bits asked for. What later versions add is null here.
 */
import { Result, Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { clipText, isBytesList, isTextUpTo, isUint, textUpTo } from "#schemas/bytes/fields"
import { PEERS_LIMIT } from "#schemas/dht/DhtMessage"
import { PEER_RECORD_LIMIT } from "#schemas/dht/Record"
import { WORK_BITS_LIMIT } from "#schemas/dht/Work"

export const TAG_LIMIT = 64
export const DETAIL_LIMIT = 256

export const NOT_CLOSEST = "NotClosest"
export const WORK_REQUIRED = "WorkRequired"
/** The answer does not fit where it has to go. */
export const TOO_LARGE = "TooLarge"

export class RpcFailure extends Schema.TaggedError<RpcFailure>()("RpcFailure", {
  tag: textUpTo(TAG_LIMIT),
  detail: textUpTo(DETAIL_LIMIT),
  data: Schema.Union([
    Schema.Null,
    /** PeerRecords, unverified. */
    Schema.Array(bytesUpTo(PEER_RECORD_LIMIT)).check(Schema.isMaxLength(PEERS_LIMIT)),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: WORK_BITS_LIMIT }))
  ])
}) {}

/** The fields without the error and its stack. */
export type RpcFailureFields = Pick<RpcFailure, "tag" | "detail" | "data">

export const read = (bytes: Uint8Array): Result.Result<RpcFailureFields, string> => {
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [tag, detail, data] = decoded.success
  if (!isTextUpTo(tag, TAG_LIMIT) || !isTextUpTo(detail, DETAIL_LIMIT) || data === undefined) return malformed
  if (tag === NOT_CLOSEST) return isPeers(data) ? Result.succeed({ tag, detail, data }) : malformed
  if (tag === WORK_REQUIRED) return isUint(data, WORK_BITS_LIMIT) ? Result.succeed({ tag, detail, data }) : malformed
  return Result.succeed({ tag, detail, data: null })
}

/** Cuts a detail that is too long, as it may quote what went wrong; data of other tags is left out. */
export const write = ({ tag, detail, data }: RpcFailureFields): Uint8Array =>
  encode([
    clipText(tag, TAG_LIMIT),
    clipText(detail, DETAIL_LIMIT),
    tag === NOT_CLOSEST || tag === WORK_REQUIRED ? data : null
  ])

export const notClosest = (peers: ReadonlyArray<Uint8Array>): RpcFailureFields => ({
  tag: NOT_CLOSEST,
  detail: "",
  data: peers
})

export const workRequired = (bits: number): RpcFailureFields => ({ tag: WORK_REQUIRED, detail: "", data: bits })

const malformed = Result.fail("malformed failure")

const isPeers = (data: CborValue): data is ReadonlyArray<Uint8Array> =>
  isBytesList(data, PEERS_LIMIT, PEER_RECORD_LIMIT)
