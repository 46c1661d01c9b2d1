/**
 * Brings what waits to the network, in the order in which it came. A write leaves the row only when the network has it, so
 * one that was under way when the node died is sent again: it is the same record, and whoever has it already says so.
 */
import { Cause, Clock, Effect, Exit, Metric, Option, Result } from "effect"
import { factsOf } from "#core/dht/facts"
import * as Metrics from "#services/dht/BackendMetrics"
import type { GetError, PutError, PutReceipt } from "#services/dht/Dht"
import { REPLAY_PAGE, REPLAY_TRIES } from "#services/dht/Limits"
import { ReplayPace } from "#services/dht/Schedules"
import { Crypto } from "#services/identity/Crypto"
import { OutboxStore, type WaitingWrite } from "#services/storage/OutboxStore"
import type { Guard, Judged } from "./guarding.ts"
import { isSuperseded } from "./judging.ts"
import type { RealBackend, StandIn } from "./standingIn.ts"

/** `waits`: for the next time. `stop`: nothing can be brought there now. */
type Fate = "stored" | "superseded" | "expired" | "refused" | "waits" | "stop"

const errorOf = <A, E>(exit: Exit.Exit<A, E> | undefined): E | undefined =>
  exit === undefined || Exit.isSuccess(exit) ? undefined : Option.getOrUndefined(Cause.findErrorOption(exit.cause))

const reasonOf = (error: PutError | GetError): string => {
  switch (error._tag) {
    case "InvalidRecord":
    case "PrivacyUnavailable":
      return error.reason
    case "PutRefused":
      return error.refusals.map(({ nodes, reason }) => `${reason} (${nodes})`).join(", ")
    default:
      return error._tag
  }
}

/** `isAsked`: whether the real one is to be asked now. */
export const makeReplay = Effect.fnUntraced(function* (
  real: RealBackend,
  guard: Guard,
  standIn: StandIn,
  isAsked: () => boolean
) {
  const [suite, clock, outbox] = [yield* Crypto, yield* Clock.Clock, yield* OutboxStore]
  /** By place: how often somebody was there, but would not hold it. No more entries than writes that wait. */
  const tries = new Map<number, number>()

  const put = ({ bytes, expires, factor, keep, kind }: WaitingWrite, now: number) =>
    guard.attempt(
      "putRecord",
      real.dht.putRecord(kind, bytes, { lifetime: expires - now, keep, ...(factor > 0 ? { factor } : {}) })
    )

  /** Of what nobody would hold although somebody was there: for some time, then the real one has to see to it. */
  const again = ({ place }: WaitingWrite, otherwise: Fate): Fate => {
    const tried = (tries.get(place) ?? 0) + 1
    tries.set(place, tried)
    return tried < REPLAY_TRIES ? "waits" : otherwise
  }

  const fateOf = (write: WaitingWrite, judged: Judged<PutReceipt, PutError> | undefined): Fate => {
    if (judged === undefined || judged.verdict === "failed") return "stop"
    const error = errorOf(judged.exit)
    if (error === undefined) return judged.verdict === "answered" ? "stored" : again(write, "stored")
    if (isSuperseded(error)) return "superseded"
    if (error._tag === "StoreFull") return "stop"
    return error._tag === "PutRefused" ? again(write, "refused") : "refused"
  }

  const release = ({ bytes, key, kind }: WaitingWrite) =>
    Result.getOrUndefined(factsOf(suite, kind, bytes))?.deletes === true
      ? Effect.ignore(real.release(kind, key), { log: "Debug" })
      : Effect.void

  /** Tries one; whether the next may be tried. */
  const replay = Effect.fnUntraced(function* (write: WaitingWrite) {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
    const judged = write.expires <= now ? undefined : yield* put(write, now)
    const fate = write.expires <= now ? "expired" : fateOf(write, judged)
    if (fate === "stop") return false
    if (fate === "waits") return true
    tries.delete(write.place)
    if (fate === "refused") {
      const error = errorOf(judged?.exit)
      const reason = error === undefined ? "it could not be stored" : reasonOf(error)
      yield* outbox.setAside(write, reason)
      yield* Effect.logWarning("the network refuses a write that had waited: it is set aside", { reason })
    } else {
      if (fate === "stored") yield* release(write)
      yield* outbox.remove(write)
    }
    yield* Metric.update(Metric.withAttributes(Metrics.replayed, { outcome: fate }), 1)
    return true
  })

  const replayAll = Effect.gen(function* () {
    // Said first: what is added from here on says the contrary itself.
    standIn.setMayWait(false)
    let after = 0
    for (;;) {
      const page = yield* outbox.next(after, REPLAY_PAGE)
      if (page.length > 0) standIn.setMayWait(true)
      for (const write of page) {
        if (!isAsked() || !(yield* replay(write))) return
        after = write.place
      }
      if (page.length < REPLAY_PAGE) return
    }
  })

  /** As much as can be brought there now. */
  const pass = Effect.gen(function* () {
    if (!standIn.mayWait() || !isAsked() || guard.isOut()) return
    yield* Effect.tapError(replayAll, () => Effect.sync(() => standIn.setMayWait(true)))
    yield* standIn.showWaiting
  }).pipe(Effect.ignore({ log: "Warn" }))

  yield* Effect.forkScoped(Effect.schedule(pass, yield* ReplayPace))
  return pass
})
