/** Requests of the DHT that come in envelopes: which of them are answered here, and what is no such request. */
import { Effect, Result } from "effect"
import {
  type DhtAnswer,
  type DhtRequest,
  readRequest as readDhtRequest,
  UNKNOWN_METHOD,
  writeAnswer
} from "#schemas/dht/DhtMessage"
import { kindOf } from "#schemas/router/Question"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import type { Incoming } from "#services/router/RouterHandle"
import { answerEnvelopes, makeLane } from "../rpc/answering.ts"

export interface EnvelopeOptions {
  /** Of what is under way, for `Bounds`. */
  readonly name: string
  /** Requests at one time. */
  readonly limit: number
  /** Undefined for what somebody else answers. */
  readonly handle: (incoming: Incoming) => ((request: DhtRequest) => Effect.Effect<DhtAnswer, RpcFailure>) | undefined
}

const malformed = new RpcFailure({ tag: "BadRequest", detail: "not a request of the DHT", data: null })
const unknown = new RpcFailure({ tag: "UnknownMethod", detail: "a method of another version", data: null })

/** Until the scope closes. */
export const serveEnvelopes = Effect.fnUntraced(function* ({ handle, limit, name }: EnvelopeOptions) {
  const lane = yield* makeLane(name, limit)
  yield* answerEnvelopes("DHT", (incoming) => {
    const handler = handle(incoming)
    if (handler === undefined || kindOf(incoming.envelope) !== "request") return undefined
    return {
      lane,
      work: (body) => {
        const request = readDhtRequest(body)
        if (Result.isFailure(request)) return Effect.fail(request.failure === UNKNOWN_METHOD ? unknown : malformed)
        return Effect.map(handler(request.success), writeAnswer)
      }
    }
  })
})
