/**
 * One open session: the row of this tick on one side, opened rows on the other, and the marks by which the sweep judges.
 *
 * All synchronous: a session has no fiber, it reads its connection as the frames come. What several sessions share
 * (clock, tempo, flushing, handlers) is in `Shared`.
 */
import { Deferred, Effect } from "effect"
import type { Contact } from "#core/identity/Contact"
import { FrameQueue, readRow } from "#core/session/batch"
import { TokenBucket } from "#core/session/TokenBucket"
import {
  type GoodbyeReason,
  readGoodbye,
  readHeartbeat,
  writeGoodbye,
  writeHeartbeat
} from "#schemas/session/controlFrames"
import { FrameType, HEADER_BYTES, INNER_LIMIT } from "#schemas/session/Frame"
import type { HelloFields } from "#schemas/session/Hello"
import type { Address } from "#schemas/transport/Address"
import { SEND_QUEUE } from "#services/session/Limits"
import { type CloseReason, type Session, SessionClosed } from "#services/session/SessionManager"
import type { Connection, ConnectionEnd, Reader } from "#services/transport/Transport"
import type { Established } from "./Handshaker.ts"
import { ReceivingKey, SendingKey } from "./keys.ts"
import type { Shared } from "./Shared.ts"

/** Waiting fibers are let on when the queue has fallen so far, so that they do not wake for one frame each. */
const ROOM_AGAIN = SEND_QUEUE / 2

export class Link implements Session, Reader {
  readonly contact: Contact
  readonly dialled: boolean
  readonly since: number
  readonly boot: string
  readonly hello: HelloFields
  /** Marks for the sweep, unix milliseconds: the last frame that came, and the last that was more than a heartbeat. */
  lastHeard: number
  lastUsed: number
  lastPing = 0
  missed = 0
  /** Until when it finishes what is in flight; undefined while it is in full use. */
  drainUntil: number | undefined

  readonly #shared: Shared
  readonly #connection: Connection
  readonly #sending: SendingKey
  readonly #receiving: ReceivingKey
  readonly #queue = new FrameQueue()
  #ended: Deferred.Deferred<CloseReason> | undefined
  readonly #bytes: TokenBucket
  readonly #frames: TokenBucket
  #reason: CloseReason | undefined
  #scheduled = false
  #used = false
  #blocked = false
  #waiters: Array<() => void> | undefined
  #rowFrames = 0
  #isHeldBack = false

  constructor(shared: Shared, connection: Connection, established: Established) {
    const now = shared.now()
    this.#shared = shared
    this.#connection = connection
    this.#sending = new SendingKey(established.send, shared.rekeyAfter, now)
    this.#receiving = new ReceivingKey(established.receive)
    this.#bytes = new TokenBucket(shared.rates.bytes, now)
    this.#frames = new TokenBucket(shared.rates.frames, now)
    this.contact = established.contact
    this.boot = established.boot
    this.hello = established.hello
    this.dialled = connection.dialled
    this.since = this.lastHeard = this.lastUsed = now
  }

  get address(): Address {
    return this.#connection.address
  }

  get closed(): Effect.Effect<CloseReason> {
    return Effect.suspend(() => {
      if (this.#reason !== undefined) return Effect.succeed(this.#reason)
      return Deferred.await((this.#ended ??= Deferred.makeUnsafe()))
    })
  }

  isOpen(): boolean {
    return this.#reason === undefined
  }

  get queuedBytes(): number {
    return this.#queue.bytes
  }

  takesRequests(): boolean {
    return this.#reason === undefined && this.drainUntil === undefined
  }

  offer(type: FrameType, payload: Uint8Array): boolean {
    if (this.#reason !== undefined || payload.length > INNER_LIMIT) return false
    if (this.#queue.bytes + payload.length + HEADER_BYTES > SEND_QUEUE) return false
    this.#queue.push(type, payload)
    if (type !== FrameType.HEARTBEAT) this.#used = true
    if (!this.#scheduled) {
      this.#scheduled = true
      this.#shared.flushSoon(this)
    }
    return true
  }

  send(type: FrameType, payload: Uint8Array): Effect.Effect<void, SessionClosed> {
    return Effect.suspend(() => {
      if (this.#reason !== undefined) return new SessionClosed({ reason: this.#reason })
      if (this.offer(type, payload)) return Effect.void
      if (payload.length > INNER_LIMIT) return Effect.die(new RangeError("a payload above the limit of a frame"))
      return Effect.flatMap(this.#room(), () => this.send(type, payload))
    })
  }

  close(reason: GoodbyeReason): Effect.Effect<void> {
    return Effect.sync(() => this.leave(reason, "closed here"))
  }

  /** GOODBYE, then the end. What was offered before still goes out. */
  leave(goodbye: GoodbyeReason, reason: CloseReason): void {
    if (this.#reason !== undefined) return
    this.#queue.push(FrameType.GOODBYE, writeGoodbye({ reason: goodbye, text: "" }))
    this.#writeRows()
    this.end(reason)
  }

  /** From now on it takes what comes, after these frames that came behind the handshake. */
  begin(frames: ReadonlyArray<Uint8Array>): void {
    if (frames.length > 0) this.onMessages(frames)
    if (!this.#isHeldBack && this.#reason === undefined) this.#connection.read(this)
  }

  onMessages(frames: ReadonlyArray<Uint8Array>): void {
    let wait = 0
    try {
      wait = this.receive(frames)
    } catch (defect) {
      this.#shared.onDefect(defect)
      this.end("closed here")
    }
    if (wait > 0 && this.#reason === undefined) {
      this.#isHeldBack = true
      this.#connection.rest()
      this.#shared.after(wait, () => {
        this.#isHeldBack = false
        if (this.#reason === undefined) this.#connection.read(this)
      })
    }
  }

  onEnd(reason: ConnectionEnd): void {
    this.end(reason.endsWith("frame") ? "malformed" : "connection lost")
  }

  /** The end, once; the first reason stands. The connection closes in order, with whatever was written to it. */
  end(reason: CloseReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#queue.clear()
    this.#wake()
    this.#connection.finish()
    if (this.#ended !== undefined) Deferred.doneUnsafe(this.#ended, Effect.succeed(reason))
    this.#shared.onEnd(this, reason)
  }

  /** Asks for a sign of life. */
  ping(now: number): void {
    this.lastPing = now
    this.missed++
    this.offer(FrameType.HEARTBEAT, writeHeartbeat({ kind: "ping", token: this.#shared.token() }))
  }

  /** Seals and writes what waits, in rows. Called at the end of the tick. */
  flush(): void {
    this.#scheduled = false
    if (this.#reason !== undefined || this.#blocked) return
    this.#writeRows()
    if (this.#queue.bytes <= ROOM_AGAIN) this.#wake()
  }

  /** Frames as they came from the connection. Answers the milliseconds to wait before reading on. */
  receive(frames: ReadonlyArray<Uint8Array>): number {
    const now = this.#shared.now()
    this.lastHeard = now
    this.missed = 0
    this.#rowFrames = 0
    let bytes = 0
    for (const frame of frames) {
      if (this.#reason !== undefined) return 0
      bytes += frame.length
      this.#onFrame(frame)
    }
    if (this.#frames.take(this.#rowFrames, now) > 0) {
      this.#shared.charge(this.contact.key, "flooding")
      this.leave("flooding", "flooding")
    }
    return this.#bytes.take(bytes, now)
  }

  #onFrame(frame: Uint8Array): void {
    const row = this.#receiving.open(frame)
    if (row === "rekey overdue") this.leave(row, row)
    else if (typeof row === "string") this.end(row)
    else {
      this.#rowFrames++ // an empty row costs something, too
      if (!readRow(row, this.#onInner)) this.#shared.charge(this.contact.key, "malformed")
    }
  }

  readonly #onInner = (type: number, payload: Uint8Array): boolean => {
    this.#rowFrames++
    if (type === FrameType.HEARTBEAT) this.#onHeartbeat(payload)
    else if (type === FrameType.GOODBYE) this.#onGoodbye(payload)
    else {
      this.lastUsed = this.lastHeard
      const handle = this.#shared.handlers[type]
      if (handle !== undefined && !handle(this, payload)) this.#shared.charge(this.contact.key, "malformed")
    }
    return this.#reason === undefined
  }

  #onHeartbeat(payload: Uint8Array): void {
    const heartbeat = readHeartbeat(payload)
    if (heartbeat === undefined) this.#shared.charge(this.contact.key, "malformed")
    else if (heartbeat.kind === "ping") {
      this.offer(FrameType.HEARTBEAT, writeHeartbeat({ kind: "pong", token: heartbeat.token }))
    }
  }

  #onGoodbye(payload: Uint8Array): void {
    const goodbye = readGoodbye(payload)
    if (goodbye === undefined) this.#shared.charge(this.contact.key, "malformed")
    this.end(goodbye?.reason === "replaced" ? "replaced" : "goodbye")
  }

  #writeRows(): void {
    const now = this.#shared.now()
    if (this.#used) this.lastUsed = now
    this.#used = false
    while (this.#queue.length > 0) {
      if (this.#connection.write(this.#sending.seal(this.#queue.takeRow(), now))) continue
      if (this.#blocked) return
      this.#blocked = true
      this.#shared.whenDrained(this.#connection, () => {
        this.#blocked = false
        this.flush()
      })
      return
    }
  }

  /** Waits until the queue has fallen, or the session ended. */
  #room(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const waiters = (this.#waiters ??= [])
      const waiter = () => resume(Effect.void)
      waiters.push(waiter)
      return Effect.sync(() => {
        const at = waiters.indexOf(waiter)
        if (at >= 0) waiters.splice(at, 1)
      })
    })
  }

  #wake(): void {
    const waiters = this.#waiters
    if (waiters === undefined) return
    this.#waiters = undefined
    for (const waiter of waiters) waiter()
  }
}
