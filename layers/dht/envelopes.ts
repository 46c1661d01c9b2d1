/**
 * Serves the DHT's requests that come in envelopes, whoever brought them: each is answered by the way it came, at most so
 * many at one time, and what is more than that is refused at once instead of waiting.
 */
import { Effect, Exit, FiberSet, Queue, Result } from "effect"
import {
  type DhtAnswer,
  type DhtRequest,
  readRequest as readDhtRequest,
  UNKNOWN_METHOD,
  writeAnswer
} from "#schemas/dht/DhtMessage"
import { answerBody, kindOf } from "#schemas/router/Question"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { readRequest, writeError, writeOk } from "#schemas/rpc/RpcMessage"
import { Bounds } from "#services/node/Bounds"
import { type Incoming, RouterHandle } from "#services/router/RouterHandle"

export interface EnvelopeOptions {
  /** Of what is under way, for `Bounds`. */
  readonly name: string
  /** Requests at one time. */
  readonly limit: number
  /** Undefined for what somebody else answers. */
  readonly handle: (incoming: Incoming) => ((request: DhtRequest) => Effect.Effect<DhtAnswer, RpcFailure>) | undefined
}

const busy = new RpcFailure({ tag: "Busy", detail: "too much is under way here", data: null })
const malformed = new RpcFailure({ tag: "BadRequest", detail: "not a request of the DHT", data: null })
const unknown = new RpcFailure({ tag: "UnknownMethod", detail: "a method of another version", data: null })
const failed = new RpcFailure({ tag: "Failed", detail: "the peer could not answer", data: null })

/** Until the scope closes. */
export const serveEnvelopes = Effect.fnUntraced(function* ({ handle, limit, name }: EnvelopeOptions) {
  const router = yield* RouterHandle
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  let serving = 0
  yield* (yield* Bounds).watch(name, limit, () => serving)

  const answer = (incoming: Incoming, id: number, exit: Exit.Exit<DhtAnswer, RpcFailure>) => {
    const body = Exit.isSuccess(exit)
      ? Effect.succeed(writeOk(id, writeAnswer(exit.value)))
      : Effect.map(refusalOf(exit), (failure) => writeError(id, failure))
    return Effect.flatMap(body, (payload) => incoming.reply({ type: "DHT", body: answerBody(payload) })).pipe(
      // Whoever asked has gone, or sent along less than it takes.
      Effect.ignore({ log: "Debug" })
    )
  }

  const serve = (incoming: Incoming): void => {
    const handler = handle(incoming)
    const frame = readRequest(incoming.envelope.body.subarray(1))
    if (handler === undefined || kindOf(incoming.envelope) !== "request" || Result.isFailure(frame)) return
    const { body, id } = frame.success
    const request = readDhtRequest(body)
    if (serving >= limit) return void run(answer(incoming, id, Exit.fail(busy)))
    serving++
    const work = Result.isSuccess(request)
      ? handler(request.success)
      : Effect.fail(request.failure === UNKNOWN_METHOD ? unknown : malformed)
    run(
      Effect.exit(work).pipe(
        Effect.flatMap((exit) => answer(incoming, id, exit)),
        Effect.ensuring(Effect.sync(() => serving--))
      )
    )
  }

  const envelopes = yield* router.incoming("DHT")
  yield* Queue.take(envelopes).pipe(
    Effect.tap((incoming) => Effect.sync(() => serve(incoming))),
    Effect.forever,
    Effect.forkScoped
  )
})

const refusalOf = (exit: Exit.Failure<DhtAnswer, RpcFailure>): Effect.Effect<RpcFailure> => {
  const refused = Exit.findErrorOption(exit)
  return refused._tag === "Some"
    ? Effect.succeed(refused.value)
    : Effect.as(Effect.logError("A request in an envelope failed", exit.cause), failed)
}
