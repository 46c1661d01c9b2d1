/**
 * One end of a connection over the simulated wire, as a stream such as TCP offers it: whatever happens to the messages
 * on their way, they arrive whole, once and in order, or the connection ends. So loss and reordering show as waiting,
 * a cut as silence, and after `GIVE_UP` of that as the end.
 */
import { FrameSplitter } from "#core/transport/FrameSplitter"
import { Inbox } from "#layers/transport/Inbox"
import type { Address } from "#schemas/transport/Address"
import type { Connection, ConnectionEnd, Reader } from "#services/transport/Transport"
import type { Process } from "../time/Process.ts"
import { TimedEvent } from "../time/VirtualTime.ts"
import type { Host } from "./Host.ts"
import type { Network } from "./Network.ts"
import { GIVE_UP, RETRANSMIT } from "./Wire.ts"

/** Bytes on their way to the far end, above which `write` asks for a pause: what the kernels of both ends hold. */
const IN_FLIGHT = 256 * 1024

/** Of a segment that carries no bytes, and of the headers around one that does (IP and TCP). */
const HEADERS = 40

/** Bytes that go as one message when they are written at the same time: a packet's worth, as a kernel sends them. */
const PACKET = 1_460

/** What goes over: bytes, or the end of the stream. */
type Segment = Uint8Array | "end"

const sizeOf = (segment: Segment): number => (segment === "end" ? 0 : segment.length)

export class StreamEnd implements Connection {
  readonly address: Address
  readonly dialled: boolean
  readonly host: Host
  /** The program that opened it: another run of it knows nothing of this connection. */
  readonly process: Process
  readonly since: number
  readonly #network: Network
  readonly #latency: number
  readonly #inbox: Inbox
  readonly #splitter = new FrameSplitter()
  #far: StreamEnd | undefined
  #inFlight = 0
  #lastArrival = 0
  /** The latest, which takes what is written at the same time. */
  #packet: Packet | undefined
  /** Written while nothing passed, oldest first. */
  #backlog: Array<Segment> = []
  #retry: Retry | undefined
  /** Arrived while the reader had enough. */
  #held: Array<Segment> = []
  #finished = false
  /** The far end has finished, as was seen here: it hears nothing any more. */
  #farFinished = false

  constructor(network: Network, host: Host, process: Process, address: Address, dialled: boolean, latency: number) {
    this.#network = network
    this.host = host
    this.process = process
    this.address = address
    this.dialled = dialled
    this.#latency = latency
    this.since = network.time.now
    this.#inbox = new Inbox(() => this.#takeHeld())
    host.ends.add(this)
  }

  get drained(): Connection["drained"] {
    return this.#inbox.untilDrained(() => this.#inFlight < IN_FLIGHT)
  }

  /** Joins the two ends of a new connection. */
  static join(one: StreamEnd, other: StreamEnd): void {
    one.#far = other
    other.#far = one
  }

  read(reader: Reader): void {
    this.#inbox.read(reader)
  }

  rest(): void {
    this.#inbox.rest()
  }

  write(parts: ReadonlyArray<Uint8Array>): boolean {
    if (this.#finished || this.#inbox.closed !== undefined || !this.#lives()) return false
    const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
    this.#inFlight += bytes.length
    this.#send(bytes)
    return this.#inFlight < IN_FLIGHT
  }

  abort(): void {
    if (this.#far === undefined || this.#finished) return
    this.#finished = true
    this.#inbox.abort()
    this.reset("reset")
  }

  finish(): void {
    if (this.#finished) return
    this.#finished = true
    this.#inbox.abort()
    if (this.#lives()) this.#send("end")
    this.#leave()
  }

  /** Tells the far end, if anything passes, that there is nobody here. */
  reset(reason: ConnectionEnd): void {
    const far = this.#far
    this.#backlog = []
    this.#leave()
    if (far === undefined || this.#farFinished || !this.#network.wire.passes(this.host.number, far.host.number)) return
    this.#network.time.schedule(new Reset(far, reason), this.#latency, far.process)
  }

  /** The connection is over at this end, whoever ended it. */
  end(reason: ConnectionEnd): void {
    this.#inbox.end(reason)
    this.#leave()
  }

  /** A message has come in. */
  arrive(segments: ReadonlyArray<Segment>): void {
    if (this.#inbox.closed !== undefined) {
      // Both have finished: there is nothing to be told.
      if (segments.every((segment) => segment === "end")) return
      return void this.answerStranger()
    }
    if (this.#held.length > 0 || this.#inbox.isFull) this.#held.push(...segments)
    else this.#hand(segments)
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
      } else this.#wait(Math.min(wait * 2, GIVE_UP - waited), waited)
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
    const bytes = sizeOf(segment)
    const packet = this.#packet
    if (packet !== undefined && packet.written === now && packet.size + bytes <= PACKET && !packet.hasArrived) {
      packet.add(segment, bytes)
      return void this.#network.added(this.host.number, far.host.number, segment === "end" ? undefined : segment)
    }
    const size = HEADERS + bytes
    const { copies, extra } = this.#network.wire.delay(this.host.number, far.host.number, this.#latency)
    const start = Math.max(now, this.host.freeAt)
    this.host.freeAt = start + (size * copies * 1000) / this.#network.wire.profile.bandwidth
    const arrival = Math.max(this.host.freeAt + this.#latency + extra, this.#lastArrival)
    this.#lastArrival = arrival
    this.#network.carried(this.host.number, far.host.number, segment === "end" ? undefined : segment, size * copies)
    // Counted like any other, but nobody is there whom its arrival would tell anything.
    if (this.#farFinished) return
    this.#packet = new Packet(far, segment, bytes, now)
    this.#network.time.schedule(this.#packet, arrival - now, far.process)
  }

  /** What was written to `far` is there, and no longer under way. */
  delivered(size: number): void {
    this.#inFlight -= size
    if (this.#inFlight < IN_FLIGHT) this.#inbox.wakeWriters()
  }

  #hand(segments: ReadonlyArray<Segment>): void {
    const frames: Array<Uint8Array> = []
    let [size, isLast] = [0, false]
    let refusal: ReturnType<FrameSplitter["push"]>
    for (const segment of segments) {
      if (segment === "end") isLast = this.#farFinished = true
      else if (refusal === undefined) {
        size += segment.length
        refusal = this.#splitter.push(segment, frames)
      }
    }
    if (size > 0) this.#far?.delivered(size)
    this.#inbox.push(frames)
    if (refusal !== undefined) {
      this.reset("reset")
      this.#inbox.end(refusal)
    } else if (isLast) this.end("ended")
  }

  #takeHeld(): void {
    while (this.#held.length > 0 && !this.#inbox.isFull) this.#hand([this.#held.shift() as Segment])
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

/** What was written at one time, on its way. */
class Packet extends TimedEvent {
  readonly written: number
  size: number
  hasArrived = false
  readonly #to: StreamEnd
  #segments: Array<Segment>

  constructor(to: StreamEnd, segment: Segment, size: number, written: number) {
    super()
    this.#to = to
    this.#segments = [segment]
    this.size = size
    this.written = written
  }

  add(segment: Segment, size: number): void {
    this.#segments.push(segment)
    this.size += size
  }

  fire(): void {
    const segments = this.#segments
    // Its sender remembers it as the latest; what it carried would stay in memory with it.
    this.#segments = []
    this.hasArrived = true
    this.#to.arrive(segments)
  }

  override lost(): void {
    this.#segments = []
    this.hasArrived = true
    this.#to.answerStranger()
  }
}

class Reset extends TimedEvent {
  readonly #end: StreamEnd
  readonly #reason: ConnectionEnd

  constructor(end: StreamEnd, reason: ConnectionEnd) {
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
