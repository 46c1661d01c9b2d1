/** What a node does for its records while it runs: drops the expired, and renews its own announcements. */
import { Clock, Effect } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import type { PutError, PutOptions, PutReceipt } from "#services/dht/Dht"
import { REPROVIDES, SCAN_PAGE } from "#services/dht/Limits"
import { CleanupPace, ReprovidePace } from "#services/dht/Schedules"
import { Identity } from "#services/identity/Identity"
import { RecordStore } from "#services/storage/RecordStore"

type Announce = (digest: Uint8Array, options?: PutOptions) => Effect.Effect<PutReceipt, PutError>

/** Runs until the scope closes. Without `reprovides` announcements are left to expire. */
export const startUpkeep = Effect.fnUntraced(function* (announce: Announce, reprovides: boolean) {
  const { publicKey } = yield* Identity
  const records = yield* RecordStore
  const clock = yield* Clock.Clock
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  const cleanUp = Effect.suspend(() => records.expire(seconds())).pipe(
    Effect.tap((count) => Effect.logDebug("expired records were dropped", { count })),
    Effect.ignore({ log: "Warn" })
  )

  /** The announcements are found in the store itself, so they are renewed after a restart too. */
  const reprovide = Effect.gen(function* () {
    let after: Uint8Array | undefined
    for (;;) {
      const page = yield* records.scan(after, SCAN_PAGE)
      if (page.length === 0) return
      after = page.at(-1)?.key
      const own = page.filter(
        (it) => it.kind === RecordKind.Provider && it.expires > seconds() && equalBytes(it.member, publicKey)
      )
      const renew = (key: Uint8Array) => Effect.ignore(announce(key), { log: "Warn" })
      yield* Effect.forEach(own, (it) => renew(it.key), { concurrency: REPROVIDES, discard: true })
    }
  }).pipe(Effect.ignore({ log: "Warn" }))

  yield* Effect.forkScoped(Effect.schedule(cleanUp, yield* CleanupPace))
  if (reprovides) yield* Effect.forkScoped(Effect.schedule(reprovide, yield* ReprovidePace))
})
