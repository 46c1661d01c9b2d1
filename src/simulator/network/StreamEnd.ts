/**
 * One end of a connection over the simulated wire, as a stream such as TCP offers it: whatever happens to the messages
 * on their way, they arrive whole, once and in order, or the connection ends. So loss and reordering show as waiting,
 * a cut as silence, and after `GIVE_UP` of that as the end.
 */
import { FrameSplitter } from "#core/transport/FrameSplitter"
import { Inbox } from "#layers/transport/Inbox"
import type { Address } from "#schemas/transport/Address"
import type { Connection, ConnectionClosed } from "#services/transport/Transport"
import type { Process } from "../time/Process.ts"
import { TimedEvent } from "../time/VirtualTime.ts"
import type { Host } from "./Host.ts"
import type { Network } from "./Network.ts"
import { GIVE_UP, RETRANSMIT } from "./Wire.ts"

/** Bytes on their way to the far end, above which `write` asks for a pause: what the kernels of both ends hold. */
const IN_FLIGHT = 256 * 1024

/** Of a segment that carries no bytes, and of the headers around one that does (IP and TCP). */
const HEADERS = 40

/** What goes over: bytes, or the end of the stream. */
type Segment = Uint8Array | "end"

export class StreamEnd implements Connection {
  readonly address: Address
  readonly dialled: boolean
  readonly host: Host
  /** The program that opened it: another run of it knows nothing of this connection. */
  readonly process: Process
  readonly since: number
  readonly receive: Connection["receive"]
  readonly drained: Connection["drained"]
  readonly #network: Network
  readonly #latency: number
  readonly #inbox: Inbox
  readonly #splitter = new FrameSplitter()
  #far: StreamEnd | undefined
  #inFlight = 0
  #lastArrival = 0
  /** Written while nothing passed, oldest first. */
  #backlog: Array<Segment> = []
  #retry: Retry | undefined
  /** Arrived while the reader had enough. */
  #held: Array<Segment> = []
  #finished = false

  constructor(network: Network, host: Host, process: Process, address: Address, dialled: boolean, latency: number) {
    this.#network = network
    this.host = host
    this.process = process
    this.address = address
    this.dialled = dialled
    this.#latency = latency
    this.since = network.time.now
    this.#inbox = new Inbox(() => this.#takeHeld())
    this.receive = this.#inbox.receive
    this.drained = this.#inbox.untilDrained(() => this.#inFlight < IN_FLIGHT)
    host.ends.add(this)
  }

  /** Joins the two ends of a new connection. */
  static join(one: StreamEnd, other: StreamEnd): void {
    one.#far = other
    other.#far = one
  }

  readonly write = (parts: ReadonlyArray<Uint8Array>): boolean => {
    if (this.#finished || this.#inbox.closed !== undefined || !this.#lives()) return false
    const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
    this.#inFlight += bytes.length
    this.#send(bytes)
    return this.#inFlight < IN_FLIGHT
  }

  readonly abort = (): void => {
    if (this.#far === undefined || this.#finished) return
    this.#finished = true
    this.#inbox.abort()
    this.reset("reset")
  }

  /** The end in order: the far side sees it after everything that was written. */
  finish(): void {
    if (this.#finished) return
    this.#finished = true
    this.#inbox.abort()
    if (this.#lives()) this.#send("end")
    this.#leave()
  }

  /** Tells the far end, if anything passes, that there is nobody here. */
  reset(reason: ConnectionClosed["reason"]): void {
    const far = this.#far
    this.#backlog = []
    this.#leave()
    if (far === undefined || !this.#network.wire.passes(this.host.number, far.host.number)) return
    this.#network.time.schedule(new Reset(far, reason), this.#latency, far.process)
  }

  /** The connection is over at this end, whoever ended it. */
  end(reason: ConnectionClosed["reason"]): void {
    this.#inbox.end(reason)
    this.#leave()
  }

  /** A segment has come in. */
  arrive(segment: Segment): void {
    if (this.#inbox.closed !== undefined) return void this.answerStranger()
    if (this.#held.length > 0 || this.#inbox.isFull) this.#held.push(segment)
    else this.#hand(segment)
  }

  /** Sends what waited while nothing passed; gives up after a while. */
  retry(wait: number, waited: number): void {
    this.#retry = undefined
    const far = this.#far
    if (far === undefined || this.#backlog.length === 0) return
    if (!this.#network.wire.passes(this.host.number, far.host.number)) {
      if (waited >= GIVE_UP) {
        this.#inbox.end("timeout")
        this.#leave()
      } else this.#wait(wait * 2, waited + wait)
      return
    }
    const backlog = this.#backlog
    this.#backlog = []
    for (const segment of backlog) this.#transmit(segment, far)
  }

  /** A paused program writes nothing, but what it wrote goes on. */
  #lives(): boolean {
    return this.process.state === "running" || this.process.state === "paused"
  }

  #send(segment: Segment): void {
    const far = this.#far
    if (far === undefined) return
    if (this.#backlog.length > 0 || !this.#network.wire.passes(this.host.number, far.host.number)) {
      if (this.#backlog.push(segment) === 1) this.#wait(RETRANSMIT, 0)
    } else this.#transmit(segment, far)
  }

  #wait(wait: number, waited: number): void {
    this.#retry = new Retry(this, wait, waited)
    this.#network.time.schedule(this.#retry, wait, this.process)
  }

  #transmit(segment: Segment, far: StreamEnd): void {
    const { now } = this.#network.time
    const size = HEADERS + (segment === "end" ? 0 : segment.length)
    const { copies, extra } = this.#network.wire.delay(this.host.number, far.host.number, this.#latency)
    const start = Math.max(now, this.host.freeAt)
    this.host.freeAt = start + (size * copies * 1000) / this.#network.wire.profile.bandwidth
    const arrival = Math.max(this.host.freeAt + this.#latency + extra, this.#lastArrival)
    this.#lastArrival = arrival
    this.#network.carried(this.host.number, far.host.number, segment === "end" ? undefined : segment, size * copies)
    this.#network.time.schedule(new Arrival(far, segment), arrival - now, far.process)
  }

  /** What was written to `far` is there, and no longer under way. */
  delivered(size: number): void {
    this.#inFlight -= size
    if (this.#inFlight < IN_FLIGHT) this.#inbox.wakeWriters()
  }

  #hand(segment: Segment): void {
    if (segment === "end") return void this.end("ended")
    const frames: Array<Uint8Array> = []
    const refusal = this.#splitter.push(segment, frames)
    this.#far?.delivered(segment.length)
    this.#inbox.push(frames)
    if (refusal === undefined) return
    this.reset("reset")
    this.#inbox.end(refusal)
  }

  #takeHeld(): void {
    while (this.#held.length > 0 && !this.#inbox.isFull) this.#hand(this.#held.shift() as Segment)
  }

  /** A machine that runs answers what it does not know; one that is off does not. */
  answerStranger(): void {
    if (this.host.up && this.#far !== undefined) this.reset("reset")
  }

  #leave(): void {
    if (this.#retry !== undefined && this.#backlog.length === 0) this.#retry.cancelled = true
    this.host.ends.delete(this)
  }
}

class Arrival extends TimedEvent {
  readonly #to: StreamEnd
  readonly #segment: Segment

  constructor(to: StreamEnd, segment: Segment) {
    super()
    this.#to = to
    this.#segment = segment
  }

  fire(): void {
    this.#to.arrive(this.#segment)
  }

  override lost(): void {
    this.#to.answerStranger()
  }
}

class Reset extends TimedEvent {
  readonly #end: StreamEnd
  readonly #reason: ConnectionClosed["reason"]

  constructor(end: StreamEnd, reason: ConnectionClosed["reason"]) {
    super()
    this.#end = end
    this.#reason = reason
  }

  fire(): void {
    this.#end.end(this.#reason)
  }
}

class Retry extends TimedEvent {
  readonly #end: StreamEnd
  readonly #next: number
  readonly #waited: number

  constructor(end: StreamEnd, wait: number, waited: number) {
    super()
    this.#end = end
    this.#next = wait
    this.#waited = waited
  }

  fire(): void {
    this.#end.retry(this.#next, this.#waited + this.#next)
  }
}
