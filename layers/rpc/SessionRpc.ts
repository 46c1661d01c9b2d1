/** Rpc over sessions: Hello right after each handshake, Ping, the DHT's methods and those of apps. */
import { Clock, Duration, Effect, Layer, Result } from "effect"
import { encode } from "#schemas/bytes/Cbor"
import { answerReaderOf, type DhtAnswer, type DhtRequest, writeRequest } from "#schemas/dht/DhtMessage"
import { DHT_SERVER } from "#schemas/identity/PeerRecord"
import { argsOf, HELLO, type HelloFields, ofArgs, PING } from "#schemas/rpc/Hello"
import { writeCall } from "#schemas/rpc/RpcMessage"
import { FrameType } from "#schemas/session/Frame"
import { RouterHandle } from "#services/router/RouterHandle"
import { MAX_SERVING } from "#services/rpc/Limits"
import { Rpc } from "#services/rpc/Rpc"
import { type DialTarget, type Session, SessionManager } from "#services/session/SessionManager"
import { makeCaller, readNothing } from "./calling.ts"
import { codecOf } from "./methodCodec.ts"
import { makeServer } from "./serving.ts"

/** The minor version of the protocol that this code speaks (WIRE.md §6, Hello). */
const MINOR = 0

export interface RpcOptions {
  /** What this node tells others of itself. */
  readonly agent: string
  readonly capabilities?: ReadonlyArray<string>
}

const nothing = encode([])

export const make = Effect.fnUntraced(function* (options: RpcOptions) {
  const sessions = yield* SessionManager
  const router = yield* RouterHandle
  const clock = yield* Clock.Clock
  const caller = yield* makeCaller
  const server = yield* makeServer
  const hellos = new Map<Session, HelloFields>()
  yield* sessions.onClose((session) => void hellos.delete(session))

  yield* server.register(HELLO, (values, _, session) => {
    if (session === undefined) return undefined
    return Result.map(ofArgs(values), (hello) => {
      // A copy: the view would keep the whole row that it came in.
      hellos.set(session, { ...hello, observed: new Uint8Array(hello.observed) })
      caller.resize(session, hello.maxInFlight)
      return Effect.succeed(nothing)
    })
  })
  yield* server.register(PING, () => Result.succeed(Effect.succeed(nothing)))

  yield* sessions.onOpen((session) => {
    const hello: HelloFields = {
      minor: MINOR,
      agent: options.agent,
      mode: (sessions.self().record.capabilities & DHT_SERVER) === 0 ? "client" : "server",
      observed: session.address.bytes,
      capabilities: options.capabilities ?? [],
      maxInFlight: MAX_SERVING
    }
    caller.tell(session, FrameType.RPC_REQ, HELLO, writeCall({ method: HELLO, args: argsOf(hello) }))
  })

  const call: Rpc["Service"]["call"] = (peer, method, request) =>
    Effect.flatMap(router.reach(peer), (session) => {
      const { encodeRequest, readResponse } = codecOf(method)
      const body = writeCall({ method: method.name, args: [encodeRequest(request)] })
      const work = method.takes === undefined ? 0 : Duration.toMillis(method.takes)
      return caller.ask(session, FrameType.RPC_REQ, method.name, body, readResponse, work)
    })

  /** A lookup asks many peers the same, and a put has many store the same: that is encoded once. */
  let last: { readonly request: DhtRequest; readonly body: Uint8Array } | undefined
  const bodyOf = (request: DhtRequest): Uint8Array => {
    if (last?.request !== request) last = { request, body: writeRequest(request) }
    return last.body
  }

  const dht: Rpc["Service"]["dht"] = (peer, request) =>
    Effect.flatMap(router.reach(peer), (session) =>
      caller.ask<DhtAnswer>(session, FrameType.DHT_REQ, request._tag, bodyOf(request), answerReaderOf(request._tag))
    )

  const ping = Effect.fn("SessionRpc.ping")(function* (peer: DialTarget) {
    const session = yield* router.reach(peer)
    const start = clock.monotonicTimeNanosUnsafe()
    yield* caller.ask(session, FrameType.RPC_REQ, PING, writeCall({ method: PING, args: [] }), readNothing)
    return Duration.toMillis(Duration.nanos(clock.monotonicTimeNanosUnsafe() - start))
  })

  return Rpc.of({
    call,
    handle: server.handle,
    handleAnonymous: server.handleAnonymous,
    dht,
    handleDht: server.handleDht,
    hello: (session) => hellos.get(session),
    ping,
    roundTrip: (key) => {
      const session = sessions.find(key)
      return session === undefined ? undefined : caller.smoothed(session)
    }
  })
})

export const layer = (options: RpcOptions) => Layer.effect(Rpc, make(options))
