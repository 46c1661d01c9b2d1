/**
 * The anonymous way: what OnionRouter carries, for recipients that are known by their id alone, and the exit's part for
 * others. What arrives goes to the same subscribers as what came directly, without a sender to name.
 */
import { Effect } from "effect"
import type { NodeId } from "#schemas/identity/NodeId"
import type { InnerEnvelope, InnerEnvelopeFields } from "#schemas/router/InnerEnvelope"
import { kindOf } from "#schemas/router/Question"
import { type OnionError, OnionRouter } from "#services/onion/OnionRouter"
import { Recipients } from "#services/router/Recipients"
import type { Direct } from "./direct.ts"
import type { Subscribers } from "./subscribers.ts"

export interface Anonymous {
  readonly send: (to: NodeId, envelope: InnerEnvelopeFields) => Effect.Effect<void, OnionError>
  readonly ask: (
    to: NodeId,
    envelope: InnerEnvelopeFields,
    answerBytes: number | undefined
  ) => Effect.Effect<InnerEnvelope, OnionError>
}

export const makeAnonymous = Effect.fnUntraced(function* (subscribers: Subscribers, direct: Direct) {
  const [onion, recipients] = [yield* OnionRouter, yield* Recipients]

  yield* onion.onArrival(({ envelope, reply, room }) => {
    const kind = kindOf(envelope)
    // An answer comes by a reply block; whoever takes a question answers it, and that is its ACK.
    if (kind === "answer") return "refused"
    const outcome = subscribers.deliver({ from: undefined, envelope, room, reply })
    if (outcome !== "delivered") return "refused"
    return kind === "request" ? "answering" : "taken"
  })
  yield* onion.onHand(direct.hand)

  return {
    send: (to, envelope) => Effect.flatMap(recipients.find(to), (contact) => onion.send(contact, envelope)),
    ask: (to, envelope, answerBytes) =>
      Effect.flatMap(recipients.find(to), (contact) =>
        onion.request(contact, envelope, answerBytes === undefined ? {} : { answerBytes })
      )
  } satisfies Anonymous
})
