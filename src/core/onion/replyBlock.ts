/**
 * Answers to somebody unknown (WIRE §4). The requester lays down a stack over relays of its own choice, which leads to
 * itself; the responder puts it before a body that it seals for the requester; each relay masks that body anew.
 *
 * No relay can check the body, since its sender knows none of their keys: a byte changed on the way is found by the
 * requester, who then knows no more than that the answer is spoilt.
 */
import { Result } from "effect"
import { type AgreementKey, KEY_LENGTH, type Suite } from "#core/identity/Suite"
import { release } from "#schemas/bytes/release"
import { BODY_BYTES, CELL_BYTES, type CellClass, STACK_BYTES, TAG_BYTES } from "#schemas/onion/OnionCell"
import { BODY_TAG_BYTES, writeHeader } from "#schemas/onion/OnionHeader"
import { type OnionPayloadFields, readPayload } from "#schemas/onion/OnionPayload"
import type { ReplyBlockFields } from "#schemas/onion/ReplyBlock"
import { type Hop, nextHopOf, type Outgoing, paddedPayload } from "./buildRequest.ts"
import { type LayerKeys, layersOf, type UnusableKey, ZERO_NONCE } from "./layerKeys.ts"
import { minuteOf, ttlRefusal } from "./minutes.ts"
import { type Draw, sealStack } from "./sealStack.ts"

const NONE = new Uint8Array(0)

/** Of the block's id, by which the requester knows the answer again: it stands where a request has its tag. */
export const BLOCK_ID_BYTES = BODY_TAG_BYTES

/** In the headers of relays, who have no tag to check. */
const NO_TAG = new Uint8Array(BODY_TAG_BYTES)

/** What the requester keeps until the block dies. Secret. */
export interface ReplyKeys {
  readonly cellClass: CellClass
  readonly id: Uint8Array
  readonly replyKey: Uint8Array
  /** 32 bytes of each relay: what it masks the body with. */
  readonly masks: Uint8Array
}

export interface ReplyPath {
  /** Up to four relays in the order of the answer's way, and the requester itself as the last. */
  readonly path: ReadonlyArray<Hop>
  /** One a hop, never used again. */
  readonly ephemerals: ReadonlyArray<AgreementKey>
  readonly cellClass: CellClass
  readonly ttl: number
}

export interface OwnReplyBlock {
  readonly block: ReplyBlockFields
  readonly keys: ReplyKeys
}

export const makeReplyBlock = (
  suite: Suite,
  draw: Draw,
  { cellClass, ephemerals, path, ttl }: ReplyPath
): Result.Result<OwnReplyBlock, UnusableKey> => {
  const derived = layersOf(suite, path, ephemerals)
  if (Result.isFailure(derived)) return Result.fail(derived.failure)
  const layers = derived.success
  const secret = draw(BLOCK_ID_BYTES + KEY_LENGTH)
  const [id, replyKey] = [secret.subarray(0, BLOCK_ID_BYTES), secret.subarray(BLOCK_ID_BYTES)]
  const headers = path.map(({ delay = 0 }, hop) => {
    const next = path[hop + 1]
    const common = { deliverLocal: next === undefined, reply: true, ttl, delay }
    return writeHeader(
      next === undefined ? { ...common, bodyTag: id } : { ...common, bodyTag: NO_TAG, next: nextHopOf(next) }
    )
  })
  const stack = new Uint8Array(STACK_BYTES)
  sealStack(suite, draw, layers, ephemerals, headers, stack)
  const { address, nodeId } = path[0]!
  const common = { cellClass, ttl, firstHop: nodeId, replyKey, stack }
  return Result.succeed({
    block: address === undefined ? common : { ...common, address },
    keys: { cellClass, id, replyKey, masks: masksOf(layers.slice(0, -1)) }
  })
}

/** The answer's cell. Refused when the block's time is over, or further away than relays will take. */
export const sealReply = (
  suite: Suite,
  draw: Draw,
  block: ReplyBlockFields,
  payload: OnionPayloadFields,
  now: number
): Result.Result<Outgoing, "expired" | "too far"> => {
  const refusal = ttlRefusal(block.ttl, true, minuteOf(now))
  if (refusal !== undefined) return Result.fail(refusal)
  const text = paddedPayload(draw, payload, BODY_BYTES[block.cellClass] - TAG_BYTES)
  const cell = new Uint8Array(CELL_BYTES[block.cellClass])
  cell.set(block.stack)
  let at = STACK_BYTES
  for (const piece of suite.aead(block.replyKey).seal(ZERO_NONCE, NONE, [text])) {
    cell.set(piece, at)
    at += piece.length
  }
  const { address, firstHop: nodeId } = block
  return Result.succeed({ to: address === undefined ? { nodeId } : { nodeId, address }, cell })
}

/** Masks or unmasks: a stream that begins where that of a seal under the same key would. */
export const maskBody = (suite: Suite, key: Uint8Array, body: Uint8Array): Uint8Array =>
  suite.chacha20(key, ZERO_NONCE, 1, body)

/** The payload of an answer's body as it reached the requester; or why there is none. */
export const openReply = (
  suite: Suite,
  { cellClass, masks, replyKey }: ReplyKeys,
  body: Uint8Array
): Result.Result<OnionPayloadFields, "size" | "body" | "payload"> => {
  if (body.length !== BODY_BYTES[cellClass]) return Result.fail("size")
  let sealed = body
  for (let at = 0; at < masks.length; at += KEY_LENGTH) {
    const unmasked = maskBody(suite, masks.subarray(at, at + KEY_LENGTH), sealed)
    if (sealed !== body) release(sealed)
    sealed = unmasked
  }
  const text = suite.aead(replyKey).open(ZERO_NONCE, NONE, sealed)
  return text === undefined ? Result.fail("body") : Result.mapError(readPayload(text), () => "payload")
}

/** A copy, so that the other keys of those layers are not kept with them. */
const masksOf = (relays: ReadonlyArray<LayerKeys>): Uint8Array => {
  const masks = new Uint8Array(relays.length * KEY_LENGTH)
  for (const [hop, { body }] of relays.entries()) masks.set(body, hop * KEY_LENGTH)
  return masks
}
