/** The part of a session layer that differs: how two ends agree on who they are, and how frames are sealed after that. */
import { Effect, Schema } from "effect"
import { allocate } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { FrameType, flagsOf, HEADER_BYTES, writeHeader } from "#schemas/session/Frame"
import type { Connection, ConnectionClosed } from "#services/transport/Transport"
import type { Introduced } from "./introductions.ts"

/** One direction's key. */
export interface Cipher {
  /** Ciphertext in pieces, the mac last. */
  readonly seal: (associated: Uint8Array, parts: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array>
  readonly open: (associated: Uint8Array, sealed: Uint8Array) => Uint8Array | undefined
  readonly rekey: () => void
}

export interface Established extends Introduced {
  readonly send: Cipher
  readonly receive: Cipher
  /** Frames that came behind the handshake's last message; emptied once they are read, as they hold a whole buffer. */
  rest: ReadonlyArray<Uint8Array>
}

/** Why a handshake did not end in a session, told apart for logs and counters. */
export class HandshakeFailed extends Schema.TaggedError<HandshakeFailed>()("HandshakeFailed", {
  reason: Schema.Literals([
    "timeout",
    "malformed",
    "bad mac",
    "zero agreement",
    "record malformed",
    "record expired",
    "record premature",
    "record forged",
    "other static key",
    "wrong peer",
    "own node",
    "banned"
  ])
}) {}

export type HandshakeEffect = Effect.Effect<Established, HandshakeFailed | ConnectionClosed>

export interface Handshaker {
  /** Stops before it shows itself when another peer than the expected one answers. */
  readonly dial: (connection: Connection, expected: NodeId) => HandshakeEffect
  /** As much of `dial` as proves who answers. This side has shown nothing of itself by then, and goes no further. */
  readonly probe: (connection: Connection, expected: NodeId) => Effect.Effect<void, HandshakeFailed | ConnectionClosed>
  readonly accept: (connection: Connection) => HandshakeEffect
}

const NONE: ReadonlyArray<Uint8Array> = []

/** The messages of one handshake: each in a HANDSHAKE frame, unsealed. */
export class Turns {
  readonly #connection: Connection
  /** What came and was not asked for yet. */
  rest = NONE

  constructor(connection: Connection) {
    this.#connection = connection
  }

  say(parts: ReadonlyArray<Uint8Array>): void {
    let length = 0
    for (const part of parts) length += part.length
    const header = allocate(HEADER_BYTES)
    writeHeader(header, 0, FrameType.HANDSHAKE, 0, length)
    this.#connection.write([header, ...parts])
  }

  readonly hear: Effect.Effect<Uint8Array, HandshakeFailed | ConnectionClosed> = Effect.suspend(() => {
    const [frame, ...rest] = this.rest
    if (frame === undefined) {
      return Effect.flatMap(this.#connection.receive, (frames) => {
        this.rest = frames
        return this.hear
      })
    }
    this.rest = rest
    if (frame[1] !== FrameType.HANDSHAKE || (flagsOf(frame) & 1) !== 0) {
      return new HandshakeFailed({ reason: "malformed" })
    }
    return Effect.succeed(frame.subarray(HEADER_BYTES))
  })
}
