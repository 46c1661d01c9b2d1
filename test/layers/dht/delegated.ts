/** A node that does the DHT's work for others, amidst peers of the test's making; envelopes come from the test itself. */
import { Effect, Layer, Queue, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import * as DelegatedRequests from "#layers/dht/DelegatedRequests"
import { answerReaderOf, type DhtAnswer, type DhtRequest, writeRequest } from "#schemas/dht/DhtMessage"
import { InnerEnvelope, type InnerEnvelopeFields } from "#schemas/router/InnerEnvelope"
import { readAnswerIn, requestBody } from "#schemas/router/Question"
import type { RpcFailureFields } from "#schemas/rpc/RpcFailure"
import type { ServingMode } from "#services/dht/Membership"
import { Serving } from "#services/dht/Serving"
import { type Bounded, Bounds } from "#services/node/Bounds"
import { type Incoming, RouterHandle } from "#services/router/RouterHandle"
import { amidst, type CrowdParts, type Saying } from "./crowd.ts"

export interface DelegatedParts extends CrowdParts {
  /** What comes back by the reply blocks, or why nothing can be made of it; the room is that of a block's answer. */
  readonly ask: (request: DhtRequest, options?: AskedBy) => Effect.Effect<DhtAnswer | RpcFailureFields>
  /** Any envelope. Answers the envelopes with which it is answered. */
  readonly bring: (
    envelope: InnerEnvelopeFields,
    options?: AskedBy
  ) => Effect.Effect<Queue.Dequeue<InnerEnvelopeFields>>
  readonly become: (mode: ServingMode) => void
  readonly bounds: () => ReadonlyArray<Bounded>
}

export interface AskedBy {
  /** Bytes for which the asker sent reply blocks along; 33 KiB by default. */
  readonly room?: number
  /** A neighbour; by default nobody is to be named. */
  readonly from?: Contact
}

export const delegatedTo = <A, E, R = never>(
  crowd: Readonly<Record<string, Saying>>,
  body: (parts: DelegatedParts) => Effect.Effect<A, E, R>
) =>
  amidst(crowd, (parts) =>
    Effect.gen(function* () {
      const incoming = yield* Queue.unbounded<Incoming>()
      const bounded: Array<Bounded> = []
      let mode: ServingMode = "server"
      const router = Layer.mock(RouterHandle, { incoming: () => Effect.succeed(incoming) })
      const serving = Layer.succeed(Serving, { mode: () => mode, become: () => Effect.void })
      const bounds = Layer.succeed(Bounds, {
        watch: (name, limit, size) => Effect.sync(() => void bounded.push({ name, limit, size })),
        list: () => bounded
      })
      yield* Layer.build(
        DelegatedRequests.layer({ replicationFactor: 3 }).pipe(Layer.provide([router, serving, bounds]))
      )
      const bring: DelegatedParts["bring"] = (envelope, { from, room = 33 * 1024 } = {}) =>
        Effect.gen(function* () {
          const answers = yield* Queue.unbounded<InnerEnvelopeFields>()
          const reply = (answer: InnerEnvelopeFields) => Effect.asVoid(Queue.offer(answers, answer))
          yield* Queue.offer(incoming, { from, room, reply, envelope: new InnerEnvelope(envelope) })
          return answers
        })
      const ask: DelegatedParts["ask"] = (request, options) =>
        Effect.gen(function* () {
          const answers = yield* bring({ type: "DHT", body: requestBody(writeRequest(request)) }, options)
          const said = Result.getOrThrow(readAnswerIn("DHT", yield* Queue.take(answers)))
          return said._tag === "Error" ? said.failure : Result.getOrThrow(answerReaderOf(request._tag)(said.body))
        })
      return yield* body({ ...parts, ask, bring, become: (next) => void (mode = next), bounds: () => bounded })
    })
  )
