/** The answering side of Rpc: methods by name that apps register, and the DHT's by number. */
import { Cause, Effect, Exit, FiberSet, Result, Schema } from "effect"
import type { Contact } from "#core/identity/Contact"
import { counterOf, metricsOf } from "#layers/session/reporting"
import { encodeMessage } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { readRequest as readDhtRequest, UNKNOWN_METHOD, writeAnswer as writeDhtAnswer } from "#schemas/dht/DhtMessage"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { readCall, readRequest, writeError, writeOk } from "#schemas/rpc/RpcMessage"
import { FrameType, INNER_LIMIT } from "#schemas/session/Frame"
import { Bounds } from "#services/node/Bounds"
import { MAX_METHODS, MAX_SERVING } from "#services/rpc/Limits"
import { served } from "#services/rpc/Metrics"
import type { Rpc, RpcMethod } from "#services/rpc/Rpc"
import { type Session, SessionManager } from "#services/session/SessionManager"
import { serveEnvelopes } from "./envelopes.ts"

type Work = Result.Result<Effect.Effect<Uint8Array, RpcFailure>, string>

/**
 * A method's body as an answer's body; the decoding of the request is its first step. An envelope has no session;
 * undefined for a method that needs one.
 */
type Method = (values: ReadonlyArray<CborValue>, from: Contact, session: Session | undefined) => Work | undefined
/** The same for whoever asks. */
type AnonymousMethod = (values: ReadonlyArray<CborValue>) => Work

type AnswerType = typeof FrameType.RPC_RES | typeof FrameType.DHT_RES

const failure = (tag: string, detail: string) => new RpcFailure({ tag, detail, data: null })

export const makeServer = Effect.gen(function* () {
  const sessions = yield* SessionManager
  const context = metricsOf(yield* Effect.context<never>())
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const methods = new Map<string, Method>()
  const anonymous = new Map<string, AnonymousMethod>()
  const serving = new Map<Session, number>()
  let dht: Parameters<Rpc["Service"]["handleDht"]>[0] | undefined

  yield* sessions.onClose((session) => void serving.delete(session))
  const bounds = yield* Bounds
  yield* bounds.watch("requests served for a peer", MAX_SERVING, () => {
    let most = 0
    for (const count of serving.values()) most = Math.max(most, count)
    return most
  })
  yield* bounds.watch("served peers without a session", 0, () => Math.max(0, serving.size - sessions.stats().open))

  const count = (outcome: "ok" | "refused" | "failed" | "busy") => outcomes[outcome].updateUnsafe(1, context)

  /** Sends what came of a request; waits for room where the queue is full, and the request counts until then. */
  const reply = (session: Session, type: AnswerType, id: number, exit: Exit.Exit<Uint8Array, RpcFailure>): void => {
    let payload: Uint8Array
    if (Exit.isSuccess(exit) && exit.value.length + 5 <= INNER_LIMIT) {
      count("ok")
      payload = writeOk(id, exit.value)
    } else {
      payload = writeError(id, refusalOf(exit))
    }
    if (session.offer(type, payload)) {
      leave(session)
      return
    }
    run(
      session.send(type, payload).pipe(
        Effect.catchTag("SessionClosed", () => Effect.void),
        Effect.andThen(Effect.sync(() => leave(session)))
      )
    )
  }

  const refusalOf = (exit: Exit.Exit<Uint8Array, RpcFailure>): RpcFailure => {
    if (Exit.isSuccess(exit)) return failure("TooLarge", "the answer does not fit a frame")
    const refused = Cause.findErrorOption(exit.cause)
    if (refused._tag === "Some") {
      count("refused")
      return refused.value
    }
    count("failed")
    run(Effect.logError("A request handler failed", exit.cause))
    return failure("Failed", "the peer could not answer")
  }

  const enter = (session: Session): boolean => {
    const busy = serving.get(session) ?? 0
    if (busy >= MAX_SERVING) return false
    serving.set(session, busy + 1)
    return true
  }
  const leave = (session: Session): void => {
    const busy = serving.get(session)
    if (busy !== undefined) serving.set(session, busy - 1)
  }

  const serve = (session: Session, type: AnswerType, id: number, work: Effect.Effect<Uint8Array, RpcFailure>): void => {
    if (!enter(session)) {
      count("busy")
      session.offer(type, writeError(id, failure("Busy", "too many requests in flight")))
      return
    }
    // What is computed at once needs no fiber.
    if (isExit(work)) reply(session, type, id, work)
    else run(Effect.map(Effect.exit(work), (exit) => reply(session, type, id, exit)))
  }

  yield* sessions.onFrame(FrameType.RPC_REQ, (session, payload) => {
    const request = readRequest(payload)
    if (Result.isFailure(request)) return false
    const { body, id } = request.success
    const call = readCall(body)
    if (Result.isFailure(call)) return false
    const { args, method: name } = call.success
    const work = methods.get(name)?.(args, session.contact, session) ?? anonymous.get(name)?.(args)
    if (work === undefined) serve(session, FrameType.RPC_RES, id, Effect.fail(failure("UnknownMethod", name)))
    else if (Result.isFailure(work))
      serve(session, FrameType.RPC_RES, id, Effect.fail(failure("BadRequest", work.failure)))
    else serve(session, FrameType.RPC_RES, id, work.success)
    return true
  })

  yield* sessions.onFrame(FrameType.DHT_REQ, (session, payload) => {
    const frame = readRequest(payload)
    if (Result.isFailure(frame)) return false
    const { body, id } = frame.success
    const request = readDhtRequest(body)
    if (Result.isFailure(request)) {
      if (request.failure !== UNKNOWN_METHOD) return false
      serve(session, FrameType.DHT_RES, id, Effect.fail(failure("UnknownMethod", "a method of another version")))
      return true
    }
    const answer = dht?.(request.success, session.contact)
    if (answer === undefined)
      serve(session, FrameType.DHT_RES, id, Effect.fail(failure("NotServed", "this node serves no DHT")))
    else if (isExit(answer) && Exit.isSuccess(answer)) {
      serve(session, FrameType.DHT_RES, id, Exit.succeed(writeDhtAnswer(answer.value)))
    } else serve(session, FrameType.DHT_RES, id, Effect.map(answer, writeDhtAnswer))
    return true
  })

  /** Registers until the scope closes; a second registration of one name is a defect of the app. */
  const registerIn = <M>(all: Map<string, M>, name: string, method: M) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        if (methods.has(name) || anonymous.has(name)) throw new Error(`the method "${name}" is registered already`)
        if (all.size >= MAX_METHODS) throw new Error(`more than ${MAX_METHODS} methods`)
        all.set(name, method)
      }),
      () => Effect.sync(() => all.delete(name))
    )
  const register = (name: string, method: Method) => registerIn(methods, name, method)

  const handle: Rpc["Service"]["handle"] = (method, handler) => {
    const work = workOf(method)
    return register(method.name, (values, from) => work(values, (request) => handler(request, from)))
  }

  const handleAnonymous: Rpc["Service"]["handleAnonymous"] = (method, handler) => {
    const work = workOf(method)
    return registerIn(anonymous, method.name, (values) => work(values, handler))
  }

  yield* serveEnvelopes((name, values, from) => {
    const named = from === undefined ? undefined : methods.get(name)?.(values, from, undefined)
    return named ?? anonymous.get(name)?.(values)
  })

  const handleDht: Rpc["Service"]["handleDht"] = (handler) =>
    Effect.acquireRelease(
      Effect.sync(() => void (dht = handler)),
      () => Effect.sync(() => void (dht = undefined))
    )

  return { register, handle, handleAnonymous, handleDht }
})

/** Decodes, has it handled, and encodes what comes of it. */
const workOf = <Request, Response>(method: RpcMethod<Request, Response>) => {
  const decode = Schema.decodeUnknownResult(method.request)
  // Throws for what is no response: a defect of the handler, and told as one.
  const encodeResponse = Schema.encodeSync(method.response)
  const write = (response: Response) => encodeMessage([encodeResponse(response)])
  return (
    values: ReadonlyArray<CborValue>,
    handler: (request: Request) => Effect.Effect<Response, RpcFailure>
  ): Work => {
    const request = decode(values[0] ?? null)
    if (Result.isFailure(request)) return Result.fail(`not a request of ${method.name}`)
    return Result.succeed(Effect.map(handler(request.success), write))
  }
}

/** `Exit.isExit`, keeping the types: an effect that is its own result. */
const isExit = <A, E>(work: Effect.Effect<A, E>): work is Exit.Exit<A, E> => Exit.isExit(work)

const outcomes = {
  ok: counterOf(served, "outcome", "ok"),
  refused: counterOf(served, "outcome", "refused"),
  failed: counterOf(served, "outcome", "failed"),
  busy: counterOf(served, "outcome", "busy")
}
