/** What a node does for its records while it runs: drops the expired, and renews its own announcements. */
import { Clock, Effect } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import type { PutError, PutReceipt } from "#services/dht/Dht"
import { REPROVIDES, SCAN_PAGE } from "#services/dht/Limits"
import { reprovides as renewals } from "#services/dht/Metrics"
import { CleanupPace, ReprovidePace } from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { RecordStore, type RecordSummary, type StorageFailed } from "#services/storage/RecordStore"
import { metricsBy } from "./metricsBy.ts"

type Announce = (digest: Uint8Array) => Effect.Effect<PutReceipt, PutError>

export interface UpkeepTotals {
  /** Rounds of renewing since the start, and what came of each announcement. */
  readonly rounds: number
  readonly successes: number
  readonly failures: number
  /** Unix seconds of the end of the last round; undefined before the first. */
  readonly last: number | undefined
}

/** Runs until the scope closes. Without `reprovides` announcements are left to expire. */
export const startUpkeep = Effect.fnUntraced(function* (announce: Announce, reprovides: boolean) {
  const { publicKey } = yield* Identity
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const count = yield* metricsBy(renewals)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)
  let totals: UpkeepTotals = { rounds: 0, successes: 0, failures: 0, last: undefined }

  const cleanUp = Effect.suspend(() => records.expire(seconds())).pipe(
    Effect.tap((gone) => Effect.logDebug("expired records were dropped", { count: gone })),
    Effect.ignore({ log: "Warn" })
  )

  /** The announcements are found in the store itself, so they are renewed after a restart too. */
  const ownAnnouncements = Effect.fnUntraced(function* (
    visit: (own: ReadonlyArray<RecordSummary>) => Effect.Effect<void>
  ): Effect.fn.Return<void, StorageFailed> {
    let after: RecordSummary | undefined
    for (;;) {
      const page = yield* records.list({}, SCAN_PAGE, after)
      after = page.at(-1)
      yield* visit(
        page.filter(
          (it) => it.kind === RecordKind.Provider && it.expires > seconds() && equalBytes(it.member, publicKey)
        )
      )
      if (page.length < SCAN_PAGE) return
      yield* Effect.yieldNow
    }
  })

  const renew = ({ key }: RecordSummary) =>
    Effect.match(announce(key), {
      onFailure: (error) => {
        totals = { ...totals, failures: totals.failures + 1 }
        count("failed")
        return error
      },
      onSuccess: () => {
        totals = { ...totals, successes: totals.successes + 1 }
        count("ok")
        return undefined
      }
    }).pipe(
      Effect.flatMap((error) =>
        error === undefined ? Effect.void : Effect.logWarning("an announcement could not be renewed", error)
      )
    )

  const reprovide = ownAnnouncements((own) =>
    Effect.forEach(own, renew, { concurrency: REPROVIDES, discard: true })
  ).pipe(
    Effect.tap(() =>
      Effect.sync(() => {
        totals = { ...totals, rounds: totals.rounds + 1, last: seconds() }
      })
    ),
    Effect.ignore({ log: "Warn" })
  )

  /** How many there are to be renewed. */
  const announcements = Effect.suspend(() => {
    let found = 0
    const counting = ownAnnouncements((own) =>
      Effect.sync(() => {
        found += own.length
      })
    )
    return Effect.map(counting, () => found)
  })

  yield* Effect.forkScoped(Effect.schedule(cleanUp, yield* CleanupPace))
  if (reprovides) yield* Effect.forkScoped(Effect.schedule(reprovide, yield* ReprovidePace))
  return { announcements, totals: () => totals }
})
