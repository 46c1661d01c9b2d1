/**
 * The asking side of Rpc. A call is one entry in its session's RequestTable and costs no fiber and no timer of its
 * own: one sweep a node looks after all deadlines, and sleeps while nothing is asked.
 */
import { Clock, Duration, Effect, Exit, FiberSet, Latch, Result } from "effect"
import { type Outcome, RequestTable } from "#core/rpc/RequestTable"
import { RoundTrip } from "#core/rpc/RoundTrip"
import { Window } from "#core/rpc/Window"
import { counterOf, metricsOf } from "#layers/session/reporting"
import { decodeArray } from "#schemas/bytes/Cbor"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { readAnswer, writeRequest } from "#schemas/rpc/RpcMessage"
import { FrameType } from "#schemas/session/Frame"
import { Bounds } from "#services/node/Bounds"
import { MOST_IN_FLIGHT, WAITING_LIMIT } from "#services/rpc/Limits"
import { requests, roundTrip } from "#services/rpc/Metrics"
import { RpcBusy, type RpcError, RpcInterrupted, RpcMalformed, RpcTimeout } from "#services/rpc/Rpc"
import { RequestTimeout } from "#services/rpc/Schedules"
import { type Session, SessionManager } from "#services/session/SessionManager"

/** What this node knows of the far end of one session, as one it asks. */
class Asked {
  readonly table = new RequestTable()
  readonly window: Window
  readonly trip = new RoundTrip()

  /** `maxInFlight`: how many requests the peer takes at the same time, as it says. */
  constructor(maxInFlight: number) {
    this.window = new Window(Math.min(maxInFlight, MOST_IN_FLIGHT), WAITING_LIMIT)
  }
}

export type RequestType = typeof FrameType.RPC_REQ | typeof FrameType.DHT_REQ

/** Gives up what was begun; nothing is told of it any more. */
type GiveUp = () => void

export interface Caller {
  /** Asks, and reads the answer's body; interruption gives the request up. */
  readonly ask: <A>(
    session: Session,
    type: RequestType,
    method: string,
    body: Uint8Array,
    read: (body: Uint8Array) => Result.Result<A, string>,
    /** Milliseconds that the work itself may take; 0 by default. */
    work?: number
  ) => Effect.Effect<A, RpcError>
  /** Milliseconds, smoothed. */
  readonly smoothed: (session: Session) => number | undefined
}

export const makeCaller = Effect.gen(function* () {
  const sessions = yield* SessionManager
  const clock = yield* Clock.Clock
  const tempo = yield* RequestTimeout
  const context = metricsOf(yield* Effect.context<never>())
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const limits = {
    initial: Duration.toMillis(tempo.initial),
    minimum: Duration.toMillis(tempo.minimum),
    maximum: Duration.toMillis(tempo.maximum)
  }
  const peers = new Map<Session, Asked>()
  const waiting = yield* Latch.make(false)

  const count = (outcome: string) => outcomes[outcome]?.updateUnsafe(1, context)

  const onAnswer = (session: Session, answerType: number, payload: Uint8Array): boolean => {
    const answer = readAnswer(payload)
    if (Result.isFailure(answer)) return false
    const asked = peers.get(session)
    const pending = asked?.table.take(answer.success.id, answerType)
    if (asked === undefined || pending === undefined) return true // given up meanwhile
    const took = clock.currentTimeMillisUnsafe() - pending.sentAt
    if (pending.measures) {
      asked.trip.measured(took)
      roundTrip.updateUnsafe(took, context)
    }
    pending.settle({ _tag: "Answer", answer: answer.success })
    return true
  }

  yield* sessions.onClose((session, reason) => {
    const asked = peers.get(session)
    peers.delete(session)
    asked?.table.end(reason)
  })
  yield* sessions.onFrame(FrameType.RPC_RES, (session, payload) => onAnswer(session, FrameType.RPC_RES, payload))
  yield* sessions.onFrame(FrameType.DHT_RES, (session, payload) => onAnswer(session, FrameType.DHT_RES, payload))

  const bounds = yield* Bounds
  const most = (of: (asked: Asked) => number) => () => {
    let most = 0
    for (const asked of peers.values()) most = Math.max(most, of(asked))
    return most
  }
  yield* bounds.watch(
    "requests in flight to a peer",
    MOST_IN_FLIGHT,
    most(({ table }) => table.size)
  )
  yield* bounds.watch(
    "callers waiting for a peer",
    WAITING_LIMIT,
    most(({ window }) => window.waiting)
  )
  yield* bounds.watch(
    "callers waiting for a peer that has room",
    0,
    most(({ window }) => window.forgotten)
  )
  yield* bounds.watch("asked peers without a session", 0, () => Math.max(0, peers.size - sessions.stats().open))

  const sweep = Effect.gen(function* () {
    yield* waiting.await
    // Whoever is told that a request was given up may ask a peer that was looked at already: that opens it again.
    waiting.closeUnsafe()
    const now = clock.currentTimeMillisUnsafe()
    let next = Number.POSITIVE_INFINITY
    for (const { table } of peers.values()) {
      if (table.size === 0) continue
      table.expire(now)
      next = Math.min(next, table.nextDeadline())
    }
    if (next === Number.POSITIVE_INFINITY) return
    waiting.openUnsafe()
    // No request made from now on is due before the shortest timeout has passed.
    yield* Effect.sleep(Math.min(next - now, limits.minimum))
  })
  yield* Effect.forkScoped(Effect.forever(sweep))

  /** Made when it is first asked: most sessions are opened by the one side that asks. */
  const askedOf = (session: Session): Asked | undefined => {
    const known = peers.get(session)
    if (known !== undefined || !session.isOpen()) return known
    const asked = new Asked(session.hello.maxInFlight)
    peers.set(session, asked)
    return asked
  }

  /** `done` is called once, perhaps before this answers, unless the request is given up. */
  const begin = <A>(
    session: Session,
    type: RequestType,
    method: string,
    body: Uint8Array,
    read: (body: Uint8Array) => Result.Result<A, string>,
    work: number,
    done: (exit: Exit.Exit<A, RpcError>) => void
  ): GiveUp => {
    const asked = askedOf(session)
    if (asked === undefined) {
      done(Exit.fail(new RpcInterrupted({ peer: nodeIdShort(session.contact.nodeId), reason: "session ended" })))
      return nothingToGiveUp
    }
    let [id, askedAt] = [0, 0]
    const settle = (outcome: Outcome): void => {
      id = 0
      asked.window.leave()
      done(exitOf(outcome, session, method, asked, askedAt, read))
    }
    const send = (): void => {
      const now = clock.currentTimeMillisUnsafe()
      askedAt = now
      const answerType = type === FrameType.DHT_REQ ? FrameType.DHT_RES : FrameType.RPC_RES
      const deadline = now + asked.trip.timeout(limits) + work
      id = asked.table.add({ answerType, sentAt: now, deadline, measures: work === 0, settle })
      waiting.openUnsafe()
      const payload = writeRequest(id, body)
      if (session.offer(type, payload)) return
      // The send queue is full: wait for room. A session that ends settles the request through `onClose`.
      const mine = id
      run(
        Effect.catchTag(session.send(type, payload), "SessionClosed", ({ reason }) =>
          Effect.sync(() => asked.table.forget(mine) && settle({ _tag: "Ended", reason }))
        )
      )
    }
    if (asked.window.tryEnter()) send()
    else if (!asked.window.wait(send)) {
      count("busy")
      done(Exit.fail(new RpcBusy({ peer: nodeIdShort(session.contact.nodeId) })))
    }
    return () => {
      if (id !== 0 && asked.table.forget(id)) asked.window.leave()
      else asked.window.abandon(send)
    }
  }

  const ask: Caller["ask"] = (session, type, method, body, read, work = 0) =>
    Effect.callback((resume) => Effect.sync(begin(session, type, method, body, read, work, resume)))

  const exitOf = <A>(
    outcome: Outcome,
    session: Session,
    method: string,
    asked: Asked,
    askedAt: number,
    read: (body: Uint8Array) => Result.Result<A, string>
  ): Exit.Exit<A, RpcError> => {
    if (outcome._tag === "Answer") {
      const { answer } = outcome
      if (answer._tag === "Error") {
        count("refused")
        return Exit.fail(new RpcFailure(answer.failure))
      }
      const value = read(answer.body)
      if (Result.isFailure(value)) return malformed(session, value.failure)
      count("ok")
      return Exit.succeed(value.success)
    }
    const peer = nodeIdShort(session.contact.nodeId)
    switch (outcome._tag) {
      case "Timeout": {
        count("timeout")
        const now = clock.currentTimeMillisUnsafe()
        if (asked.trip.missed(askedAt, now, limits)) sessions.charge(session.contact.key, "timeout")
        return Exit.fail(new RpcTimeout({ peer, method, milliseconds: now - askedAt }))
      }
      case "Ended": {
        count("interrupted")
        return Exit.fail(new RpcInterrupted({ peer, reason: outcome.reason }))
      }
    }
  }

  const malformed = (session: Session, reason: string): Exit.Exit<never, RpcMalformed> => {
    count("malformed")
    sessions.charge(session.contact.key, "malformed")
    return Exit.fail(new RpcMalformed({ peer: nodeIdShort(session.contact.nodeId), reason }))
  }

  return {
    ask,
    smoothed: (session) => peers.get(session)?.trip.smoothed
  } satisfies Caller
})

const nothingToGiveUp: GiveUp = () => {}

/** An empty array; a later minor version may put something in. */
export const readNothing = (body: Uint8Array): Result.Result<undefined, string> =>
  Result.map(decodeArray(body), () => undefined)

const outcomes = Object.fromEntries(
  ["ok", "refused", "timeout", "interrupted", "malformed", "busy"].map((outcome) => [
    outcome,
    counterOf(requests, "outcome", outcome)
  ])
)
