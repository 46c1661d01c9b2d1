/** Knows of nobody but itself, whatever it is asked, and shows nothing of what it holds. It stores what it is given. */
import { Effect, Layer } from "effect"
import { makeAnswering } from "#layers/dht/DhtServer"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"

const make = Effect.gen(function* () {
  const [rpc, sessions, properly] = [yield* Rpc, yield* SessionManager, yield* makeAnswering]

  yield* rpc.handleDht((request, from) => {
    const peers = [sessions.self().bytes]
    switch (request._tag) {
      case "FindNode":
        return Effect.succeed({ _tag: "Nodes", peers })
      case "FindValue":
      case "GetProviders":
        return Effect.succeed({ _tag: "Values", records: [], peers, more: false })
      default:
        return properly(request, from)
    }
  })
})

export const layer = Layer.effectDiscard(make)
