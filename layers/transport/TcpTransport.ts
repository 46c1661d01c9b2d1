/** TCP, over `node:net` itself: one write for a message, all frames of one read handed over together. */
import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net"
import { Effect, Layer, Result } from "effect"
import { type Address, expecting, parseAddress } from "#schemas/transport/Address"
import {
  DialFailed,
  type Dialled,
  type GiveUp,
  ListenFailed,
  type Transport,
  Transports
} from "#services/transport/Transport"
import { type Lingering, makeLingering } from "./Lingering.ts"
import { TcpConnection } from "./TcpConnection.ts"

/** Connections that the kernel may hold ready for us; with more waiting, diallers see a refusal sooner than a stall. */
const BACKLOG = 511

/**
 * `allowHalfOpen`: when the far end has finished, what was already written is still delivered.
 * `noDelay`: a row is already all that a tick produced; waiting for more would only add latency.
 */
const OPTIONS = { allowHalfOpen: true, noDelay: true } as const

const addressOf = (ip: string | undefined, port: number | undefined): Address | undefined =>
  Result.getOrUndefined(parseAddress(`/ip${ip?.includes(":") ? 6 : 4}/${ip ?? ""}/tcp/${port ?? 0}`))

const dialReason = (code: unknown): DialFailed["reason"] => {
  if (code === "ECONNREFUSED" || code === "ECONNRESET") return "refused"
  return code === "ETIMEDOUT" ? "timeout" : "unreachable"
}

const listenReason = (code: unknown): ListenFailed["reason"] => {
  if (code === "EADDRINUSE") return "in use"
  return code === "EACCES" || code === "EPERM" ? "not permitted" : "not available"
}

const codeOf = (error: Error): unknown => ("code" in error ? error.code : undefined)

/** A connected socket. Giving up, and any failure, leaves none behind. */
const open = (address: Address, lingering: Lingering, done: Dialled): GiveUp => {
  const socket = tcpConnect({ ...OPTIONS, host: address.host, port: address.port, family: address.family ?? 0 })
  let isOver = false
  const onError = (error: Error) => {
    isOver = true
    socket.destroy()
    done(Result.fail(new DialFailed({ address: address.text, reason: dialReason(codeOf(error)) })))
  }
  socket.once("error", onError).once("connect", () => {
    isOver = true
    socket.off("error", onError)
    done(Result.succeed(owned(socket, address, true, lingering)))
  })
  return () => {
    if (isOver) return
    isOver = true
    socket
      .removeAllListeners("connect")
      .off("error", onError)
      .on("error", () => {})
      .destroy()
  }
}

/** The remote end is asked for at once, since a closed socket no longer knows it. */
const owned = (socket: Socket, address: Address, dialled: boolean, lingering: Lingering): TcpConnection => {
  const [ip, port] = [socket.remoteAddress, socket.remotePort]
  const isAsDialled = dialled && ip === address.host
  return new TcpConnection(
    socket,
    isAsDialled ? () => expecting(address, undefined) : () => addressOf(ip, port) ?? address,
    dialled,
    lingering
  )
}

const bind = (server: Server, address: Address) =>
  Effect.callback<void, ListenFailed>((resume) => {
    const onError = (error: Error) =>
      resume(Effect.fail(new ListenFailed({ address: address.text, reason: listenReason(codeOf(error)) })))
    server.once("error", onError)
    server.listen({ host: address.host, port: address.port, backlog: BACKLOG, ipv6Only: address.family === 6 }, () => {
      // Later errors concern single connections that could not be accepted (no descriptors left): not our end.
      server.off("error", onError).on("error", () => {})
      resume(Effect.void)
    })
  })

export const make = Effect.gen(function* () {
  const lingering = yield* makeLingering

  const dial: Transport["dial"] = (address, done) => {
    if (address.kind === "tcp") return open(address, lingering, done)
    done(Result.fail(new DialFailed({ address: address.text, reason: "not supported" })))
    return () => {}
  }

  const listen: Transport["listen"] = Effect.fnUntraced(function* (address, handle) {
    if (address.kind !== "tcp") return yield* new ListenFailed({ address: address.text, reason: "not supported" })
    const accept = (socket: Socket): void => handle(owned(socket, address, false, lingering))
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => createServer(OPTIONS, accept)),
      (it) => Effect.sync(() => it.close()) // stops accepting; the connections go on
    )
    yield* bind(server, address)
    const bound = server.address()
    const port = bound !== null && typeof bound === "object" ? bound.port : address.port
    return { address: (address.port === 0 ? addressOf(address.host, port) : undefined) ?? address }
  })

  const transport: Transport = { name: "tcp", supports: (address) => address.kind === "tcp", dial, listen }
  return transport
})

export const layer = Layer.effect(
  Transports,
  Effect.map(make, (transport) => [transport])
)
