/**
 * The stack of a cell as its first hop gets it (WIRE §4), after Sphinx (Danezis and Goldberg, 2009, section 3.2).
 *
 * A hop opens slot 0 against a tag over the other four, moves those up, appends a slot of zeros and masks all with a
 * stream of its own. What the hops append is known beforehand, so the builder lays down the last stack with that tail in
 * place and seals outwards; then each tag holds for the very bytes that its hop will see. With n hops:
 *
 *   last stack   slot n−1 ‖ 5 − n random slots ‖ n − 1 slots of tail
 */
import type { AgreementKey, Suite } from "#core/identity/Suite"
import {
  EPHEMERAL_BYTES,
  HEADER_NONCE_BYTES,
  SEALED_HEADER_AT,
  SLOT_BYTES,
  SLOTS,
  STACK_BYTES
} from "#schemas/onion/OnionCell"
import { type LayerKeys, ZERO_NONCE } from "./layerKeys.ts"

/** `count` bytes that nobody can guess. */
export type Draw = (count: number) => Uint8Array

const ZEROS = new Uint8Array(STACK_BYTES)
const SLOTS_AFTER_FIRST = STACK_BYTES - SLOT_BYTES

/** Into the first 700 bytes of `into`. `headers` are encoded, one a layer. */
export const sealStack = (
  suite: Suite,
  draw: Draw,
  layers: ReadonlyArray<LayerKeys>,
  ephemerals: ReadonlyArray<AgreementKey>,
  headers: ReadonlyArray<Uint8Array>,
  into: Uint8Array
): void => {
  const count = layers.length
  if (count === 0 || count > SLOTS) throw new RangeError("a path has one to five hops")
  const stack = into.subarray(0, STACK_BYTES)
  const streams = layers.slice(0, -1).map((keys) => suite.chacha20(keys.stack, ZERO_NONCE, 0, ZEROS))
  layTail(stack, streams)
  const unused = (SLOTS - count) * SLOT_BYTES
  const drawn = draw(unused + count * HEADER_NONCE_BYTES)
  stack.set(drawn.subarray(0, unused), SLOT_BYTES)
  for (let hop = count - 1; hop >= 0; hop--) {
    if (hop < count - 1) {
      stack.copyWithin(SLOT_BYTES, 0, SLOTS_AFTER_FIRST)
      mask(stack, SLOT_BYTES, streams[hop]!, 0, SLOTS_AFTER_FIRST)
    }
    const nonce = drawn.subarray(unused + hop * HEADER_NONCE_BYTES, unused + (hop + 1) * HEADER_NONCE_BYTES)
    stack.set(ephemerals[hop]!.publicKey)
    stack.set(nonce, EPHEMERAL_BYTES)
    const sealed = suite.aead(layers[hop]!.head).seal(nonce, stack.subarray(SLOT_BYTES), [headers[hop]!])
    let at = SEALED_HEADER_AT
    for (const piece of sealed) {
      stack.set(piece, at)
      at += piece.length
    }
  }
}

/** What the hops before the last will have appended, each masked by itself and by all that follow. */
const layTail = (stack: Uint8Array, streams: ReadonlyArray<Uint8Array>): void => {
  for (const [hop, stream] of streams.entries()) {
    const start = STACK_BYTES - (hop + 1) * SLOT_BYTES
    stack.copyWithin(start, start + SLOT_BYTES)
    stack.fill(0, STACK_BYTES - SLOT_BYTES)
    mask(stack, start, stream, start, STACK_BYTES - start)
  }
}

const mask = (bytes: Uint8Array, at: number, stream: Uint8Array, from: number, length: number): void => {
  for (let index = 0; index < length; index++) bytes[at + index]! ^= stream[from + index]!
}
