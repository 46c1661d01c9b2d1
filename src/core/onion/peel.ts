/**
 * What a node does with a cell that reaches it (WIRE §4): open slot 0, obey the header, hand on what is left. One peel
 * serves requests and answers, relays and recipients. Some 100 µs with `node:crypto`, two thirds of it the agreement.
 *
 * Each cell is peeled once: its tag enters the replay set as soon as the header has proved that this node was meant,
 * whatever is wrong with the rest. What is bad is dropped with a reason that is for counting only; nobody is told.
 */
import { Result } from "effect"
import type { AgreementKey, Suite } from "#core/identity/Suite"
import { release } from "#schemas/bytes/release"
import {
  bodyOf,
  type CellClass,
  classOf,
  EPHEMERAL_BYTES,
  SEALED_HEADER_AT,
  SLOT_BYTES,
  STACK_BYTES
} from "#schemas/onion/OnionCell"
import { type NextHopFields, type OnionHeaderFields, readHeader } from "#schemas/onion/OnionHeader"
import { type OnionPayloadFields, readPayload } from "#schemas/onion/OnionPayload"
import { type InnerEnvelopeFields, read as readEnvelope } from "#schemas/router/InnerEnvelope"
import { deriveKeys, type LayerKeys, ZERO_NONCE } from "./layerKeys.ts"
import { minuteOf, minutesLeft, ttlRefusal } from "./minutes.ts"
import type { ReplaySet } from "./ReplaySet.ts"
import { maskBody } from "./replyBlock.ts"

export type DropReason =
  /** Not one of the three sizes. */
  | "size"
  /** The ephemeral key is a point of small order. */
  | "agreement"
  /** No key of this node opens slot 0: not meant for it, changed on the way, or sealed for a key long gone. */
  | "sealed"
  /** A header that nobody may write: unknown flags, bytes that must be zero, impossible addresses. */
  | "header"
  /** Neither to be delivered nor forwarded, as cover traffic may be. */
  | "nowhere"
  | "expired"
  | "too far"
  | "replayed"
  /** The replay set has no room, so a replay could not be told. */
  | "full"
  /** The body is not what the header's tag was made of. */
  | "body"
  /** The body is whole, and yet no payload. */
  | "payload"
  /** To be handed to a peer, and not a whole MLS_PAYLOAD or WELCOME. */
  | "not handed on"

export type Peeled =
  /** The cell for the next hop, after so many milliseconds. */
  | {
      readonly _tag: "Forward"
      readonly next: NextHopFields
      readonly delay: number
      readonly reply: boolean
      readonly cell: Uint8Array
    }
  /** A part of an envelope for this node. */
  | { readonly _tag: "Deliver"; readonly cellClass: CellClass; readonly payload: OnionPayloadFields }
  /** An envelope for a peer, as an ENVELOPE frame with the payload's message id; its ACK goes by the first block. */
  | {
      readonly _tag: "Hand"
      readonly next: NextHopFields
      readonly cellClass: CellClass
      readonly payload: OnionPayloadFields
      readonly envelope: InnerEnvelopeFields
    }
  /** An answer to this node, for `openReply` with what is kept under the id. */
  | { readonly _tag: "Reply"; readonly id: Uint8Array; readonly body: Uint8Array }
  | { readonly _tag: "Drop"; readonly reason: DropReason }

/** What a node keeps to peel with. */
export interface Peeler {
  /** Onion keys, the current one first. */
  readonly keys: ReadonlyArray<AgreementKey>
  readonly replays: ReplaySet
}

const NONE = new Uint8Array(0)

/** The rest of the stack under a slot of zeros, which no call changes. */
const moved = new Uint8Array(STACK_BYTES)

/** `now` in unix seconds. The cell is not changed, and what comes of it holds no view of it. */
export const peel = (suite: Suite, { keys, replays }: Peeler, cell: Uint8Array, now: number): Peeled => {
  const cellClass = classOf(cell.length)
  if (cellClass === undefined) return drop("size")
  const opened = openSlot(suite, keys, cell)
  if (typeof opened === "string") return drop(opened)
  const read = readHeader(opened.header)
  if (Result.isFailure(read)) return drop("header")
  const header = read.success
  if (header.reply && header.deliverLocal && header.next !== undefined) return drop("header")
  const minute = minuteOf(now)
  const refusal = ttlRefusal(header.ttl, header.reply, minute) ?? enter(replays, cell, header, minute)
  if (refusal !== undefined) return drop(refusal)
  if (header.next === undefined && !header.deliverLocal) return drop("nowhere")
  if (header.reply && header.deliverLocal) return { _tag: "Reply", id: header.bodyTag, body: bodyOf(cell).slice() }
  const body = header.reply
    ? maskBody(suite, opened.keys.body, bodyOf(cell))
    : suite.aead(opened.keys.body).open(ZERO_NONCE, NONE, bodyOf(cell), header.bodyTag)
  if (body === undefined) return drop("body")
  if (header.deliverLocal) return deliver(header, cellClass, body)
  return forward(suite, header, opened.keys, cell, body)
}

const drop = (reason: DropReason): Peeled => ({ _tag: "Drop", reason })

interface Opened {
  readonly header: Uint8Array
  readonly keys: LayerKeys
}

const openSlot = (
  suite: Suite,
  keys: ReadonlyArray<AgreementKey>,
  cell: Uint8Array
): Opened | "agreement" | "sealed" => {
  const ephemeral = cell.subarray(0, EPHEMERAL_BYTES)
  const nonce = cell.subarray(EPHEMERAL_BYTES, SEALED_HEADER_AT)
  const sealed = cell.subarray(SEALED_HEADER_AT, SLOT_BYTES)
  const rest = cell.subarray(SLOT_BYTES, STACK_BYTES)
  for (const key of keys) {
    const dh = key.agree(ephemeral)
    if (dh === undefined) return "agreement"
    const layer = deriveKeys(suite, dh, ephemeral, key.publicKey)
    const header = suite.aead(layer.head).open(nonce, rest, sealed)
    if (header !== undefined) return { header, keys: layer }
  }
  return "sealed"
}

const enter = (
  replays: ReplaySet,
  cell: Uint8Array,
  { reply, ttl }: OnionHeaderFields,
  minute: number
): DropReason | undefined => {
  const entered = replays.enter(cell, minute + minutesLeft(ttl, minute), reply, minute)
  return entered === "entered" ? undefined : entered
}

const forward = (
  suite: Suite,
  { delay, next, reply }: OnionHeaderFields,
  keys: LayerKeys,
  cell: Uint8Array,
  body: Uint8Array
): Peeled => {
  moved.set(cell.subarray(SLOT_BYTES, STACK_BYTES))
  const out = new Uint8Array(cell.length)
  out.set(suite.chacha20(keys.stack, ZERO_NONCE, 0, moved))
  out.set(body, STACK_BYTES)
  release(body)
  return { _tag: "Forward", next: next!, delay, reply, cell: out }
}

const deliver = ({ next }: OnionHeaderFields, cellClass: CellClass, body: Uint8Array): Peeled => {
  const read = readPayload(body)
  if (Result.isFailure(read)) return drop("payload")
  const payload = read.success
  // A block of a larger class would have the answer outweigh the question.
  if (payload.blocks.some((block) => block.cellClass !== cellClass)) return drop("payload")
  if (next === undefined) return { _tag: "Deliver", cellClass, payload }
  const envelope = payload.parts === 1 ? readEnvelope(payload.piece) : undefined
  if (envelope === undefined || Result.isFailure(envelope)) return drop("not handed on")
  const { type } = envelope.success
  if (type !== "MLS_PAYLOAD" && type !== "WELCOME") return drop("not handed on")
  return { _tag: "Hand", next, cellClass, payload, envelope: envelope.success }
}
