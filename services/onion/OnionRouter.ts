/**
 * Envelopes over onion routes: sealed for a recipient and three relays, acknowledged by a reply block, sent again over
 * another route until they are, and handed out once (WIRE §4, DESIGN §8). Who sent one is never known here.
 */
import { Context, type Effect, Schema, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { InnerEnvelope, InnerEnvelopeFields, MessageId } from "#schemas/router/InnerEnvelope"
import type { NoRoute } from "../router/RouteTable.ts"
import type { Session } from "../session/SessionManager.ts"

/** The cells left, but no answer came by any route within the limit. The envelope may have arrived. */
export class OnionUnanswered extends Schema.TaggedError<OnionUnanswered>()("OnionUnanswered", {
  /** The recipient, shortened. */
  peer: Schema.String,
  /** Routes that were tried. */
  routes: Schema.Int,
  seconds: Schema.Number,
  /** What the last try met: silence, or why its first hop was not reached. */
  last: Schema.String
}) {}

/** The envelope needs more than eight cells of the largest class. Nothing was sent. */
export class EnvelopeTooLarge extends Schema.TaggedError<EnvelopeTooLarge>()("EnvelopeTooLarge", {
  bytes: Schema.Int,
  limit: Schema.Int
}) {}

export type OnionError = NoRoute | OnionUnanswered | EnvelopeTooLarge

/** The answer is larger than what came along to carry it, that is dead, or there was an answer already. */
export class NotAnswerable extends Schema.TaggedError<NotAnswerable>()("NotAnswerable", {
  reason: Schema.Literals(["no blocks", "answered", "too large", "expired", "not sent"]),
  /** Bytes of the largest envelope that could have been sent. */
  room: Schema.Int
}) {}

/** An envelope that arrived by an onion route, once for each message id. */
export interface OnionArrival {
  readonly messageId: MessageId
  readonly envelope: InnerEnvelope
  /** Bytes of an answer's envelope for which its blocks have room; 0 when there are none. */
  readonly room: number
  /** Answers, once; an answer is also the ACK. Without a call the router acknowledges by itself. */
  readonly reply: (answer: InnerEnvelopeFields) => Effect.Effect<void, NotAnswerable>
}

/**
 * What becomes of an arrival: taken and acknowledged by the router; taken, and whoever took it will answer; or not taken,
 * and then neither acknowledged nor remembered, so that the sender tries again.
 */
export type Taken = "taken" | "answering" | "refused"

export interface RequestOptions {
  /** Bytes of the largest answer wanted, 2 KiB unless given: so many reply blocks go with the question. */
  readonly answerBytes?: number
}

export class OnionRouter extends Context.Service<
  OnionRouter,
  {
    /** Delivers the envelope to the recipient and waits for its ACK. */
    readonly send: (to: Contact, envelope: InnerEnvelopeFields) => Effect.Effect<void, OnionError>
    /** Delivers the envelope and waits for its answer. */
    readonly request: (
      to: Contact,
      envelope: InnerEnvelopeFields,
      options?: RequestOptions
    ) => Effect.Effect<InnerEnvelope, OnionError>
    /** Until the scope closes. One handler; synchronous. */
    readonly onArrival: (handle: (arrival: OnionArrival) => Taken) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Until the scope closes: who hands an envelope out of an onion to a peer, as an ENVELOPE frame. It succeeds when the
     * peer has acknowledged it.
     */
    readonly onHand: (
      hand: (session: Session, messageId: MessageId, envelope: InnerEnvelopeFields) => Effect.Effect<void, unknown>
    ) => Effect.Effect<void, never, Scope.Scope>
  }
>()("allium/services/onion/OnionRouter") {}
