/** The failure that crosses the wire: a tag for programs, a detail for people, and data for two tags that need it. */
import { Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"

/** UTF-16 units, of text that is ASCII by custom (WIRE.md §2). */
export const MAX_TAG = 64
export const MAX_DETAIL = 256
/** PeerRecords in a `NotClosest`. */
export const MAX_CLOSER = 20
/** Most leading zero bits that `WorkRequired` may ask for (WIRE.md §6). */
export const MAX_WORK_BITS = 22

export const MAX_PEER_RECORD = 1024

/** What the peer answered instead of a result. Asking the same again does not help, unless the tag says so. */
export class RpcFailure extends Schema.TaggedError<RpcFailure>()("RpcFailure", {
  tag: Schema.NonEmptyString.check(Schema.isMaxLength(MAX_TAG)),
  detail: Schema.String.check(Schema.isMaxLength(MAX_DETAIL)),
  /** With tag `NotClosest`: signed PeerRecords of nodes closer to the key. */
  closer: Schema.optionalKey(Schema.Array(bytesUpTo(MAX_PEER_RECORD)).check(Schema.isMaxLength(MAX_CLOSER))),
  /** With tag `WorkRequired`: leading zero bits of the proof of work. */
  workBits: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_WORK_BITS })))
}) {}
