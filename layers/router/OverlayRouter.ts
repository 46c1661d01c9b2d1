/**
 * RouterHandle: envelopes to a peer by the way that the caller chose, and whatever arrives by type, whichever way it
 * came. One way never takes the place of the other: who asked for the anonymous one gets it or an error.
 */
import { Effect, Layer } from "effect"
import { Gossip } from "#services/gossip/Gossip"
import { Bounds } from "#services/node/Bounds"
import { INCOMING_QUEUE } from "#services/router/Limits"
import { RouterHandle } from "#services/router/RouterHandle"
import { SessionManager } from "#services/session/SessionManager"
import { makeAnonymous } from "./anonymous.ts"
import { makeAsking } from "./asking.ts"
import { makeDirect } from "./direct.ts"
import { Subscribers } from "./subscribers.ts"

export const make = Effect.gen(function* () {
  const [sessions, gossip, bounds] = [yield* SessionManager, yield* Gossip, yield* Bounds]
  const subscribers = new Subscribers()
  yield* bounds.watch("envelopes for a subscriber", INCOMING_QUEUE, () => subscribers.mostWaiting())
  const direct = yield* makeDirect(subscribers)
  const anonymous = yield* makeAnonymous(subscribers, direct)

  const sendAnonymous = Effect.fn("OverlayRouter.sendAnonymous")(anonymous.send)
  const sendDirect = Effect.fn("OverlayRouter.sendDirect")(direct.send)

  const ask: RouterHandle["Service"]["ask"] = Effect.fn("OverlayRouter.ask")(function* (
    peer,
    envelope,
    { answerBytes, privacy }
  ) {
    if (privacy === "direct") return yield* direct.ask(peer, envelope)
    return yield* anonymous.ask(peer.nodeId, envelope, answerBytes)
  })

  return RouterHandle.of({
    reach: sessions.connect,
    send: (peer, envelope, { privacy }) =>
      privacy === "direct" ? sendDirect(peer, envelope) : sendAnonymous(peer.nodeId, envelope),
    sendDirect,
    sendAnonymous,
    ask,
    ...makeAsking(ask),
    publish: gossip.publish,
    subscribeTopic: gossip.join,
    incoming: (type) => subscribers.subscribe(type)
  })
})

export const layer = Layer.effect(RouterHandle, make)
