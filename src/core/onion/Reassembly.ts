/**
 * Envelopes that come in parts, by cells that may travel on different routes. Whoever has a route to this node can begin
 * one, and nobody can be told apart, so both their number and their bytes have a limit: the one begun longest ago makes
 * room. Message ids are random and known to sender and recipient only, so nobody can spoil another's envelope.
 */
import { Result } from "effect"
import { concatBytes, keyOf } from "#schemas/bytes/bytes"
import type { OnionPayloadFields } from "#schemas/onion/OnionPayload"
import type { ReplyBlockFields } from "#schemas/onion/ReplyBlock"
import { type InnerEnvelopeFields, type MessageId, read } from "#schemas/router/InnerEnvelope"

export const UNFINISHED_LIMIT = 256

/** Thirty-two of the largest envelopes, which have half a mebibyte. */
export const UNFINISHED_BYTES_LIMIT = 16 * 2 ** 20

/** Seconds from the first part: senders have stopped trying again by then (WIRE §4). */
export const UNFINISHED_LIFETIME = 600

export interface Whole {
  readonly _tag: "Whole"
  readonly messageId: MessageId
  readonly envelope: InnerEnvelopeFields
  /** Of all parts that were there, in their order. */
  readonly blocks: ReadonlyArray<ReplyBlockFields>
}

export type Gathered =
  | Whole
  | { readonly _tag: "Waiting" }
  /** All parts are there, and make no InnerEnvelope. */
  | { readonly _tag: "Malformed" }

interface Unfinished {
  readonly since: number
  readonly parts: Array<OnionPayloadFields | undefined>
  missing: number
  bytes: number
}

const waiting: Gathered = { _tag: "Waiting" }

export class Reassembly {
  readonly #limit: number
  readonly #bytesLimit: number
  /** In the order of their first parts. */
  readonly #unfinished = new Map<string, Unfinished>()
  #bytes = 0

  constructor(limit = UNFINISHED_LIMIT, bytesLimit = UNFINISHED_BYTES_LIMIT) {
    this.#limit = limit
    this.#bytesLimit = bytesLimit
  }

  /** Envelopes of which parts are missing. */
  get size(): number {
    return this.#unfinished.size
  }

  /** What their parts take: the whole bodies they came in. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The envelope when this part was the last one missing. A part that comes again takes the place of the one before it,
   * as its reply blocks are fresher; another number of parts means that the sender cuts anew, and begins the envelope
   * again. `now` in seconds.
   */
  add(payload: OnionPayloadFields, now: number): Gathered {
    const { messageId, part, parts } = payload
    if (parts === 1) return whole([payload])
    this.expire(now)
    const key = keyOf(messageId)
    let entry = this.#unfinished.get(key)
    if (entry !== undefined && entry.parts.length !== parts) {
      this.#forget(key, entry)
      entry = undefined
    }
    if (entry === undefined) {
      entry = { since: now, parts: new Array(parts).fill(undefined), missing: parts, bytes: 0 }
      this.#unfinished.set(key, entry)
    }
    const before = entry.parts[part]
    entry.parts[part] = payload
    if (before === undefined && --entry.missing === 0) {
      this.#forget(key, entry)
      return whole(entry.parts as ReadonlyArray<OnionPayloadFields>)
    }
    const bytes = bytesOf(payload) - bytesOf(before)
    entry.bytes += bytes
    this.#bytes += bytes
    this.#makeRoom()
    return waiting
  }

  /** Forgets what was begun too long ago. */
  expire(now: number): void {
    for (const [key, entry] of this.#unfinished) {
      if (now - entry.since < UNFINISHED_LIFETIME) return
      this.#forget(key, entry)
    }
  }

  /** No further parts are wanted. */
  drop(messageId: MessageId): void {
    const key = keyOf(messageId)
    const entry = this.#unfinished.get(key)
    if (entry !== undefined) this.#forget(key, entry)
  }

  #makeRoom(): void {
    for (const [key, entry] of this.#unfinished) {
      if (this.#unfinished.size <= this.#limit && this.#bytes <= this.#bytesLimit) return
      this.#forget(key, entry)
    }
  }

  #forget(key: string, entry: Unfinished): void {
    this.#unfinished.delete(key)
    this.#bytes -= entry.bytes
  }
}

/** A payload is views of its body, which is kept as long as they are. */
const bytesOf = (payload: OnionPayloadFields | undefined): number => payload?.piece.buffer.byteLength ?? 0

const whole = (parts: ReadonlyArray<OnionPayloadFields>): Gathered => {
  const pieces = parts.map(({ piece }) => piece)
  const envelope = read(pieces.length === 1 ? pieces[0]! : concatBytes(pieces))
  if (Result.isFailure(envelope)) return { _tag: "Malformed" }
  const blocks = parts.flatMap((part) => part.blocks)
  return { _tag: "Whole", messageId: parts[0]!.messageId, envelope: envelope.success, blocks }
}
