/**
 * The receiving side of ReliableOnion: parts become envelopes, each is handed out once, and acknowledged or answered by
 * the reply blocks that came along, when its id is written down. What comes again is acknowledged again with the blocks
 * that it brings, or answered with the answer that there was.
 */
import { Clock, Deferred, Effect, Metric } from "effect"
import { Reassembly, UNFINISHED_BYTES_LIMIT, UNFINISHED_LIMIT, type Whole } from "#core/onion/Reassembly"
import { KeptAnswers } from "#core/router/KeptAnswers"
import { keyOf } from "#schemas/bytes/bytes"
import type { ReplyBlockFields } from "#schemas/onion/ReplyBlock"
import { InnerEnvelope, type MessageId, write } from "#schemas/router/InnerEnvelope"
import { Bounds } from "#services/node/Bounds"
import { OPEN_QUESTIONS } from "#services/onion/Limits"
import { arrivals } from "#services/onion/Metrics"
import type { Delivered } from "#services/onion/OnionCells"
import { NotAnswerable, type OnionArrival, type Taken } from "#services/onion/OnionRouter"
import { Deliveries } from "#services/router/Deliveries"
import { KEPT_ANSWER_BYTES, KEPT_ANSWERS, KEPT_ANSWERS_FOR } from "#services/router/Limits"
import { type Replying, roomOf } from "./replying.ts"

/** What was handed out, until it is answered or the blocks are dead. */
interface Question {
  /** The freshest ones: those of an earlier try may lead over a relay that is gone. */
  blocks: ReadonlyArray<ReplyBlockFields>
  /** Unix seconds. */
  readonly until: number
  answered: boolean
}

interface Answer {
  readonly bytes: Uint8Array
  /** The part that goes by the next block, where those of one cell are not enough for all. */
  next: number
}

export interface Receiving {
  readonly onDeliver: (delivered: Delivered) => void
  /** Who is handed what arrives; undefined for nobody. */
  handle: ((arrival: OnionArrival) => Taken) | undefined
  /** Forgets what is over; answers whether there is anything left. */
  readonly tidy: (seconds: number) => boolean
}

export interface ReceivingOptions {
  readonly replying: Replying
  /** In the background. */
  readonly run: (effect: Effect.Effect<void>) => void
  /** There is something that will be over. */
  readonly wake: () => void
}

export const makeReceiving = Effect.fnUntraced(function* ({ replying, run, wake }: ReceivingOptions) {
  const [deliveries, clock] = [yield* Deliveries, yield* Clock.Clock]
  const context = yield* Effect.context<never>()
  const parts = new Reassembly()
  const questions = new Map<string, Question>()
  const answers = new KeptAnswers<Answer>(KEPT_ANSWERS, KEPT_ANSWER_BYTES, KEPT_ANSWERS_FOR)

  const bounds = yield* Bounds
  yield* bounds.watch("onion envelopes with missing parts", UNFINISHED_LIMIT, () => parts.size)
  yield* bounds.watch("bytes of onion envelopes with missing parts", UNFINISHED_BYTES_LIMIT, () => parts.bytes)
  yield* bounds.watch("questions without an answer", OPEN_QUESTIONS, () => questions.size)
  yield* bounds.watch("answers kept for onions", KEPT_ANSWERS, () => answers.size)
  yield* bounds.watch("bytes of answers kept for onions", KEPT_ANSWER_BYTES, () => answers.bytes)

  const count = (outcome: keyof typeof outcomes) => outcomes[outcome].updateUnsafe(1, context)
  const seconds = () => clock.currentTimeMillisUnsafe() / 1000
  const acknowledge = (messageId: MessageId, blocks: ReadonlyArray<ReplyBlockFields>): void => {
    if (blocks.length > 0) run(replying.acknowledge(messageId, blocks))
  }

  /** With fewer blocks than parts, each repetition takes the next ones. */
  const answerAgain = (messageId: MessageId, answer: Answer, blocks: ReadonlyArray<ReplyBlockFields>): void => {
    const first = answer.next
    answer.next += blocks.length
    run(Effect.ignore(replying.answer(messageId, answer.bytes, blocks, first), { log: "Debug" }))
  }

  const repeated = (messageId: MessageId, blocks: ReadonlyArray<ReplyBlockFields>): void => {
    count("repeated")
    if (blocks.length === 0) return
    const question = questions.get(keyOf(messageId))
    if (question !== undefined) {
      const [all, most] = [[...question.blocks, ...blocks], Math.max(question.blocks.length, blocks.length)]
      question.blocks = all.slice(-most)
      // Whoever waits is told by a block of an earlier try that he is heard.
      if (all.length > most) deliveries.remember(messageId, () => acknowledge(messageId, all.slice(0, 1)))
      return
    }
    const answer = answers.get(keyOf(messageId), seconds())
    deliveries.remember(messageId, () => {
      if (answer === undefined) acknowledge(messageId, blocks)
      else answerAgain(messageId, answer, blocks)
    })
  }

  const replyTo = (messageId: MessageId, question: Question, written: Effect.Effect<void>): OnionArrival["reply"] => {
    const id = keyOf(messageId)
    return (envelope) =>
      Effect.suspend(() => {
        const [bytes, room] = [write(envelope), roomOf(question.blocks)]
        if (question.answered) return new NotAnswerable({ reason: "answered", room })
        if (room === 0) return new NotAnswerable({ reason: "no blocks", room })
        if (bytes.length > room) return new NotAnswerable({ reason: "too large", room })
        question.answered = true
        const answer: Answer = { bytes, next: 0 }
        answers.keep(id, answer, bytes.length, seconds())
        wake()
        const send = Effect.suspend(() => {
          questions.delete(id)
          return replying.answer(messageId, bytes, question.blocks)
        })
        return Effect.andThen(written, send)
      })
  }

  const handOut = ({ blocks, envelope, messageId }: Whole): keyof typeof outcomes => {
    const { handle } = receiving
    // An ACK comes by a reply block and in no other way.
    if (handle === undefined || envelope.type === "ACK") return "unwanted"
    if (questions.size >= OPEN_QUESTIONS || deliveries.isFull()) return "full"
    const question: Question = { blocks, until: seconds() + KEPT_ANSWERS_FOR, answered: false }
    const written = Deferred.makeUnsafe<void>()
    const reply = replyTo(messageId, question, Deferred.await(written))
    const room = roomOf(blocks)
    const taken = handle({ messageId, envelope: new InnerEnvelope(envelope), room, reply })
    if (taken === "refused") return "refused"
    if (taken === "answering") {
      questions.set(keyOf(messageId), question)
      wake()
    }
    deliveries.remember(messageId, () => {
      Deferred.doneUnsafe(written, Effect.void)
      if (taken === "answering" || question.answered) return
      acknowledge(messageId, question.blocks)
      question.blocks = question.blocks.slice(1)
    })
    return "delivered"
  }

  const receiving: Receiving = {
    handle: undefined,
    onDeliver: ({ payload }) => {
      // A loop of this node's own, or of somebody who wastes his time.
      if (payload.parts === 1 && payload.piece.length === 0) return count("cover")
      if (deliveries.has(payload.messageId)) return repeated(payload.messageId, payload.blocks)
      const gathered = parts.add(payload, seconds())
      if (gathered._tag === "Whole") count(handOut(gathered))
      else if (gathered._tag === "Malformed") count("malformed")
      else wake()
    },
    tidy: (now) => {
      parts.expire(now)
      answers.expire(now)
      for (const [id, { until }] of questions) {
        if (until > now) break
        questions.delete(id)
      }
      return parts.size + answers.size + questions.size > 0
    }
  }
  return receiving
})

const outcomes = {
  delivered: Metric.withAttributes(arrivals, { outcome: "delivered" }),
  repeated: Metric.withAttributes(arrivals, { outcome: "repeated" }),
  refused: Metric.withAttributes(arrivals, { outcome: "refused" }),
  full: Metric.withAttributes(arrivals, { outcome: "full" }),
  unwanted: Metric.withAttributes(arrivals, { outcome: "unwanted" }),
  malformed: Metric.withAttributes(arrivals, { outcome: "malformed" }),
  cover: Metric.withAttributes(arrivals, { outcome: "cover" })
}
