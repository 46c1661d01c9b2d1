/**
 * The direct way: ENVELOPE frames over a session, each with an ACK, sent again until it comes and delivered once. The
 * answer to a question is an ENVELOPE with the question's message id; it is its ACK, too, and has none of its own.
 */
import { Clock, Deferred, Duration, Effect, Metric, Result } from "effect"
import { KeptAnswers } from "#core/router/KeptAnswers"
import { keyOf } from "#schemas/bytes/bytes"
import { nodeIdShort } from "#schemas/identity/NodeId"
import {
  acknowledgement,
  InnerEnvelope,
  type InnerEnvelopeFields,
  MESSAGE_ID_LENGTH,
  MessageId,
  readEnvelope,
  UNKNOWN_TYPE,
  writeEnvelope
} from "#schemas/router/InnerEnvelope"
import { kindOf } from "#schemas/router/Question"
import { FrameType, INNER_LIMIT } from "#schemas/session/Frame"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Bounds } from "#services/node/Bounds"
import { EnvelopeTooLarge, NotAnswerable } from "#services/onion/OnionRouter"
import { Deliveries } from "#services/router/Deliveries"
import { KEPT_ANSWER_BYTES, KEPT_ANSWERS, KEPT_ANSWERS_FOR } from "#services/router/Limits"
import { envelopes } from "#services/router/Metrics"
import { type DirectError, type Incoming, Unacknowledged, Unanswered } from "#services/router/RouterHandle"
import { AckDeadline, AnswerDeadline, SendAgain } from "#services/router/Schedules"
import { type DialTarget, type Session, SessionClosed, SessionManager } from "#services/session/SessionManager"
import type { Subscribers } from "./subscribers.ts"

const ENVELOPE = FrameType.ENVELOPE

/** Bytes of the largest envelope that a frame carries. */
const ROOM = INNER_LIMIT - MESSAGE_ID_LENGTH

export interface Direct {
  readonly send: (peer: DialTarget, envelope: InnerEnvelopeFields) => Effect.Effect<void, DirectError>
  readonly ask: (
    peer: DialTarget,
    envelope: InnerEnvelopeFields
  ) => Effect.Effect<InnerEnvelope, DirectError | Unanswered>
  /** Delivers in somebody's name, under the message id that he chose; once, as it is for him to try again. */
  readonly hand: (
    session: Session,
    messageId: MessageId,
    envelope: InnerEnvelopeFields
  ) => Effect.Effect<void, DirectError>
}

/** An envelope of this node's that is on its way, or a question that waits for its answer. */
interface Waiting {
  acknowledged: Deferred.Deferred<void>
  /** Of questions only. */
  readonly answered: Deferred.Deferred<InnerEnvelope> | undefined
}

export const makeDirect = Effect.fnUntraced(function* (subscribers: Subscribers) {
  const [sessions, random, clock] = [yield* SessionManager, yield* SecureRandom, yield* Clock.Clock]
  const [ackDeadline, answerDeadline, sendAgain] = [yield* AckDeadline, yield* AnswerDeadline, yield* SendAgain]
  const context = yield* Effect.context<never>()
  const deliveries = yield* Deliveries
  const answers = new KeptAnswers<Uint8Array>(KEPT_ANSWERS, KEPT_ANSWER_BYTES, KEPT_ANSWERS_FOR)
  /** By whom it is for and message id. */
  const waiting = new Map<string, Waiting>()

  const bounds = yield* Bounds
  yield* bounds.watch("answers kept for sessions", KEPT_ANSWERS, () => answers.size)
  yield* bounds.watch("bytes of answers kept for sessions", KEPT_ANSWER_BYTES, () => answers.bytes)

  const count = (outcome: keyof typeof outcomes) => outcomes[outcome].updateUnsafe(1, context)
  const seconds = () => clock.currentTimeMillisUnsafe() / 1000

  const acknowledge = (session: Session, messageId: MessageId): void => {
    session.offer(ENVELOPE, writeEnvelope({ messageId, envelope: acknowledgement(messageId) }))
  }

  /** An answer is an ACK as well: it leaves when the question's id is `written`. */
  const replyOver = (session: Session, messageId: MessageId, written: Effect.Effect<void>): Incoming["reply"] => {
    let replied = false
    return (envelope) =>
      Effect.suspend((): Effect.Effect<void, NotAnswerable | SessionClosed> => {
        if (replied) return new NotAnswerable({ reason: "answered", room: ROOM })
        const payload = writeEnvelope({ messageId, envelope })
        if (payload.length > INNER_LIMIT) return new NotAnswerable({ reason: "too large", room: ROOM })
        replied = true
        const { key } = session.contact
        answers.keep(key + keyOf(messageId), payload, payload.length, seconds())
        // Whoever asked may have come back by another session meanwhile.
        return Effect.andThen(
          written,
          Effect.suspend(() => (sessions.find(key) ?? session).send(ENVELOPE, payload))
        )
      })
  }

  const arrived = (session: Session, messageId: MessageId, envelope: InnerEnvelope): void => {
    if (deliveries.has(messageId)) {
      count("repeated")
      const answer = answers.get(session.contact.key + keyOf(messageId), seconds())
      deliveries.remember(messageId, () => {
        if (answer === undefined) acknowledge(session, messageId)
        else session.offer(ENVELOPE, answer)
      })
      return
    }
    const written = Deferred.makeUnsafe<void>()
    const reply = replyOver(session, messageId, Deferred.await(written))
    const incoming = { from: session.contact, envelope, room: ROOM, reply }
    const outcome = deliveries.isFull() ? "full" : subscribers.deliver(incoming)
    count(outcome)
    if (outcome !== "delivered") return
    deliveries.remember(messageId, () => {
      Deferred.doneUnsafe(written, Effect.void)
      acknowledge(session, messageId)
    })
  }

  yield* sessions.onFrame(ENVELOPE, (session, payload) => {
    const read = readEnvelope(payload)
    if (Result.isFailure(read)) {
      if (read.failure !== UNKNOWN_TYPE) return false
      count("unknown")
      return true
    }
    const { messageId } = read.success
    const envelope = new InnerEnvelope(read.success.envelope)
    if (envelope.type === "ACK") {
      const own = waiting.get(session.contact.key + keyOf(envelope.body))
      if (own !== undefined) Deferred.doneUnsafe(own.acknowledged, Effect.void)
      return true
    }
    const own = waiting.get(session.contact.key + keyOf(messageId))
    if (own?.answered !== undefined) {
      count("answer")
      Deferred.doneUnsafe(own.acknowledged, Effect.void)
      Deferred.doneUnsafe(own.answered, Effect.succeed(envelope))
    } else if (kindOf(envelope) === "answer") count("late")
    else arrived(session, messageId, envelope)
    return true
  })

  /** Until the ACK comes, over this session. */
  const once = (session: Session, payload: Uint8Array, own: Waiting, tries: number) => {
    const lost = Effect.flatMap(session.closed, (reason) => new SessionClosed({ reason }))
    return Effect.andThen(
      session.send(ENVELOPE, payload),
      Effect.timeoutOrElse(Effect.raceFirst(Deferred.await(own.acknowledged), lost), {
        duration: ackDeadline,
        orElse: () => new Unacknowledged({ peer: nodeIdShort(session.contact.nodeId), tries })
      })
    )
  }

  /** Answers the session over which it was acknowledged. */
  const deliver = (peer: DialTarget, payload: Uint8Array, own: Waiting) => {
    let tries = 0
    const again = Effect.flatMap(sessions.connect(peer), (session) =>
      Effect.as(once(session, payload, own, ++tries), session)
    )
    return Effect.retry(again, sendAgain)
  }

  const awaitAnswer = Effect.fnUntraced(function* (
    peer: DialTarget,
    payload: Uint8Array,
    own: Waiting,
    answered: Deferred.Deferred<InnerEnvelope>
  ) {
    let session = yield* deliver(peer, payload, own)
    const ended = Effect.suspend(() => Effect.as(session.closed, undefined))
    const wait = Effect.gen(function* () {
      for (;;) {
        const answer = yield* Effect.raceFirst(Deferred.await(answered), ended)
        if (answer !== undefined) return answer
        // The answer may have been lost with the session: asked again, the peer repeats it.
        own.acknowledged = Deferred.makeUnsafe()
        session = yield* deliver(peer, payload, own)
      }
    })
    return yield* Effect.timeoutOrElse(wait, {
      duration: answerDeadline,
      orElse: () => new Unanswered({ peer: nodeIdShort(peer.nodeId), seconds: Duration.toSeconds(answerDeadline) })
    })
  })

  /** What comes for this message id is for `own` as long as `body` runs. */
  const withId = <A, E>(
    peer: Pick<DialTarget, "nodeId">,
    messageId: MessageId,
    envelope: InnerEnvelopeFields,
    own: Waiting,
    body: (payload: Uint8Array) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | EnvelopeTooLarge> =>
    Effect.suspend((): Effect.Effect<A, E | EnvelopeTooLarge> => {
      const payload = writeEnvelope({ messageId, envelope })
      if (payload.length > INNER_LIMIT) {
        return new EnvelopeTooLarge({ bytes: payload.length - MESSAGE_ID_LENGTH, limit: ROOM })
      }
      const id = keyOf(peer.nodeId) + keyOf(messageId)
      waiting.set(id, own)
      return Effect.ensuring(
        body(payload),
        Effect.sync(() => waiting.delete(id))
      )
    })

  const send = <E>(
    peer: Pick<DialTarget, "nodeId">,
    messageId: MessageId,
    envelope: InnerEnvelopeFields,
    by: (payload: Uint8Array, own: Waiting) => Effect.Effect<unknown, E>
  ) =>
    Effect.suspend(() => {
      const own: Waiting = { acknowledged: Deferred.makeUnsafe(), answered: undefined }
      return withId(peer, messageId, envelope, own, (payload) => Effect.asVoid(by(payload, own)))
    })

  const ask: Direct["ask"] = (peer, envelope) =>
    Effect.suspend(() => {
      const answered = Deferred.makeUnsafe<InnerEnvelope>()
      const own: Waiting = { acknowledged: Deferred.makeUnsafe(), answered }
      return withId(peer, drawId(), envelope, own, (payload) => awaitAnswer(peer, payload, own, answered))
    })

  const drawId = () => MessageId.make(random.bytes(MESSAGE_ID_LENGTH))

  return {
    ask,
    send: (peer, envelope) => send(peer, drawId(), envelope, (payload, own) => deliver(peer, payload, own)),
    hand: (session, messageId, envelope) =>
      send(session.contact, messageId, envelope, (payload, own) => once(session, payload, own, 1))
  } satisfies Direct
})

const outcomes = {
  delivered: Metric.withAttributes(envelopes, { outcome: "delivered" }),
  repeated: Metric.withAttributes(envelopes, { outcome: "repeated" }),
  full: Metric.withAttributes(envelopes, { outcome: "full" }),
  unwanted: Metric.withAttributes(envelopes, { outcome: "unwanted" }),
  unknown: Metric.withAttributes(envelopes, { outcome: "unknown" }),
  answer: Metric.withAttributes(envelopes, { outcome: "answer" }),
  late: Metric.withAttributes(envelopes, { outcome: "late" })
}
