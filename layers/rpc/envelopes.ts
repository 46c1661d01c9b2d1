/**
 * Calls that come in RPC envelopes, directly or out of an onion. Those of the two kinds do not take each other's place: each
 * has a limit of its own.
 */
import { Effect, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { CborValue } from "#schemas/bytes/CborValue"
import { kindOf } from "#schemas/router/Question"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { readCall } from "#schemas/rpc/RpcMessage"
import type { Incoming } from "#services/router/RouterHandle"
import { ENVELOPES_SERVED } from "#services/rpc/Limits"
import { ServeEnvelopeWithin } from "#services/rpc/Schedules"
import { answerEnvelopes, makeLane } from "./answering.ts"

/** What a method makes of its arguments; undefined where there is none for whoever asks. */
export type Dispatch = (
  method: string,
  values: ReadonlyArray<CborValue>,
  from: Contact | undefined
) => Result.Result<Effect.Effect<Uint8Array, RpcFailure>, string> | undefined

const failure = (tag: string, detail: string) => new RpcFailure({ tag, detail, data: null })

/** Until the scope closes. */
export const serveEnvelopes = Effect.fnUntraced(function* (dispatch: Dispatch) {
  const within = yield* ServeEnvelopeWithin
  const named = yield* makeLane("requests in envelopes", ENVELOPES_SERVED)
  const anonymous = yield* makeLane("requests out of onions", ENVELOPES_SERVED)

  /** Refusals are effects that have failed already. */
  const workOf = ({ envelope, from }: Incoming, body: Uint8Array): Effect.Effect<Uint8Array, RpcFailure> => {
    const call = kindOf(envelope) === "request" ? readCall(body) : Result.fail("not a request")
    if (Result.isFailure(call)) return Effect.fail(failure("BadRequest", call.failure))
    const { args, method } = call.success
    const work = dispatch(method, args, from)
    if (work === undefined) return Effect.fail(failure("UnknownMethod", method))
    return Result.isFailure(work) ? Effect.fail(failure("BadRequest", work.failure)) : work.success
  }

  yield* answerEnvelopes("RPC", (incoming) => ({
    lane: incoming.from === undefined ? anonymous : named,
    work: (body) =>
      Effect.timeoutOrElse(workOf(incoming, body), {
        duration: within,
        orElse: () => Effect.fail(failure("Failed", "the peer took too long"))
      })
  }))
})
