/**
 * Connections inside one process, at `/memory/<number>` addresses. Keeps the laws of a real transport, frames included,
 * without a socket; for tests and for nodes that share a process.
 *
 * A message is handed over in a task of its own, never within `write`: neither end can run inside the other's call.
 */
import { Context, Effect, Layer, Result, Scheduler } from "effect"
import { FrameSplitter } from "#core/transport/FrameSplitter"
import type { Address } from "#schemas/transport/Address"
import { parseAddress } from "#schemas/transport/Address"
import {
  type Connection,
  DialFailed,
  ListenFailed,
  type Reader,
  type Transport,
  Transports
} from "#services/transport/Transport"
import { Inbox } from "./Inbox.ts"

/** Bytes on their way to the far end, above which `write` asks for a pause. */
const IN_FLIGHT = 256 * 1024

/** The numbers that stand for "any free address" and "no address": as port 0, and the address of every dialler. */
const ANY = "0"

type Accept = (connection: Connection) => void

/** The room in which memory addresses mean something. Nodes that share it can reach each other. */
export class MemoryHub extends Context.Service<
  MemoryHub,
  {
    readonly listeners: Map<string, Accept>
    /** Hands a number to whoever listens at `/memory/0`. */
    readonly free: () => string
    readonly later: (task: () => void) => void
  }
>()("allium/layers/transport/MemoryHub") {}

export const hub = Layer.effect(
  MemoryHub,
  Effect.gen(function* () {
    const dispatcher = (yield* Scheduler.Scheduler).makeDispatcher()
    let last = 1_000_000
    return MemoryHub.of({
      listeners: new Map(),
      free: () => String(++last),
      later: (task) => dispatcher.scheduleTask(task, 0)
    })
  })
)

class MemoryConnection implements Connection {
  readonly address: Address
  readonly dialled: boolean
  readonly #later: (task: () => void) => void
  readonly #splitter = new FrameSplitter()
  readonly #inbox: Inbox
  #far: MemoryConnection | undefined
  #underway: Array<Uint8Array> = []
  #bytes = 0
  #scheduled = false
  #finished = false

  constructor(address: Address, dialled: boolean, later: (task: () => void) => void) {
    this.address = address
    this.dialled = dialled
    this.#later = later
    this.#inbox = new Inbox(() => this.#far?.schedule())
  }

  get drained(): Connection["drained"] {
    return this.#inbox.untilDrained(() => this.#bytes < IN_FLIGHT)
  }

  static pair(near: Address, far: Address, later: (task: () => void) => void) {
    const [dialler, acceptor] = [new MemoryConnection(far, true, later), new MemoryConnection(near, false, later)]
    dialler.#far = acceptor
    acceptor.#far = dialler
    return [dialler, acceptor] as const
  }

  readonly read = (reader: Reader): void => this.#inbox.read(reader)
  readonly rest = (): void => this.#inbox.rest()

  readonly write = (parts: ReadonlyArray<Uint8Array>): boolean => {
    if (this.#finished || this.#inbox.closed !== undefined) return false
    for (const part of parts) {
      this.#underway.push(part)
      this.#bytes += part.length
    }
    this.schedule()
    return this.#bytes < IN_FLIGHT
  }

  readonly abort = (): void => {
    if (this.#far === undefined) return
    this.#finished = true
    this.#underway = []
    this.#bytes = 0
    this.#inbox.abort()
    this.#later(() => {
      if (this.#far !== undefined) this.#far.#inbox.end("reset")
      this.#far = undefined
    })
  }

  readonly finish = (): void => {
    if (this.#finished) return
    this.#finished = true
    this.#inbox.abort()
    this.schedule()
  }

  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#later(this.#deliver)
  }

  readonly #deliver = (): void => {
    this.#scheduled = false
    const inbox = this.#far === undefined ? undefined : this.#far.#inbox
    if (inbox === undefined || (inbox.isFull && inbox.closed === undefined)) return
    if (this.#bytes > 0) {
      const frames: Array<Uint8Array> = []
      const stream = Buffer.concat(this.#underway)
      this.#underway = []
      this.#bytes = 0
      const refusal = this.#splitter.push(stream, frames)
      inbox.push(frames)
      if (refusal !== undefined) {
        inbox.end(refusal)
        this.#inbox.end("reset")
      }
    }
    if (this.#finished) inbox.end("ended")
    else this.#inbox.wakeWriters()
  }
}

export const make = Effect.gen(function* () {
  const hub = yield* MemoryHub
  const whence = Result.getOrThrow(parseAddress(`/memory/${ANY}`))

  const transport: Transport = {
    name: "memory",
    supports: (address) => address.kind === "memory",
    dial: (address, done) => {
      const fail = (reason: DialFailed["reason"]) =>
        done(Result.fail(new DialFailed({ address: address.text, reason })))
      if (address.kind !== "memory") {
        fail("not supported")
        return () => {}
      }
      let isOver = false
      hub.later(() => {
        if (isOver) return
        isOver = true
        const accept = hub.listeners.get(address.host)
        if (accept === undefined) return fail("refused")
        const [near, far] = MemoryConnection.pair(whence, address, hub.later)
        accept(far)
        done(Result.succeed(near))
      })
      return () => {
        isOver = true
      }
    },
    listen: Effect.fnUntraced(function* (address, accept) {
      if (address.kind !== "memory") return yield* new ListenFailed({ address: address.text, reason: "not supported" })
      const host = address.host === ANY ? hub.free() : address.host
      if (hub.listeners.has(host)) return yield* new ListenFailed({ address: address.text, reason: "in use" })
      yield* Effect.acquireRelease(
        Effect.sync(() => hub.listeners.set(host, accept)),
        () => Effect.sync(() => hub.listeners.delete(host))
      )
      return { address: host === address.host ? address : Result.getOrThrow(parseAddress(`/memory/${host}`)) }
    })
  }
  return transport
})

export const layer = Layer.effect(
  Transports,
  Effect.map(make, (transport) => [transport])
)
