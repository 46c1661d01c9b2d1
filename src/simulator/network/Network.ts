/** The machines and what they can reach: dialling, listening, and a count of everything that is carried. */
import { crc32 } from "node:zlib"
import { Effect, Layer, Result } from "effect"
import { type Address, parseAddress } from "#schemas/transport/Address"
import {
  DialFailed,
  type Dialled,
  type GiveUp,
  ListenFailed,
  type Transport,
  Transports
} from "#services/transport/Transport"
import type { Trace } from "../Trace.ts"
import { Task } from "../time/Task.ts"
import type { VirtualTime } from "../time/VirtualTime.ts"
import { Host } from "./Host.ts"
import { Nat } from "./Nat.ts"
import { StreamEnd } from "./StreamEnd.ts"
import type { Wire } from "./Wire.ts"

type NatKind = ConstructorParameters<typeof Nat>[0]

/** Of a connection that begins: the headers of one empty message each way. */
const OPENING_BYTES = 80

export class Network {
  readonly time: VirtualTime
  readonly wire: Wire
  readonly trace: Trace
  readonly hosts: Array<Host> = []
  messages = 0
  bytes = 0
  /** Sees every message as it goes over the wire. */
  onCarried: ((from: number, to: number, bytes: Uint8Array) => void) | undefined
  readonly #byAddress = new Map<string, Host>()
  readonly #addresses = new Map<string, Address>()

  constructor(time: VirtualTime, wire: Wire, trace: Trace) {
    this.time = time
    this.wire = wire
    this.trace = trace
  }

  /** A new machine, off. Its number is the place among all. */
  addHost(nat: NatKind): Host {
    const host = new Host(this.hosts.length, new Nat(nat))
    this.hosts.push(host)
    this.#byAddress.set(host.address, host)
    return host
  }

  addressAt(host: string, port: number): Address {
    const text = `/ip4/${host}/tcp/${port}`
    const known = this.#addresses.get(text)
    if (known !== undefined) return known
    const address = Result.getOrThrow(parseAddress(text))
    this.#addresses.set(text, address)
    return address
  }

  /** Counts and remembers what goes over the wire; `bytes` undefined for what carries none. */
  carried(from: number, to: number, bytes: Uint8Array | undefined, size: number): void {
    this.messages++
    this.bytes += size
    this.trace.message(from, to, size, bytes === undefined ? 0 : crc32(bytes))
    if (bytes !== undefined && this.onCarried !== undefined) this.onCarried(from, to, bytes)
  }

  /** Counts and remembers what goes along with the message before. */
  added(from: number, to: number, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return
    this.bytes += bytes.length
    this.trace.message(from, to, bytes.length, crc32(bytes))
    if (this.onCarried !== undefined) this.onCarried(from, to, bytes)
  }

  /** The transport of the program that now runs on this machine. */
  transportOf(host: Host): Transport {
    const process = host.process
    if (process === undefined) throw new Error("a transport belongs to a program that runs")
    const supports = (address: Address): boolean => address.kind === "tcp" && address.family === 4
    return {
      name: "simulated",
      supports,
      dial: (address, done) => {
        if (supports(address)) return this.#dial(host, address, done)
        done(Result.fail(new DialFailed({ address: address.text, reason: "not supported" })))
        return nothing
      },
      listen: Effect.fnUntraced(function* (address, accept) {
        if (!supports(address)) return yield* new ListenFailed({ address: address.text, reason: "not supported" })
        if (host.listeners.has(address.port)) {
          return yield* new ListenFailed({ address: address.text, reason: "in use" })
        }
        yield* Effect.acquireRelease(
          Effect.sync(() => host.listeners.set(address.port, accept)),
          () => Effect.sync(() => host.listeners.delete(address.port))
        )
        return { address }
      })
    }
  }

  layerOf(host: Host): Layer.Layer<Transports> {
    return Layer.sync(Transports, () => [this.transportOf(host)])
  }

  /** A question there and an answer back; where nothing passes there is silence, and the caller's patience decides. */
  #dial(host: Host, address: Address, done: Dialled): GiveUp {
    const process = host.process
    const far = this.#byAddress.get(address.host)
    if (process === undefined || far === undefined) return nothing
    const latency = this.wire.latency(host.number, far.number)
    const { port } = host
    const outside = host.nat.outbound(port, address.host, address.port, this.time.now)
    let end: StreamEnd | undefined
    let isOver = false
    const answer = (): void => {
      this.#carry(far, host, latency, process, () => {
        if (isOver) return
        isOver = true
        if (end !== undefined) done(Result.succeed(end))
        else done(Result.fail(new DialFailed({ address: address.text, reason: "refused" })))
      })
    }
    const ask = (): void => {
      // Who asked may have given up or be no more: the far machine's answer would find nobody.
      if (!far.up || isOver || host.process !== process) return
      const inside = far.nat.inbound(address.port, host.address, outside, this.time.now)
      if (inside === undefined) return
      const accept = far.listeners.get(inside)
      const theirs = far.process
      if (theirs?.state === "paused") return void theirs.hold(new Task(ask))
      if (accept !== undefined && theirs !== undefined && theirs.state === "running") {
        end = new StreamEnd(this, host, process, address, true, latency)
        const other = new StreamEnd(this, far, theirs, this.addressAt(host.address, outside), false, latency)
        StreamEnd.join(end, other)
        accept(other)
      }
      answer()
    }
    this.#carry(host, far, latency, undefined, ask)
    return () => {
      if (isOver) return
      isOver = true
      end?.abort()
    }
  }

  /** One small message outside of any connection, if it passes. */
  #carry(from: Host, to: Host, latency: number, process: Host["process"], task: () => void): void {
    if (!this.wire.passes(from.number, to.number)) return
    const { copies, extra } = this.wire.delay(from.number, to.number, latency)
    this.carried(from.number, to.number, undefined, (OPENING_BYTES / 2) * copies)
    this.time.schedule(new Task(task), latency + extra, process)
  }
}

const nothing: GiveUp = () => {}
