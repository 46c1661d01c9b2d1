/**
 * Payload of a GOSSIP frame (WIRE §2): six lists, most of them empty.
 *
 *   [[message ≤ 64], [[topic, [id ≤ 256]] ihave ≤ 64], [id ≤ 256] iwant,
 *    [topic ≤ 64] graft, [[topic, backoff s] ≤ 64] prune, [[topic, on] ≤ 64]]
 *
 * A message is a byte string of its CBOR, passed on as it was received, so that id and signature stay what they are.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo } from "#schemas/bytes/bytes"
import { decodeArray, encodeMessage } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isArrayUpTo, isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { INNER_LIMIT } from "#schemas/session/Frame"
import { MESSAGE_LIMIT, Topic } from "./GossipMessage.ts"

/** Topics of a peer, and so of any list of them. */
export const TOPICS_LIMIT = 64
/** Ids of one list. */
export const IDS_LIMIT = 256
/** Messages of one frame. */
export const MESSAGES_LIMIT = 64
/** Seconds of a back-off: what a reader accepts, not what it keeps to. */
const BACKOFF_LIMIT = 0xffff_ffff

export class Advertised extends Schema.Class<Advertised>("allium/gossip/Advertised")({
  topic: Topic,
  ids: Schema.Array(Bytes32).check(Schema.isMaxLength(IDS_LIMIT))
}) {}

export class Pruned extends Schema.Class<Pruned>("allium/gossip/Pruned")({
  topic: Topic,
  /** Seconds until the peer may graft again. */
  backoff: Schema.Int.check(Schema.isUint32())
}) {}

export class Announced extends Schema.Class<Announced>("allium/gossip/Announced")({
  topic: Topic,
  on: Schema.Boolean
}) {}

export class GossipFrame extends Schema.Class<GossipFrame>("allium/gossip/GossipFrame")({
  messages: Schema.Array(bytesUpTo(MESSAGE_LIMIT)).check(Schema.isMaxLength(MESSAGES_LIMIT)),
  ihave: Schema.Array(Advertised).check(Schema.isMaxLength(TOPICS_LIMIT)),
  iwant: Schema.Array(Bytes32).check(Schema.isMaxLength(IDS_LIMIT)),
  graft: Schema.Array(Topic).check(Schema.isMaxLength(TOPICS_LIMIT)),
  prune: Schema.Array(Pruned).check(Schema.isMaxLength(TOPICS_LIMIT)),
  topics: Schema.Array(Announced).check(Schema.isMaxLength(TOPICS_LIMIT))
}) {}

/** The fields without the classes, as the hot path has them. */
export type GossipFrameFields = typeof GossipFrame.Encoded

/** The fields, byte strings as views of `payload`; or the word of refusal. */
export const read = (payload: Uint8Array): Result.Result<GossipFrameFields, string> => {
  const decoded = decodeArray(payload, { maxBytes: INNER_LIMIT })
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [messages, ihave, iwant, graft, prune, topics] = decoded.success
  if (!isListOf(messages, MESSAGES_LIMIT, isMessage)) return Result.fail("malformed messages")
  if (!isListOf(ihave, TOPICS_LIMIT, isAdvertised)) return Result.fail("malformed ihave")
  if (!isListOf(iwant, IDS_LIMIT, is32)) return Result.fail("malformed iwant")
  if (!isListOf(graft, TOPICS_LIMIT, is32)) return Result.fail("malformed graft")
  if (!isListOf(prune, TOPICS_LIMIT, isPruned)) return Result.fail("malformed prune")
  if (!isListOf(topics, TOPICS_LIMIT, isAnnounced)) return Result.fail("malformed topics")
  return Result.succeed({
    messages,
    ihave: ihave.map(([topic, ids]) => ({ topic, ids })),
    iwant,
    graft,
    prune: prune.map(([topic, backoff]) => ({ topic, backoff })),
    topics: topics.map(([topic, on]) => ({ topic, on }))
  })
}

/** Lists that are left out are empty. */
export const write = (frame: Partial<GossipFrameFields>): Uint8Array =>
  encodeMessage([
    frame.messages ?? [],
    (frame.ihave ?? []).map(({ ids, topic }) => [topic, ids]),
    frame.iwant ?? [],
    frame.graft ?? [],
    (frame.prune ?? []).map(({ backoff, topic }) => [topic, backoff]),
    (frame.topics ?? []).map(({ on, topic }) => [topic, on])
  ])

export const GossipFrameFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(GossipFrame, transformation(read, write)))

type Test<T extends CborValue> = (value: CborValue | undefined) => value is T

const isListOf = <T extends CborValue>(
  value: CborValue | undefined,
  max: number,
  test: Test<T>
): value is ReadonlyArray<T> => isArrayUpTo(value, max) && value.every(test)

const is32 = (value: CborValue | undefined): value is Uint8Array => isBytesOf(value, 32)

const isMessage = (value: CborValue | undefined): value is Uint8Array => isBytesUpTo(value, MESSAGE_LIMIT)

const isAdvertised = (value: CborValue | undefined): value is readonly [Uint8Array, ReadonlyArray<Uint8Array>] =>
  Array.isArray(value) && is32(value[0]) && isListOf(value[1], IDS_LIMIT, is32)

const isPruned = (value: CborValue | undefined): value is readonly [Uint8Array, number] =>
  Array.isArray(value) && is32(value[0]) && isUint(value[1], BACKOFF_LIMIT)

const isAnnounced = (value: CborValue | undefined): value is readonly [Uint8Array, boolean] =>
  Array.isArray(value) && is32(value[0]) && typeof value[1] === "boolean"
