/**
 * Between the callbacks of a transport and the one reader of a connection: messages in, batches out.
 *
 * One small object a connection, no fiber and no Effect Queue. While there is a reader all goes straight to it; while
 * there is none it waits here, and the transport is told when to stop and when to go on.
 */
import { Effect } from "effect"
import { ConnectionClosed, type ConnectionEnd, type Reader } from "#services/transport/Transport"

/** Bytes that may wait for the reader before the far end is held back. */
export const RECEIVE_BUFFER = 256 * 1024

/** One of each: a stack trace of where a stranger hung up tells nothing and costs 40 µs. */
const ENDS = Object.fromEntries(
  ConnectionClosed.fields.reason.literals.map((reason) => [reason, new ConnectionClosed({ reason })])
)

export class Inbox {
  #messages: Array<Uint8Array> | undefined
  #bytes = 0
  #closed: ConnectionEnd | undefined
  #reader: Reader | undefined
  #writers: Array<(effect: Effect.Effect<void, ConnectionClosed>) => void> | undefined
  readonly #taken: () => void

  /** `taken` is called whenever what waited was taken. */
  constructor(taken: () => void) {
    this.#taken = taken
  }

  get closed(): ConnectionEnd | undefined {
    return this.#closed
  }

  get isFull(): boolean {
    return this.#bytes >= RECEIVE_BUFFER
  }

  read(reader: Reader): void {
    this.#reader = reader
    const messages = this.#messages
    if (messages !== undefined) {
      this.#messages = undefined
      this.#bytes = 0
      reader.onMessages(messages)
      this.#taken()
    }
    if (this.#closed !== undefined) this.#tell(this.#closed)
  }

  rest(): void {
    this.#reader = undefined
  }

  push(messages: Array<Uint8Array>): void {
    if (this.#closed !== undefined || messages.length === 0) return
    if (this.#reader !== undefined) {
      this.#reader.onMessages(messages)
      return
    }
    for (const message of messages) this.#bytes += message.length
    this.#messages = this.#messages === undefined ? messages : this.#messages.concat(messages)
  }

  /** Nothing comes any more; what came before can still be read. The first reason stands. */
  end(reason: ConnectionEnd): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    const writers = this.#writers
    this.#writers = undefined
    this.#tell(reason)
    for (const writer of writers ?? []) writer(Effect.fail(closedBy(reason)))
  }

  /** As `end`, and what came before is lost, too. */
  abort(): void {
    this.#messages = undefined
    this.#bytes = 0
    this.end("closed here")
  }

  /** Waits for `wakeWriters`, unless there is room. */
  untilDrained(hasRoom: () => boolean): Effect.Effect<void, ConnectionClosed> {
    return Effect.suspend(() => {
      if (this.#closed !== undefined) return closedBy(this.#closed)
      if (hasRoom()) return Effect.void
      return Effect.callback<void, ConnectionClosed>((resume) => {
        const writers = (this.#writers ??= [])
        writers.push(resume)
        return Effect.sync(() => {
          const at = writers.indexOf(resume)
          if (at >= 0) writers.splice(at, 1)
        })
      })
    })
  }

  wakeWriters(): void {
    const writers = this.#writers
    if (writers === undefined) return
    this.#writers = undefined
    for (const writer of writers) writer(Effect.void)
  }

  /** A reader hears of the end once, and is let go. */
  #tell(reason: ConnectionEnd): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.onEnd(reason)
  }
}

const closedBy = (reason: ConnectionEnd): ConnectionClosed => ENDS[reason] ?? new ConnectionClosed({ reason })
