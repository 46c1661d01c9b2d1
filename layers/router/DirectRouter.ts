/**
 * RouterHandle over direct sessions: ENVELOPE frames with an ACK, sent again until it comes, delivered once.
 * The anonymous path belongs to a router that knows onions; here it is refused, never silently replaced.
 */
import { Clock, Deferred, Effect, Layer, Metric, Queue, Result, type Scope } from "effect"
import { SeenIds } from "#core/router/SeenIds"
import { keyOf } from "#schemas/bytes/bytes"
import { nodeIdShort } from "#schemas/identity/NodeId"
import {
  acknowledgement,
  type EnvelopeType,
  InnerEnvelope,
  MESSAGE_ID_LENGTH,
  MessageId,
  readEnvelope,
  writeEnvelope
} from "#schemas/router/InnerEnvelope"
import { FrameType } from "#schemas/session/Frame"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Bounds } from "#services/node/Bounds"
import { INCOMING_QUEUE, SEEN_FOR, SEEN_IDS } from "#services/router/Limits"
import { envelopes } from "#services/router/Metrics"
import { type Incoming, NoRoute, RouterHandle, Unacknowledged } from "#services/router/RouterHandle"
import { AckDeadline, SendAgain } from "#services/router/Schedules"
import { type DialTarget, type Session, SessionClosed, SessionManager } from "#services/session/SessionManager"

const ENVELOPE = FrameType.ENVELOPE

export const make = Effect.gen(function* () {
  const sessions = yield* SessionManager
  const random = yield* SecureRandom
  const clock = yield* Clock.Clock
  const deadline = yield* AckDeadline
  const again = yield* SendAgain
  const context = yield* Effect.context<never>()
  const seen = new SeenIds(SEEN_IDS, SEEN_FOR)
  const unacknowledged = new Map<string, Deferred.Deferred<void>>()
  const subscribers = new Map<EnvelopeType, Set<Queue.Queue<Incoming>>>()

  const bounds = yield* Bounds
  yield* bounds.watch("seen envelopes", SEEN_IDS, () => seen.size)
  yield* bounds.watch("envelopes for a subscriber", INCOMING_QUEUE, () => {
    let most = 0
    for (const queues of subscribers.values())
      for (const queue of queues) most = Math.max(most, Queue.sizeUnsafe(queue))
    return most
  })

  const count = (outcome: keyof typeof outcomes) => outcomes[outcome].updateUnsafe(1, context)

  const acknowledge = (session: Session, messageId: MessageId): void => {
    session.offer(ENVELOPE, writeEnvelope({ messageId, envelope: acknowledgement(messageId) }))
  }

  /** All subscribers get it or none does, so that what is sent again is not delivered twice to some. */
  const deliver = (incoming: Incoming): keyof typeof outcomes => {
    const queues = subscribers.get(incoming.envelope.type)
    if (queues === undefined || queues.size === 0) return "unwanted"
    for (const queue of queues) if (Queue.sizeUnsafe(queue) >= INCOMING_QUEUE) return "full"
    for (const queue of queues) Queue.offerUnsafe(queue, incoming)
    return "delivered"
  }

  yield* sessions.onFrame(ENVELOPE, (session, payload) => {
    const read = readEnvelope(payload)
    if (Result.isFailure(read)) return false
    const { envelope: fields, messageId } = read.success
    const envelope = new InnerEnvelope(fields)
    if (envelope.type === "ACK") {
      const waiting = unacknowledged.get(keyOf(envelope.body))
      if (waiting !== undefined) Deferred.doneUnsafe(waiting, Effect.void)
      return true
    }
    const now = clock.currentTimeMillisUnsafe() / 1000
    // An id counts for its sender only: nobody can use up another's.
    const id = session.contact.key + keyOf(messageId)
    if (seen.has(id, now)) {
      count("repeated")
      acknowledge(session, messageId)
      return true
    }
    const outcome = deliver({ from: session.contact, envelope })
    count(outcome)
    if (outcome === "delivered") {
      seen.add(id, now)
      acknowledge(session, messageId)
    }
    return true
  })

  const reach = sessions.connect

  const sendDirect = Effect.fn("DirectRouter.sendDirect")(function* (peer: DialTarget, envelope: InnerEnvelope) {
    const messageId = MessageId.make(random.bytes(MESSAGE_ID_LENGTH))
    const id = keyOf(messageId)
    const payload = writeEnvelope({ messageId, envelope })
    let tries = 0
    const once = Effect.gen(function* () {
      tries++
      const session = yield* reach(peer)
      const acknowledged = yield* Deferred.make<void>()
      unacknowledged.set(id, acknowledged)
      yield* session.send(ENVELOPE, payload)
      const lost = Effect.flatMap(session.closed, (reason) => new SessionClosed({ reason }))
      yield* Effect.raceFirst(Deferred.await(acknowledged), lost).pipe(
        Effect.timeoutOrElse({
          duration: deadline,
          orElse: () => new Unacknowledged({ peer: nodeIdShort(peer.nodeId), tries })
        })
      )
    })
    yield* Effect.retry(once, again).pipe(Effect.ensuring(Effect.sync(() => unacknowledged.delete(id))))
  })

  const incoming = (type: EnvelopeType): Effect.Effect<Queue.Dequeue<Incoming>, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.map(Queue.bounded<Incoming>(INCOMING_QUEUE), (queue) => {
        const queues = subscribers.get(type) ?? new Set()
        subscribers.set(type, queues.add(queue))
        return queue
      }),
      (queue) =>
        Effect.suspend(() => {
          subscribers.get(type)?.delete(queue)
          return Queue.shutdown(queue)
        })
    )

  return RouterHandle.of({
    reach,
    sendDirect,
    send: (peer, envelope, { privacy }) =>
      privacy === "direct"
        ? sendDirect(peer, envelope)
        : Effect.fail(new NoRoute({ peer: nodeIdShort(peer.nodeId), reason: "this node has no onion router" })),
    incoming
  })
})

export const layer = Layer.effect(RouterHandle, make)

const outcomes = {
  delivered: Metric.withAttributes(envelopes, { outcome: "delivered" }),
  repeated: Metric.withAttributes(envelopes, { outcome: "repeated" }),
  full: Metric.withAttributes(envelopes, { outcome: "full" }),
  unwanted: Metric.withAttributes(envelopes, { outcome: "unwanted" })
}
