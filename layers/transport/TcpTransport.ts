/** TCP, over `node:net` itself: one write for a message, all frames of one read handed over together. */
import { createServer, type Server, type Socket, connect as tcpConnect } from "node:net"
import { Effect, FiberSet, Layer, Result } from "effect"
import { type Address, parseAddress } from "#schemas/transport/Address"
import { DialFailed, ListenFailed, type Transport, Transports } from "#services/transport/Transport"
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

/** A connected socket. Interruption, and any failure, leaves none behind. */
const open = (address: Address) =>
  Effect.callback<TcpConnection, DialFailed>((resume) => {
    const socket = tcpConnect({ ...OPTIONS, host: address.host, port: address.port, family: address.family ?? 0 })
    const onError = (error: Error) => {
      socket.destroy()
      resume(Effect.fail(new DialFailed({ address: address.text, reason: dialReason(codeOf(error)) })))
    }
    socket.once("error", onError).once("connect", () => {
      socket.off("error", onError)
      resume(Effect.succeed(owned(socket, address, true)))
    })
    return Effect.sync(() => socket.on("error", () => {}).destroy())
  })

const owned = (socket: Socket, address: Address, dialled: boolean): TcpConnection =>
  new TcpConnection(socket, addressOf(socket.remoteAddress, socket.remotePort) ?? address, dialled)

const dial = Effect.fnUntraced(function* (address: Address) {
  if (address.kind !== "tcp") return yield* new DialFailed({ address: address.text, reason: "not supported" })
  return yield* Effect.acquireRelease(open(address), (it) => it.finish, { interruptible: true })
})

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

const listen: Transport["listen"] = Effect.fnUntraced(function* (address, handle) {
  if (address.kind !== "tcp") return yield* new ListenFailed({ address: address.text, reason: "not supported" })
  const run = yield* FiberSet.runtime(yield* FiberSet.make())<never>()
  const accept = (socket: Socket): void => {
    const connection = owned(socket, address, false)
    const handled = Effect.acquireRelease(Effect.succeed(connection), (it) => it.finish)
    run(Effect.scoped(Effect.andThen(handled, handle(connection))))
  }
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => createServer(OPTIONS, accept)),
    (it) => Effect.sync(() => it.close()) // stops accepting; the connections end with their own scopes
  )
  yield* bind(server, address)
  const bound = server.address()
  const port = bound !== null && typeof bound === "object" ? bound.port : address.port
  return { address: (address.port === 0 ? addressOf(address.host, port) : undefined) ?? address }
})

export const tcp: Transport = { name: "tcp", supports: (address) => address.kind === "tcp", dial, listen }

export const layer = Layer.succeed(Transports, [tcp])
