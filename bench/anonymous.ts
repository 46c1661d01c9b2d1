/**
 * What a user waits for: a call of 1 KiB and its answer over onion routes of three relays each, and a block of 1 KiB that
 * a delegate fetches, in a network on loopback TCP. All nodes are in this process, so processor time is everybody's: a
 * call is eight layers to seal, as many to open, and eight links. Beside it the same call directly.
 */
import { randomBytes } from "node:crypto"
import { Context, Effect, Exit, Schema, Scope } from "effect"
import { Dht } from "#services/dht/Dht"
import { RouterHandle } from "#services/router/RouterHandle"
import { Rpc, type RpcMethod } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { rateFigures } from "./lib.ts"
import { addressOf, makeSwarm } from "./swarm.ts"

const NODES = 12
const BYTES = 1_024
const PACE = { ms: 2_000, warm: 3_000, reps: 5, width: 16 }

const echo: RpcMethod<Uint8Array, Uint8Array> = {
  name: "bench/echo",
  request: Schema.Uint8Array,
  response: Schema.Uint8Array
}

const scope = Scope.makeUnsafe()
const { grow, makeNode } = makeSwarm(scope, { replicationFactor: 5 })

const program = Effect.gen(function* () {
  const nodes = yield* grow(NODES)
  const [asker, server] = [yield* makeNode(addressOf(nodes[0]!), false), nodes[NODES - 1]!]
  yield* Scope.provide(Context.get(server, Rpc).handleAnonymous(echo, Effect.succeed), scope)
  const sessions = Context.get(server, SessionManager)
  const target = { nodeId: sessions.self().nodeId, addresses: sessions.listening(), trusted: true }
  const [router, dht] = [Context.get(asker, RouterHandle), Context.get(asker, Dht)]
  const body = new Uint8Array(randomBytes(BYTES))
  const note = { nodes: NODES, relays: 3, bytes: BYTES }
  const figures = (name: string, work: Effect.Effect<unknown, unknown>) =>
    Effect.promise(() => rateFigures(name, () => Effect.runPromise(work), PACE, note))

  yield* figures("direct-call-1KiB", router.rpcCall(target, echo, body, { privacy: "direct" }))
  yield* figures(
    "anonymous-call-1KiB",
    router.rpcCall(target, echo, body, { privacy: "anonymous", answerBytes: BYTES + 64 })
  )
  const { key } = yield* Context.get(nodes[3]!, Dht).putBlock(body)
  yield* figures("anonymous-get-1KiB", dht.getBlock(key, { privacy: "anonymous" }))
})

try {
  await Effect.runPromise(program)
} finally {
  await Effect.runPromise(Scope.close(scope, Exit.void))
}
process.exit(0)
