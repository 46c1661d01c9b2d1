/**
 * The public face of the router: envelopes to a peer, directly or (with the onion router) anonymously, and whatever
 * arrives, by type. The router never imports the DHT; whom to reach is said by the caller (DESIGN.md §8).
 */
import { Context, type Effect, type Queue, Schema, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { NodeId } from "#schemas/identity/NodeId"
import type { EnvelopeType, InnerEnvelope, InnerEnvelopeFields } from "#schemas/router/InnerEnvelope"
import type { Gossip } from "../gossip/Gossip.ts"
import type { EnvelopeTooLarge, NotAnswerable, OnionError } from "../onion/OnionRouter.ts"
import type { RpcMethod } from "../rpc/Rpc.ts"
import type { ConnectFailed, DialTarget, Session, SessionClosed } from "../session/SessionManager.ts"

export const DeliveryPrivacy = Schema.Literals(["direct", "anonymous"])
export type DeliveryPrivacy = typeof DeliveryPrivacy.Type

/** The envelope left, but its ACK did not come back after every try. It may have arrived. */
export class Unacknowledged extends Schema.TaggedError<Unacknowledged>()("Unacknowledged", {
  peer: Schema.String,
  tries: Schema.Int
}) {}

/** The peer has the question, and did not answer it in time. */
export class Unanswered extends Schema.TaggedError<Unanswered>()("Unanswered", {
  peer: Schema.String,
  seconds: Schema.Number
}) {}

/** Nobody there serves what was asked for, or the answer is none. `tag` is the peer's own word where it gave one. */
export class RequestRefused extends Schema.TaggedError<RequestRefused>()("RequestRefused", {
  peer: Schema.String,
  tag: Schema.String,
  detail: Schema.String
}) {}

export type DirectError = ConnectFailed | SessionClosed | Unacknowledged | EnvelopeTooLarge
export type SendError = DirectError | OnionError
export type AskError = SendError | Unanswered

/** An envelope as delivered, once for each message id. */
export interface Incoming {
  /** The neighbour that handed it over; behind an onion route there is none to name. */
  readonly from: Contact | undefined
  readonly envelope: InnerEnvelope
  /** Bytes of the largest envelope that the way back carries. */
  readonly room: number
  /** Answers by the way back, once: over the session, or by the reply blocks that came along. */
  readonly reply: (answer: InnerEnvelopeFields) => Effect.Effect<void, NotAnswerable | SessionClosed>
}

export interface DeliveryOptions {
  readonly privacy: DeliveryPrivacy
}

export interface AskOptions extends DeliveryOptions {
  /** Bytes of the largest answer wanted, 2 KiB unless given; an anonymous question carries reply blocks for so many. */
  readonly answerBytes?: number
}

export class RouterHandle extends Context.Service<
  RouterHandle,
  {
    /** A session to the peer: the direct path that Rpc rides on. */
    readonly reach: (peer: DialTarget) => Effect.Effect<Session, ConnectFailed>
    /** Delivers an envelope and waits for its ACK; tried again by `SendAgain`, or by other routes; delivered once. */
    readonly send: (
      peer: DialTarget,
      envelope: InnerEnvelopeFields,
      options: DeliveryOptions
    ) => Effect.Effect<void, SendError>
    readonly sendDirect: (peer: DialTarget, envelope: InnerEnvelopeFields) => Effect.Effect<void, DirectError>
    /** As `send` by an onion route; the recipient's record is found as `Recipients` does. */
    readonly sendAnonymous: (nodeId: NodeId, envelope: InnerEnvelopeFields) => Effect.Effect<void, OnionError>
    /**
     * Delivers an envelope and waits for the one that answers it. RPC, DHT and SNAPSHOT have bodies that ask and answer
     * (`schemas/router/Question.ts`); an answer of another type that comes too late is taken for an envelope of its own.
     */
    readonly ask: (
      peer: DialTarget,
      envelope: InnerEnvelopeFields,
      options: AskOptions
    ) => Effect.Effect<InnerEnvelope, AskError>
    /** Calls a method of a peer in an RPC envelope: the way for anonymous calls. Handlers: `Rpc.handleAnonymous`. */
    readonly rpcCall: <Request, Response>(
      peer: DialTarget,
      method: RpcMethod<Request, Response>,
      request: Request,
      options: AskOptions
    ) => Effect.Effect<Response, AskError | RequestRefused>
    /** Asks a peer for the state of a channel at a frontier (sorted heads), with a SNAPSHOT envelope. */
    readonly fetchSnapshot: (
      peer: DialTarget,
      channel: Uint8Array,
      frontier: ReadonlyArray<Uint8Array>,
      options: AskOptions
    ) => Effect.Effect<Uint8Array, AskError | RequestRefused>
    readonly publish: Gossip["Service"]["publish"]
    readonly subscribeTopic: Gossip["Service"]["join"]
    /**
     * Envelopes of one type from now on, until the scope closes. Each subscriber has a queue of `INCOMING_QUEUE`
     * envelopes; while it is full the envelope is not acknowledged, so that the sender tries again.
     */
    readonly incoming: (type: EnvelopeType) => Effect.Effect<Queue.Dequeue<Incoming>, never, Scope.Scope>
  }
>()("allium/services/router/RouterHandle") {}
