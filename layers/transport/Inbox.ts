/**
 * Between the callbacks of a transport and the one fiber that reads a connection: messages in, batches out.
 *
 * One small object a connection, no Effect Queue: it hands over everything that is there at once, wakes the reader
 * synchronously, and tells the transport when to stop and when to go on.
 */
import { Effect } from "effect"
import { ConnectionClosed } from "#services/transport/Transport"

/** Bytes that may wait for the reader before the far end is held back. */
export const RECEIVE_BUFFER = 256 * 1024

/** One of each: a stack trace of where a stranger hung up tells nothing and costs 40 µs. */
const ENDS = Object.fromEntries(
  ConnectionClosed.fields.reason.literals.map((reason) => [reason, new ConnectionClosed({ reason })])
)

export class Inbox {
  #messages: Array<Uint8Array> = []
  #bytes = 0
  #closed: ConnectionClosed | undefined
  #reader: ((effect: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionClosed>) => void) | undefined
  #writers: Array<(effect: Effect.Effect<void, ConnectionClosed>) => void> | undefined
  readonly #taken: () => void

  /** `taken` is called whenever the reader has emptied the inbox. */
  constructor(taken: () => void) {
    this.#taken = taken
  }

  get closed(): ConnectionClosed | undefined {
    return this.#closed
  }

  get isFull(): boolean {
    return this.#bytes >= RECEIVE_BUFFER
  }

  readonly receive: Effect.Effect<ReadonlyArray<Uint8Array>, ConnectionClosed> = Effect.suspend(() => {
    if (this.#messages.length > 0) return Effect.succeed(this.#take())
    return this.#closed ?? this.#wait
  })

  readonly #wait = Effect.callback<ReadonlyArray<Uint8Array>, ConnectionClosed>((resume) => {
    this.#reader = resume
    return Effect.sync(() => {
      this.#reader = undefined
    })
  })

  push(messages: Array<Uint8Array>): void {
    if (this.#closed !== undefined || messages.length === 0) return
    for (const message of messages) this.#bytes += message.length
    this.#messages = this.#messages.length === 0 ? messages : this.#messages.concat(messages)
    const reader = this.#reader
    if (reader === undefined) return
    this.#reader = undefined
    reader(Effect.succeed(this.#take()))
  }

  /** Nothing comes any more; what came before can still be read. The first reason stands. */
  end(reason: ConnectionClosed["reason"]): void {
    if (this.#closed !== undefined) return
    const closed = ENDS[reason] ?? new ConnectionClosed({ reason })
    this.#closed = closed
    const [reader, writers] = [this.#reader, this.#writers]
    this.#reader = undefined
    this.#writers = undefined
    reader?.(Effect.fail(closed))
    for (const writer of writers ?? []) writer(Effect.fail(closed))
  }

  /** As `end`, and what came before is lost, too. */
  abort(): void {
    this.#messages = []
    this.#bytes = 0
    this.end("closed here")
  }

  /** Waits for `wakeWriters`, unless there is room. */
  untilDrained(hasRoom: () => boolean): Effect.Effect<void, ConnectionClosed> {
    return Effect.suspend(() => {
      if (this.#closed !== undefined) return this.#closed
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

  #take(): ReadonlyArray<Uint8Array> {
    const messages = this.#messages
    this.#messages = []
    this.#bytes = 0
    this.#taken()
    return messages
  }
}
