/**
 * A request of 64 bytes and its answer of 64 bytes over one Noise session on loopback TCP, both ends in this process:
 * one at a time and 32 in flight. The whole path of the production layers: Rpc, router, session, transport.
 */
import { Effect, Schema } from "effect"
import { Rpc, type RpcMethod } from "#services/rpc/Rpc"
import type { DialTarget } from "#services/session/SessionManager"
import { SessionManager } from "#services/session/SessionManager"
import { rateFigures } from "./lib.ts"
import { makePeer } from "./peer.ts"

const echo: RpcMethod<Uint8Array, Uint8Array> = {
  name: "bench/echo",
  request: Schema.Uint8Array,
  response: Schema.Uint8Array
}

await Effect.gen(function* () {
  const server = yield* makePeer({ listen: true })
  const client = yield* makePeer({ listen: false })
  yield* server(Effect.flatMap(Rpc, (rpc) => rpc.handle(echo, Effect.succeed)))
  const target: DialTarget = yield* server(
    Effect.map(SessionManager, (sessions) => ({ ...sessions.self(), addresses: sessions.listening(), trusted: true }))
  )
  const rpc = yield* client(Rpc)
  const body = new Uint8Array(64).fill(7)
  yield* Effect.promise(() =>
    rateFigures("rpc64", () => Effect.runPromise(rpc.call(target, echo, body)), {
      ms: 1500,
      warm: 2000,
      reps: 5,
      width: 32
    })
  )
}).pipe(Effect.scoped, (program) => Effect.runPromise(program))
process.exit(0)
