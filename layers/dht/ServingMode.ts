/**
 * Keeps the mode of this node, tells it to its peers, and hears of theirs. While it is a client it answers the DHT's
 * requests by saying so.
 */
import { Clock, Effect, Latch, Layer, Result } from "effect"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { ENVELOPES_AT_ONCE, INTRODUCTIONS } from "#services/dht/Limits"
import type { ServingMode } from "#services/dht/Membership"
import { RoutingTable } from "#services/dht/RoutingTable"
import { INTRODUCE, Serving } from "#services/dht/Serving"
import { KnownPeers } from "#services/identity/KnownPeers"
import type { RouterHandle } from "#services/router/RouterHandle"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { serveEnvelopes } from "./envelopes.ts"

export interface ServingOptions {
  /** At the start. */
  readonly serves: boolean
}

const notServed = new RpcFailure({ tag: "NotServed", detail: "this node is a client at present", data: null })
const refused = new RpcFailure({ tag: "BadRecord", detail: "not a valid record of yours", data: null })

export const make = Effect.fnUntraced(function* ({ serves }: ServingOptions) {
  const [sessions, rpc, table] = [yield* SessionManager, yield* Rpc, yield* RoutingTable]
  const [book, clock] = [yield* KnownPeers, yield* Clock.Clock]
  let mode: ServingMode = serves ? "server" : "client"

  yield* rpc.handle(INTRODUCE, (bytes, from) =>
    Effect.suspend(() => {
      const admitted = book.admit(bytes, Math.floor(clock.currentTimeMillisUnsafe() / 1000))
      if (Result.isSuccess(admitted) && admitted.success.key === from.key) {
        table.seen(admitted.success, sessions.find(from.key)?.dialled === true)
        return Effect.succeed(null)
      }
      // A record that is older than the one known is late, not wrong.
      if (Result.isFailure(admitted) && admitted.failure === "too-old") return Effect.succeed(null)
      sessions.charge(from.key, "bad record")
      return Effect.fail(refused)
    })
  )

  const introduce = Effect.suspend(() => {
    const { bytes } = sessions.self()
    return Effect.forEach(
      sessions.list(),
      ({ contact }) => Effect.ignore(rpc.call(contact, INTRODUCE, bytes), { log: "Debug" }),
      { concurrency: INTRODUCTIONS, discard: true }
    )
  })

  // Else whoever kept a session for days would seal for an onion key that is gone.
  const newKey = yield* Latch.make(false)
  yield* sessions.onOwnKey(() => void newKey.openUnsafe())
  yield* newKey.await.pipe(Effect.andThen(newKey.close), Effect.andThen(introduce), Effect.forever, Effect.forkScoped)

  return Serving.of({
    mode: () => mode,
    become: (next) =>
      Effect.suspend(() => {
        if (next === mode) return Effect.void
        mode = next
        sessions.setServing(next === "server")
        return introduce
      })
  })
})

export const layer = (options: ServingOptions) => Layer.effect(Serving, make(options))

/**
 * The Rpc of whoever answers the DHT's requests: its answers go out only while this node serves, and to neighbours also
 * where the request came in an envelope.
 */
export const gate = Layer.effect(
  Rpc,
  Effect.gen(function* () {
    const [rpc, serving] = [yield* Rpc, yield* Serving]
    const context = yield* Effect.context<RouterHandle>()
    return Rpc.of({
      ...rpc,
      handleDht: (handler) => {
        const gated: typeof handler = (request, from) =>
          serving.mode() === "server" ? handler(request, from) : Effect.fail(notServed)
        const inEnvelopes = serveEnvelopes({
          name: "requests in envelopes of neighbours",
          limit: ENVELOPES_AT_ONCE,
          handle: ({ from }) => (from === undefined ? undefined : (request) => gated(request, from))
        })
        return Effect.andThen(rpc.handleDht(gated), Effect.provideContext(inEnvelopes, context))
      }
    })
  })
)
