/**
 * The public face of the router: envelopes to a peer, directly or (with the onion router) anonymously, and whatever
 * arrives, by type. The router never imports the DHT; whom to reach is said by the caller (DESIGN.md §8).
 */
import { Context, type Effect, type Queue, Schema, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { EnvelopeType, InnerEnvelope } from "#schemas/router/InnerEnvelope"
import type { ConnectFailed, DialTarget, Session, SessionClosed } from "../session/SessionManager.ts"

export const DeliveryPrivacy = Schema.Literals(["direct", "anonymous"])
export type DeliveryPrivacy = typeof DeliveryPrivacy.Type

/** The envelope left, but its ACK did not come back after every try. It may have arrived. */
export class Unacknowledged extends Schema.TaggedError<Unacknowledged>()("Unacknowledged", {
  peer: Schema.String,
  tries: Schema.Int
}) {}

/** No route of the wanted kind exists: `anonymous` without an onion router. */
export class NoRoute extends Schema.TaggedError<NoRoute>()("NoRoute", {
  peer: Schema.String,
  reason: Schema.String
}) {}

export type SendError = ConnectFailed | SessionClosed | Unacknowledged | NoRoute

/** An envelope as delivered, once for each message id. */
export interface Incoming {
  /** The neighbour that handed it over; behind an onion route there is none to name. */
  readonly from: Contact | undefined
  readonly envelope: InnerEnvelope
}

export class RouterHandle extends Context.Service<
  RouterHandle,
  {
    /** A session to the peer: the direct path that Rpc rides on. */
    readonly reach: (peer: DialTarget) => Effect.Effect<Session, ConnectFailed>
    /** Delivers an envelope and waits for its ACK; tried again by `SendAgain`, delivered once. */
    readonly send: (
      peer: DialTarget,
      envelope: InnerEnvelope,
      options: { readonly privacy: DeliveryPrivacy }
    ) => Effect.Effect<void, SendError>
    readonly sendDirect: (peer: DialTarget, envelope: InnerEnvelope) => Effect.Effect<void, SendError>
    /**
     * Envelopes of one type from now on, until the scope closes. Each subscriber has a queue of `INCOMING_QUEUE`
     * envelopes; while it is full the envelope is not acknowledged, so that the sender tries again.
     */
    readonly incoming: (type: EnvelopeType) => Effect.Effect<Queue.Dequeue<Incoming>, never, Scope.Scope>
  }
>()("allium/services/router/RouterHandle") {}
