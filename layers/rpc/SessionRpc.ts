/** Rpc over sessions: Ping, the DHT's methods and those of apps. */
import { Clock, Duration, Effect, Layer, Result } from "effect"
import { encode } from "#schemas/bytes/Cbor"
import { answerReaderOf, type DhtAnswer, type DhtRequest, writeRequest } from "#schemas/dht/DhtMessage"
import { PING, writeCall } from "#schemas/rpc/RpcMessage"
import { FrameType } from "#schemas/session/Frame"
import { RouterHandle } from "#services/router/RouterHandle"
import { Rpc } from "#services/rpc/Rpc"
import { type DialTarget, SessionManager } from "#services/session/SessionManager"
import { makeCaller, readNothing } from "./calling.ts"
import { codecOf } from "./methodCodec.ts"
import { makeServer } from "./serving.ts"

const nothing = encode([])

export const make = Effect.gen(function* () {
  const sessions = yield* SessionManager
  const router = yield* RouterHandle
  const clock = yield* Clock.Clock
  const caller = yield* makeCaller
  const server = yield* makeServer
  yield* server.register(PING, () => Result.succeed(Effect.succeed(nothing)))

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
    hello: (session) => session.hello,
    ping,
    roundTrip: (key) => {
      const session = sessions.find(key)
      return session === undefined ? undefined : caller.smoothed(session)
    }
  })
})

export const layer = Layer.effect(Rpc, make)
