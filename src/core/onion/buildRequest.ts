/**
 * A request's cell for a path whose last hop is the recipient (WIRE §4): stack and body are both under a tag at every
 * hop, so whoever changes a byte of it is found out by the next one. 2,000 to 4,000 a second with four hops, nearly all
 * of it the four agreements; the ephemeral keys are made ahead (EphemeralKeys).
 */
import { Result } from "effect"
import type { AgreementKey, Suite } from "#core/identity/Suite"
import { concatBytes } from "#schemas/bytes/bytes"
import { release } from "#schemas/bytes/release"
import { BODY_BYTES, CELL_BYTES, type CellClass, STACK_BYTES } from "#schemas/onion/OnionCell"
import { type NextHopFields, writeHeader } from "#schemas/onion/OnionHeader"
import { type OnionPayloadFields, payloadBytes, writePayloadInto } from "#schemas/onion/OnionPayload"
import { layersOf, type UnusableKey, ZERO_NONCE } from "./layerKeys.ts"
import { type Draw, sealStack } from "./sealStack.ts"

/** A node on a path. The address is the one under which the node before it reaches it. */
export interface Hop extends NextHopFields {
  readonly onion: Uint8Array
  /** Milliseconds for which this hop shall hold the cell; none by default. */
  readonly delay?: number
}

export interface Request {
  /** One to five; the last one reads the payload. */
  readonly path: ReadonlyArray<Hop>
  /** One a hop, never used again. */
  readonly ephemerals: ReadonlyArray<AgreementKey>
  readonly cellClass: CellClass
  readonly ttl: number
  /** Its piece is at most `requestRoom` bytes. */
  readonly payload: OnionPayloadFields
  /** To whom the last hop hands the envelope, which must be whole and an MLS_PAYLOAD or WELCOME. */
  readonly handTo?: NextHopFields
}

/** A cell, and whom to send it to. */
export interface Outgoing {
  readonly to: NextHopFields
  readonly cell: Uint8Array
}

const NONE = new Uint8Array(0)

export const buildRequest = (suite: Suite, draw: Draw, request: Request): Result.Result<Outgoing, UnusableKey> => {
  const { cellClass, ephemerals, handTo, path, payload, ttl } = request
  const derived = layersOf(suite, path, ephemerals)
  if (Result.isFailure(derived)) return Result.fail(derived.failure)
  const layers = derived.success
  const headers: Array<Uint8Array> = []
  let body = paddedPayload(draw, payload, BODY_BYTES[cellClass])
  for (let hop = path.length - 1; hop >= 0; hop--) {
    const sealed = suite.aead(layers[hop]!.body).seal(ZERO_NONCE, NONE, [body])
    release(body)
    body = sealed.length === 2 ? sealed[0]! : concatBytes(sealed.slice(0, -1))
    const isLast = hop === path.length - 1
    const next = isLast ? handTo : nextHopOf(path[hop + 1]!)
    const common = { deliverLocal: isLast, reply: false, ttl, delay: path[hop]!.delay ?? 0, bodyTag: sealed.at(-1)! }
    headers[hop] = writeHeader(next === undefined ? common : { ...common, next })
  }
  const cell = new Uint8Array(CELL_BYTES[cellClass])
  sealStack(suite, draw, layers, ephemerals, headers, cell)
  cell.set(body, STACK_BYTES)
  release(body)
  return Result.succeed({ to: nextHopOf(path[0]!), cell })
}

/** A hop as the one before it is told of it. */
export const nextHopOf = ({ address, nodeId }: NextHopFields): NextHopFields =>
  address === undefined ? { nodeId } : { nodeId, address }

/** `length` bytes: the payload, and random ones to the end. */
export const paddedPayload = (draw: Draw, payload: OnionPayloadFields, length: number): Uint8Array => {
  if (payloadBytes(payload) > length) throw new RangeError("more payload than a cell of this class holds")
  const bytes = new Uint8Array(length)
  const end = writePayloadInto(payload, bytes)
  bytes.set(draw(length - end), end)
  return bytes
}
