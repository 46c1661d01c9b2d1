/**
 * The sending side of ReliableOnion: an envelope goes over one route after the other until its ACK or answer comes by a
 * reply block of any of them. One fiber and one timer for each envelope that is under way, none otherwise.
 */
import { Clock, Deferred, Duration, Effect, type Metric, Result, Semaphore } from "effect"
import type { Contact } from "#core/identity/Contact"
import { ANSWER_LIMIT, type CellPlan, ENVELOPE_LIMIT, planCells } from "#core/onion/cellPlan"
import { minuteOf } from "#core/onion/minutes"
import { Reassembly, UNFINISHED_LIMIT } from "#core/onion/Reassembly"
import { REPLIES_LIMIT, ReplyBook } from "#core/onion/ReplyBook"
import { openReply, type ReplyKeys } from "#core/onion/replyBlock"
import { RoundTrip } from "#core/rpc/RoundTrip"
import { equalBytes } from "#schemas/bytes/bytes"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { CELL_BYTES } from "#schemas/onion/OnionCell"
import {
  InnerEnvelope,
  type InnerEnvelopeFields,
  MESSAGE_ID_LENGTH,
  MessageId,
  write
} from "#schemas/router/InnerEnvelope"
import { Crypto } from "#services/identity/Crypto"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Bounds } from "#services/node/Bounds"
import { DOUBT_EVERY, SENDING_LIMIT, TRIES_KEPT } from "#services/onion/Limits"
import * as Metrics from "#services/onion/Metrics"
import { type CellNotSent, OnionCells, type Replied } from "#services/onion/OnionCells"
import { EnvelopeTooLarge, type OnionError, OnionUnanswered } from "#services/onion/OnionRouter"
import { OnionAckDeadline, OnionSendAgain } from "#services/onion/Schedules"
import { Recipients } from "#services/router/Recipients"
import { NoRoute, type Route, RouteTable } from "#services/router/RouteTable"
import type { Building } from "./building.ts"
import { ends, outcomes } from "./outcomes.ts"

/** Bytes a millisecond for which a try waits at least: cells there and the answer back, over the slowest line there is. */
const SLOWEST = 250

/** An envelope that is under way. */
interface Sent {
  readonly messageId: MessageId
  /** The recipient as it was last heard of. */
  to: Contact
  /** An ACK is not enough. */
  readonly needsAnswer: boolean
  readonly settled: Deferred.Deferred<InnerEnvelope>
  /** The reply blocks of the last tries, the oldest first. */
  readonly blocks: Array<ReadonlyArray<ReplyKeys>>
  tries: number
  /** What the last try met. */
  last: string
}

interface Try {
  readonly sent: Sent
  readonly route: Route
  readonly back: Route
  /** Unix milliseconds, and those for which hops were asked to hold it. */
  readonly at: number
  readonly held: number
}

/** A try came to nothing; another may not. */
interface Unheard {
  readonly _tag: "Unheard"
}
const unheard: Unheard = { _tag: "Unheard" }

export interface Requests {
  readonly deliver: (
    to: Contact,
    envelope: InnerEnvelopeFields,
    /** Of an answer that is wanted; undefined for an ACK. */
    answerBytes: number | undefined
  ) => Effect.Effect<InnerEnvelope, OnionError>
  readonly onReply: (replied: Replied) => void
  /** Forgets answers of which parts are missing; answers whether there are others. */
  readonly tidy: (seconds: number) => boolean
}

export const makeRequests = Effect.fnUntraced(function* (building: Building, wake: () => void) {
  const [cells, routes, recipients, suite] = [yield* OnionCells, yield* RouteTable, yield* Recipients, yield* Crypto]
  const [random, clock, context] = [yield* SecureRandom, yield* Clock.Clock, yield* Effect.context<never>()]
  const [tempo, again] = [yield* OnionAckDeadline, yield* OnionSendAgain]
  const limits = {
    initial: Duration.toMillis(tempo.initial),
    minimum: Duration.toMillis(tempo.minimum),
    maximum: Duration.toMillis(tempo.maximum)
  }
  /** Answers take their handlers' time besides. A late one is measured like others, as it is known whose it is. */
  const trips = { ack: new RoundTrip(), answer: new RoundTrip() }
  const turns = yield* Semaphore.make(SENDING_LIMIT)
  const book = new ReplyBook<Try>()
  const answers = new Reassembly()
  let sending = 0

  const bounds = yield* Bounds
  yield* bounds.watch("reply blocks given out", REPLIES_LIMIT, () => book.size)
  yield* bounds.watch("answers with missing parts", UNFINISHED_LIMIT, () => answers.size)
  yield* bounds.watch("onion envelopes under way", SENDING_LIMIT, () => sending)

  const count = (metric: Metric.Counter<number>) => metric.updateUnsafe(1, context)
  const now = () => clock.currentTimeMillisUnsafe()

  const forget = (blocks: ReadonlyArray<ReplyKeys> | undefined): void => {
    for (const { id } of blocks ?? []) book.forget(id)
  }

  /** Both ways, or what is missing; where relays are missing they are looked for once. */
  const routesTo = (to: Contact) => {
    const find = Effect.suspend(() => {
      const [route, back] = [routes.routeTo(to), routes.routeBack([to.key])]
      return Effect.fromResult(Result.all([route, back]))
    })
    return Effect.catchTag(find, "NoRoute", () => Effect.andThen(routes.prepared([to.key]), find))
  }

  /** The first hop is a guard. What has no room now is no reason to give it up. */
  const notSent = (sent: Sent, route: Route, { layer, reason }: CellNotSent): Unheard => {
    const [guard] = route.relays
    if (guard !== undefined && layer !== "session") routes.guardFailed(guard.key)
    sent.last = `the first relay was not reached (${layer}: ${reason})`
    count(outcomes.notSent)
    return unheard
  }

  /** A recipient that began anew has another onion key: cells for the old one are noise to it. */
  const findAnew = (sent: Sent) =>
    Effect.suspend(() => {
      recipients.doubt(sent.to)
      return Effect.match(recipients.find(sent.to.nodeId), {
        onFailure: () => {},
        onSuccess: (contact) => {
          sent.to = contact
        }
      })
    })

  /** Never succeeds: what comes back settles the envelope, whichever try it belongs to. */
  const attempt = Effect.fnUntraced(function* (sent: Sent, plan: CellPlan) {
    if (sent.tries > 0 && sent.tries % DOUBT_EVERY === 0) yield* Effect.forkChild(findAnew(sent))
    const { to } = sent
    const [route, back] = yield* routesTo(to)
    const built = building.build(sent.messageId, plan, to, route, back)
    if (Result.isFailure(built)) {
      const { culprit } = built.failure
      if (culprit === to.key) return yield* unusable(to)
      routes.failed(route.relays.some(({ key }) => key === culprit) ? route : back, culprit)
      return yield* Effect.fail(unheard)
    }
    const { cells: outgoing, death, held, keys } = built.success
    const purpose: Try = { sent, route, back, at: now(), held }
    sent.tries++
    for (const own of keys) book.expect({ keys: own, death, purpose })
    sent.blocks.push(keys)
    if (sent.blocks.length > TRIES_KEPT) forget(sent.blocks.shift())
    for (const cell of outgoing) {
      yield* Effect.mapError(cells.send(cell), (error) => notSent(sent, route, error))
    }
    const bytes = (outgoing.length + keys.length) * CELL_BYTES[plan.cellClass]
    yield* Effect.sleep((sent.needsAnswer ? trips.answer : trips.ack).timeout(limits) + held + bytes / SLOWEST)
    routes.failed(route)
    routes.failed(back)
    sent.last = "silence"
    count(outcomes.silence)
    return yield* Effect.fail(unheard)
  })

  const settle = ({ at, back, held, route, sent }: Try, envelope: InnerEnvelopeFields): void => {
    const took = now() - at
    ;(envelope.type === "ACK" ? trips.ack : trips.answer).measured(Math.max(0, took - held))
    Metrics.roundTrip.updateUnsafe(took, context)
    routes.succeeded(route, took)
    routes.succeeded(back, took)
    if (envelope.type === "ACK" && sent.needsAnswer) {
      sent.last = "it was acknowledged, and not answered"
      count(outcomes.acknowledged)
    } else {
      count(outcomes.settled)
      Deferred.doneUnsafe(sent.settled, Effect.succeed(new InnerEnvelope(envelope)))
    }
  }

  const onReply: Requests["onReply"] = ({ body, id }) => {
    const seconds = now() / 1000
    const expected = book.take(id, minuteOf(seconds))
    if (expected === undefined) return count(outcomes.unknown)
    const opened = openReply(suite, expected.keys, body)
    if (Result.isFailure(opened) || !equalBytes(opened.success.messageId, expected.purpose.sent.messageId)) {
      return count(outcomes.spoilt)
    }
    const gathered = answers.add(opened.success, seconds)
    if (gathered._tag === "Whole") settle(expected.purpose, gathered.envelope)
    else if (gathered._tag === "Malformed") count(outcomes.spoilt)
    else wake()
  }

  const unanswered = ({ last, to, tries }: Sent, since: number) =>
    new OnionUnanswered({ peer: nodeIdShort(to.nodeId), routes: tries, seconds: (now() - since) / 1000, last })

  const under = Effect.fnUntraced(function* (sent: Sent, plan: CellPlan) {
    const since = now()
    // Whoever has tried already knows that there were routes: there will be again.
    const once = Effect.catchTag(attempt(sent, plan), "NoRoute", (error): Effect.Effect<never, NoRoute | Unheard> => {
      if (sent.tries === 0) return error
      sent.last = error.reason
      return Effect.fail(unheard)
    })
    const all = Effect.retry(once, { schedule: again, while: (error) => error._tag === "Unheard" })
    return yield* Effect.raceFirst(
      Deferred.await(sent.settled),
      Effect.catchTag(all, "Unheard", () => unanswered(sent, since))
    )
  })

  const deliver: Requests["deliver"] = (to, envelope, answerBytes) =>
    Effect.suspend((): Effect.Effect<InnerEnvelope, OnionError> => {
      const bytes = write(envelope)
      const plan = planCells(bytes, Math.min(answerBytes ?? 0, ANSWER_LIMIT))
      if (plan === undefined) return new EnvelopeTooLarge({ bytes: bytes.length, limit: ENVELOPE_LIMIT })
      const messageId = MessageId.make(random.bytes(MESSAGE_ID_LENGTH))
      const settled = Deferred.makeUnsafe<InnerEnvelope>()
      const needsAnswer = answerBytes !== undefined
      const sent: Sent = { messageId, to, needsAnswer, settled, blocks: [], tries: 0, last: "" }
      sending++
      return Effect.onExit(under(sent, plan), (exit) =>
        Effect.sync(() => {
          sending--
          for (const blocks of sent.blocks) forget(blocks)
          answers.drop(messageId)
          count(exit._tag === "Success" ? ends.answered : ends.unanswered)
        })
      )
    }).pipe(Semaphore.withPermit(turns))

  return {
    deliver,
    onReply,
    tidy: (seconds) => {
      answers.expire(seconds)
      return answers.size > 0
    }
  } satisfies Requests
})

const unusable = (to: Contact) =>
  new NoRoute({ peer: nodeIdShort(to.nodeId), reason: "the onion key in its record agrees on nothing" })
