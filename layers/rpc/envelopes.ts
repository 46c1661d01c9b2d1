/**
 * Requests that come in RPC envelopes, directly or out of an onion, answered by the way they came. There is no session
 * to hold them to, so each of the two kinds has a limit of its own, and what is beyond it is refused at once.
 */
import { Cause, Effect, Exit, FiberSet, Queue, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { CborValue } from "#schemas/bytes/CborValue"
import { answerBody, kindOf } from "#schemas/router/Question"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { readCall, readRequest, writeError, writeOk } from "#schemas/rpc/RpcMessage"
import { Bounds } from "#services/node/Bounds"
import { type Incoming, RouterHandle } from "#services/router/RouterHandle"
import { ENVELOPES_SERVED } from "#services/rpc/Limits"
import { ServeEnvelopeWithin } from "#services/rpc/Schedules"

/** What a method makes of its arguments; undefined where there is none for whoever asks. */
export type Dispatch = (
  method: string,
  values: ReadonlyArray<CborValue>,
  from: Contact | undefined
) => Result.Result<Effect.Effect<Uint8Array, RpcFailure>, string> | undefined

/** Type, flags and kind stand before the payload. */
const ENVELOPE_HEAD = 3

const failure = (tag: string, detail: string) => new RpcFailure({ tag, detail, data: null })

/** Until the scope closes. */
export const serveEnvelopes = Effect.fnUntraced(function* (dispatch: Dispatch) {
  const [router, bounds, within] = [yield* RouterHandle, yield* Bounds, yield* ServeEnvelopeWithin]
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const serving = { named: 0, anonymous: 0 }
  yield* bounds.watch("requests in envelopes", ENVELOPES_SERVED, () => serving.named)
  yield* bounds.watch("requests out of onions", ENVELOPES_SERVED, () => serving.anonymous)

  const reply = ({ reply, room }: Incoming, id: number, exit: Exit.Exit<Uint8Array, RpcFailure>) => {
    const fits = Exit.isSuccess(exit) && writeOk(id, exit.value).length + ENVELOPE_HEAD <= room
    const payload = fits ? writeOk(id, exit.value) : writeError(id, refusalOf(exit))
    // Whoever asked has gone, or sent along less than a refusal takes.
    return Effect.ignore(reply({ type: "RPC", body: answerBody(payload) }), { log: "Debug" })
  }

  const refusalOf = (exit: Exit.Exit<Uint8Array, RpcFailure>): RpcFailure => {
    if (Exit.isSuccess(exit)) return failure("TooLarge", "the way back does not carry the answer")
    const refused = Cause.findErrorOption(exit.cause)
    if (refused._tag === "Some") return refused.value
    run(Effect.logError("A handler of requests in envelopes failed", exit.cause))
    return failure("Failed", "the peer could not answer")
  }

  /** Refusals are effects that have failed already. */
  const workOf = ({ envelope, from }: Incoming, body: Uint8Array): Effect.Effect<Uint8Array, RpcFailure> => {
    const call = kindOf(envelope) === "request" ? readCall(body) : Result.fail("not a request")
    if (Result.isFailure(call)) return Effect.fail(failure("BadRequest", call.failure))
    const { args, method } = call.success
    const work = dispatch(method, args, from)
    if (work === undefined) return Effect.fail(failure("UnknownMethod", method))
    return Result.isFailure(work) ? Effect.fail(failure("BadRequest", work.failure)) : work.success
  }

  const serve = (incoming: Incoming): Effect.Effect<void> => {
    const frame = readRequest(incoming.envelope.body.subarray(1))
    if (Result.isFailure(frame)) return Effect.void
    const { body, id } = frame.success
    const kind = incoming.from === undefined ? "anonymous" : "named"
    if (serving[kind] >= ENVELOPES_SERVED) {
      return reply(incoming, id, Exit.fail(failure("Busy", "too many requests at one time")))
    }
    serving[kind]++
    return workOf(incoming, body).pipe(
      Effect.timeoutOrElse({
        duration: within,
        orElse: () => Effect.fail(failure("Failed", "the peer took too long"))
      }),
      Effect.exit,
      Effect.flatMap((exit) => reply(incoming, id, exit)),
      Effect.ensuring(Effect.sync(() => void serving[kind]--))
    )
  }

  const queue = yield* router.incoming("RPC")
  yield* Queue.take(queue).pipe(
    Effect.tap((incoming) => Effect.sync(() => run(Effect.suspend(() => serve(incoming))))),
    Effect.forever,
    Effect.forkScoped
  )
})
