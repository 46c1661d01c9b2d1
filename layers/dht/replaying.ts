/**
 * Brings what waits to the network, in the order in which it came. A write leaves the row only when the network has it, so
 * one that was under way when the node died is sent again: it is the same record, and whoever has it already says so.
 */
import { Cause, Clock, Duration, Effect, Exit, Metric, Option, Result, Semaphore } from "effect"
import { factsOf } from "#core/dht/facts"
import * as Metrics from "#services/dht/BackendMetrics"
import type { GetError, PutError, PutReceipt } from "#services/dht/Dht"
import { REPLAY_PAGE, REPLAY_TRIES, REPLAYS_DEFERRED } from "#services/dht/Limits"
import { ReplayAgain, ReplayPace } from "#services/dht/Schedules"
import { Crypto } from "#services/identity/Crypto"
import { OutboxStore, type WaitingWrite } from "#services/storage/OutboxStore"
import type { Guard, Judged } from "./guarding.ts"
import { isFinal, isSuperseded } from "./judging.ts"
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
  const rest = yield* ReplayAgain
  const [first, longest] = [Duration.toMillis(rest.first), Duration.toMillis(rest.longest)]
  /** By place, of what somebody saw and did not take; milliseconds. */
  const deferred = new Map<number, { readonly tries: number; readonly until: number }>()

  const put = ({ bytes, expires, factor, keep, kind }: WaitingWrite, now: number) =>
    guard.attempt(
      "putRecord",
      real.dht.putRecord(kind, bytes, { lifetime: expires - now, keep, ...(factor > 0 ? { factor } : {}) })
    )

  /** Somebody was there, and would not hold it: each time it rests for longer. */
  const defer = ({ place }: WaitingWrite): number => {
    const tries = (deferred.get(place)?.tries ?? 0) + 1
    const rest = Math.min(first * 2 ** (tries - 1), longest)
    deferred.delete(place)
    deferred.set(place, { tries, until: clock.currentTimeMillisUnsafe() + rest })
    // One that has given way to a later version is not asked for again.
    const [oldest] = deferred.keys()
    if (deferred.size > REPLAYS_DEFERRED && oldest !== undefined) deferred.delete(oldest)
    return tries
  }

  const fateOf = (write: WaitingWrite, judged: Judged<PutReceipt, PutError> | undefined): Fate => {
    if (judged === undefined || judged.verdict === "failed") return "stop"
    const error = errorOf(judged.exit)
    if (error === undefined) {
      // In the end the own copy has to do: the replicator makes up the rest, as of everything.
      return judged.verdict === "answered" || defer(write) >= REPLAY_TRIES ? "stored" : "waits"
    }
    if (isSuperseded(error)) return "superseded"
    if (error._tag === "StoreFull") return "stop"
    if (error._tag !== "PutRefused") return "refused"
    return defer(write) >= REPLAY_TRIES && isFinal(error) ? "refused" : "waits"
  }

  const release = ({ bytes, key, kind }: WaitingWrite) =>
    Result.getOrUndefined(factsOf(suite, kind, bytes))?.deletes === true
      ? Effect.ignore(real.release(kind, key), { log: "Debug" })
      : Effect.void

  /** Tries one; whether the next may be tried. */
  const replay = Effect.fnUntraced(function* (write: WaitingWrite) {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1_000)
    if ((deferred.get(write.place)?.until ?? 0) > clock.currentTimeMillisUnsafe()) return true
    const judged = write.expires <= now ? undefined : yield* put(write, now)
    const fate = write.expires <= now ? "expired" : fateOf(write, judged)
    if (fate === "stop") return false
    if (fate === "waits") return true
    deferred.delete(write.place)
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

  const oneAtATime = Semaphore.withPermitsIfAvailable(yield* Semaphore.make(1), 1)

  /** As much as can be brought there now; nothing where that is being done already. */
  const pass = Effect.gen(function* () {
    if (!standIn.mayWait() || !isAsked() || guard.isOut()) return
    yield* Effect.tapError(replayAll, () => Effect.sync(() => standIn.setMayWait(true)))
    yield* standIn.showWaiting
  }).pipe(oneAtATime, Effect.ignore({ log: "Warn" }))

  yield* Effect.forkScoped(Effect.schedule(pass, yield* ReplayPace))
  return pass
})
