/** A handshake over a connection: its messages in HANDSHAKE frames, unsealed, taken from whatever comes. */
import type { Effect } from "effect"
import type { HalfOpen, HalfOpenEntry } from "#core/session/HalfOpen"
import { allocate } from "#schemas/bytes/bytes"
import { Flag, FrameType, flagsOf, HEADER_BYTES, writeHeader } from "#schemas/session/Frame"
import * as Metrics from "#services/session/Metrics"
import type { Connection, ConnectionEnd, Reader } from "#services/transport/Transport"
import type { Handshake, Refusal, Say } from "./Handshaker.ts"
import type { makeCount, makeLog } from "./reporting.ts"

/** Why there will be no session. */
export type Failure = Refusal | ConnectionEnd

const NONE: ReadonlyArray<Uint8Array> = []

export class Shaking<A extends object> implements Reader {
  readonly #connection: Connection
  readonly #handshake: Handshake<A>
  readonly #done: (outcome: A | Failure, rest: ReadonlyArray<Uint8Array>) => void
  readonly #onDefect: (defect: unknown) => void
  #isOver = false

  /** `done` is called once, with the frames that came behind the last message: they are not the handshake's any more. */
  constructor(
    connection: Connection,
    handshake: Handshake<A>,
    onDefect: (defect: unknown) => void,
    done: (outcome: A | Failure, rest: ReadonlyArray<Uint8Array>) => void
  ) {
    this.#onDefect = onDefect
    this.#connection = connection
    this.#handshake = handshake
    this.#done = done
  }

  begin(): void {
    this.#handshake.begin(this.#say)
    this.#connection.read(this)
  }

  /** Ends it from outside, unless it is over. */
  fail(reason: Failure): void {
    this.#end(reason, NONE)
  }

  onMessages(frames: ReadonlyArray<Uint8Array>): void {
    for (let at = 0; at < frames.length && !this.#isOver; at++) {
      const frame = frames[at] as Uint8Array
      const heard = this.#hear(frame)
      if (heard !== undefined) this.#end(heard, at + 1 === frames.length ? NONE : frames.slice(at + 1))
    }
  }

  onEnd(reason: ConnectionEnd): void {
    this.#end(reason, NONE)
  }

  #hear(frame: Uint8Array): A | Refusal | undefined {
    if (frame[1] !== FrameType.HANDSHAKE || (flagsOf(frame) & Flag.SEALED) !== 0) return "malformed"
    try {
      return this.#handshake.hear(frame.subarray(HEADER_BYTES), this.#say)
    } catch (defect) {
      this.#onDefect(defect)
      return "malformed"
    }
  }

  readonly #say: Say = (parts) => {
    let length = 0
    for (const part of parts) length += part.length
    const header = allocate(HEADER_BYTES)
    writeHeader(header, 0, FrameType.HANDSHAKE, 0, length)
    this.#connection.write([header, ...parts])
  }

  #end(outcome: A | Failure, rest: ReadonlyArray<Uint8Array>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#done(outcome, rest)
  }
}

export interface ShakeOptions {
  /** On a local network all come from one host, and none is held to what it has open. */
  readonly local: boolean
  readonly now: () => number
  readonly count: ReturnType<typeof makeCount>
  readonly log: Effect.Success<typeof makeLog>
  readonly onDefect: (defect: unknown) => void
}

/** Goes through handshakes. Before its end only the connection is charged: nobody knows yet who is there. */
export const makeShake =
  ({ count, local, log, now, onDefect }: ShakeOptions) =>
  /** The sweep of `among` keeps the deadline. A connection that comes to nothing is closed before `done` hears of it. */
  <A extends object>(
    among: HalfOpen,
    connection: Connection,
    handshake: Handshake<A>,
    done: (outcome: A | Failure, rest: ReadonlyArray<Uint8Array>) => void
  ): Shaking<A> => {
    const shaking = new Shaking(connection, handshake, onDefect, (outcome, rest) => {
      among.leave(entry)
      if (typeof outcome === "string") {
        count(Metrics.refused, "reason", outcome)
        connection.abort()
        log("A connection came to no session", connection, () => ({ reason: outcome }))
      }
      done(outcome, rest)
    })
    const entry: HalfOpenEntry = {
      host: local ? "" : connection.address.host,
      since: now(),
      drop: (reason) => shaking.fail(reason === "timeout" ? "timeout" : "closed here")
    }
    among.enter(entry)
    shaking.begin()
    return shaking
  }
