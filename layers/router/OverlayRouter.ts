/**
 * RouterHandle: envelopes to a peer by the way that the caller chose, and whatever arrives by type, whichever way it
 * came. One way never takes the place of the other: who asked for the anonymous one gets it or an error.
 */
import { Effect, Layer } from "effect"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { Gossip } from "#services/gossip/Gossip"
import { Bounds } from "#services/node/Bounds"
import { INCOMING_QUEUE } from "#services/router/Limits"
import { RouterHandle } from "#services/router/RouterHandle"
import { NoRoute } from "#services/router/RouteTable"
import { type DialTarget, SessionManager } from "#services/session/SessionManager"
import { makeAsking } from "./asking.ts"
import { makeDirect } from "./direct.ts"
import { Subscribers } from "./subscribers.ts"

export const make = Effect.gen(function* () {
  const [sessions, gossip, bounds] = [yield* SessionManager, yield* Gossip, yield* Bounds]
  const subscribers = new Subscribers()
  const direct = yield* makeDirect(subscribers)
  yield* bounds.watch("envelopes for a subscriber", INCOMING_QUEUE, () => subscribers.mostWaiting())

  const noRoute = ({ nodeId }: Pick<DialTarget, "nodeId">) =>
    new NoRoute({ peer: nodeIdShort(nodeId), reason: "this node has no onion router" })

  const ask: RouterHandle["Service"]["ask"] = (peer, envelope, { privacy }) =>
    privacy === "direct" ? direct.ask(peer, envelope) : Effect.fail(noRoute(peer))

  return RouterHandle.of({
    reach: sessions.connect,
    send: (peer, envelope, { privacy }) =>
      privacy === "direct" ? direct.send(peer, envelope) : Effect.fail(noRoute(peer)),
    sendDirect: direct.send,
    sendAnonymous: (nodeId) => Effect.fail(noRoute({ nodeId })),
    ask,
    ...makeAsking(ask),
    publish: gossip.publish,
    subscribeTopic: gossip.join,
    incoming: (type) => subscribers.subscribe(type)
  })
})

export const layer = Layer.effect(RouterHandle, make)
