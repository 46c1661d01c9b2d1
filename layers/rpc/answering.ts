/**
 * Requests that come in envelopes, whoever brought them, each answered by the way it came. There is no session to hold
 * them to: each kind has a limit of its own, and what is beyond it is refused at once instead of waiting.
 */
import { Effect, Exit, FiberSet, Queue, Result } from "effect"
import type { InnerEnvelope } from "#schemas/router/InnerEnvelope"
import { answerBody } from "#schemas/router/Question"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { readRequest, writeError, writeOk } from "#schemas/rpc/RpcMessage"
import { Bounds } from "#services/node/Bounds"
import { type Incoming, RouterHandle } from "#services/router/RouterHandle"

/** Requests of one kind: how many are under way, of how many that may be. */
export interface Lane {
  readonly limit: number
  underWay: number
}

/** What is to be done for one request. */
export interface Job {
  readonly lane: Lane
  /** `body` stands behind the request's number. */
  readonly work: (body: Uint8Array) => Effect.Effect<Uint8Array, RpcFailure>
}

/** Type, flags and kind stand before the payload. */
const ENVELOPE_HEAD = 3

const busy = new RpcFailure({ tag: "Busy", detail: "too many requests at one time", data: null })
const failed = new RpcFailure({ tag: "Failed", detail: "the peer could not answer", data: null })
const tooLarge = new RpcFailure({ tag: "TooLarge", detail: "the way back does not carry the answer", data: null })

/** `name` is what an operator reads of what is under way. */
export const makeLane = Effect.fnUntraced(function* (name: string, limit: number) {
  const lane: Lane = { limit, underWay: 0 }
  yield* (yield* Bounds).watch(name, limit, () => lane.underWay)
  return lane
})

/** Until the scope closes. `jobOf` has nothing for what somebody else answers. */
export const answerEnvelopes = Effect.fnUntraced(function* (
  type: InnerEnvelope["type"],
  jobOf: (incoming: Incoming) => Job | undefined
) {
  const router = yield* RouterHandle
  const run = yield* FiberSet.makeRuntime<never, void, never>()

  const answer = ({ reply, room }: Incoming, id: number, exit: Exit.Exit<Uint8Array, RpcFailure>) =>
    Effect.flatMap(payloadOf(id, exit, room), (payload) => reply({ type, body: answerBody(payload) })).pipe(
      // Whoever asked has gone, or sent along less than a refusal takes.
      Effect.ignore({ log: "Debug" })
    )

  const serve = (incoming: Incoming): void => {
    const job = jobOf(incoming)
    const frame = readRequest(incoming.envelope.body.subarray(1))
    if (job === undefined || Result.isFailure(frame)) return
    const { lane, work } = job
    const { body, id } = frame.success
    if (lane.underWay >= lane.limit) return void run(answer(incoming, id, Exit.fail(busy)))
    lane.underWay++
    run(
      Effect.exit(Effect.suspend(() => work(body))).pipe(
        Effect.flatMap((exit) => answer(incoming, id, exit)),
        Effect.ensuring(Effect.sync(() => lane.underWay--))
      )
    )
  }

  const envelopes = yield* router.incoming(type)
  yield* Queue.take(envelopes).pipe(
    Effect.tap((incoming) => Effect.sync(() => serve(incoming))),
    Effect.forever,
    Effect.forkScoped
  )
})

const payloadOf = (id: number, exit: Exit.Exit<Uint8Array, RpcFailure>, room: number): Effect.Effect<Uint8Array> => {
  if (Exit.isSuccess(exit)) {
    const payload = writeOk(id, exit.value)
    return Effect.succeed(payload.length + ENVELOPE_HEAD <= room ? payload : writeError(id, tooLarge))
  }
  const refused = Exit.findErrorOption(exit)
  return refused._tag === "Some"
    ? Effect.succeed(writeError(id, refused.value))
    : Effect.as(Effect.logError("A request in an envelope failed", exit.cause), writeError(id, failed))
}
