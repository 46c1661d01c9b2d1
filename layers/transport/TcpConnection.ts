/** One TCP socket as a `Connection`: frames cut out of the stream, back-pressure both ways, an orderly end. */
import type { Socket } from "node:net"
import { FrameSplitter } from "#core/transport/FrameSplitter"
import { release } from "#schemas/bytes/release"
import type { Address } from "#schemas/transport/Address"
import type { Connection, ConnectionEnd, Reader } from "#services/transport/Transport"
import { Inbox } from "./Inbox.ts"
import type { Lingering } from "./Lingering.ts"

/** Bytes that may wait in this process for the kernel before `write` asks for a pause. */
const WRITE_BUFFER = 512 * 1024

/** A message up to here is joined before it is written: copying it is cheaper than a vectored write. */
const JOIN_LIMIT = 8 * 1024

const endReason = (code: unknown): ConnectionEnd => (code === "ETIMEDOUT" ? "timeout" : "reset")

export class TcpConnection implements Connection {
  readonly dialled: boolean
  readonly #socket: Socket
  readonly #inbox: Inbox
  readonly #splitter = new FrameSplitter()
  readonly #lingering: Lingering
  readonly #far: () => Address
  #address: Address | undefined

  /** `far` tells where the far end is; parsing that can wait until somebody asks. */
  constructor(socket: Socket, far: () => Address, dialled: boolean, lingering: Lingering) {
    this.#socket = socket
    this.#far = far
    this.dialled = dialled
    this.#lingering = lingering
    const inbox = new Inbox(() => {
      if (socket.isPaused()) socket.resume()
    })
    this.#inbox = inbox
    socket.on("data", this.#onData)
    socket.on("end", () => inbox.end("ended"))
    socket.on("error", (error: NodeJS.ErrnoException) => inbox.end(endReason(error.code)))
    socket.on("close", () => inbox.end("ended"))
    socket.on("drain", () => inbox.wakeWriters())
    if (socket.destroyed) inbox.end("reset")
  }

  get address(): Address {
    return (this.#address ??= this.#far())
  }

  get drained(): Connection["drained"] {
    return this.#inbox.untilDrained(() => this.#socket.writableLength < WRITE_BUFFER)
  }

  readonly read = (reader: Reader): void => this.#inbox.read(reader)
  readonly rest = (): void => this.#inbox.rest()

  readonly #onData = (chunk: Buffer): void => {
    const frames: Array<Uint8Array> = []
    const refusal = this.#splitter.push(chunk, frames)
    // The splitter keeps copies, and the largest frames never lie in one chunk: then it has nothing left to give.
    if (frames.every((frame) => frame.buffer !== chunk.buffer)) release(chunk)
    this.#inbox.push(frames)
    if (refusal !== undefined) {
      this.#inbox.end(refusal)
      this.#socket.destroy()
    } else if (this.#inbox.isFull) {
      this.#socket.pause()
    }
  }

  readonly write = (parts: ReadonlyArray<Uint8Array>): boolean => {
    const socket = this.#socket
    if (this.#inbox.closed !== undefined || !socket.writable) return false
    let size = 0
    for (const part of parts) size += part.length
    if (size <= JOIN_LIMIT || parts.length === 1) {
      socket.write(parts.length === 1 && parts[0] !== undefined ? parts[0] : join(parts, size))
    } else {
      socket.cork()
      for (const part of parts) socket.write(part)
      socket.uncork()
    }
    return socket.writableLength < WRITE_BUFFER
  }

  readonly abort = (): void => {
    this.#inbox.abort()
    this.#socket.destroy()
  }

  /**
   * Ends in order, without waiting for it: what was written goes out, then our end, then theirs is awaited. Reading goes
   * on meanwhile, for the kernel answers unread bytes with a reset, and a reset destroys what the far end has not read.
   */
  readonly finish = (): void => {
    const socket = this.#socket
    this.#inbox.abort()
    if (socket.destroyed) return
    this.#lingering.add(socket)
    socket.off("data", this.#onData)
    socket.resume()
    if (socket.readableEnded) {
      socket.destroySoon()
    } else {
      socket.on("end", () => socket.destroySoon())
      socket.end()
    }
  }
}

/** Small, so it comes from Node's pool: no allocation of its own. */
const join = (parts: ReadonlyArray<Uint8Array>, size: number): Buffer => {
  const whole = Buffer.allocUnsafe(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
