/**
 * Reads the own store through, a little at a time, for what the disk has spoiled: a damaged record leaves, and a good one
 * is fetched from those who have it, to live as long as the damaged one would have.
 */
import { Clock, Effect, Semaphore } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { Dht } from "#services/dht/Dht"
import { SCRUB_PAGE, SCRUB_TICKS } from "#services/dht/Limits"
import { damaged, mended } from "#services/dht/Metrics"
import { RecordValidators } from "#services/dht/RecordValidators"
import { StorePipeline } from "#services/dht/StorePipeline"
import { RecordStore, type StorageFailed, type StoredRecord } from "#services/storage/RecordStore"
import { isDamage, refusalOf } from "./damage.ts"

export interface Scrubbed {
  readonly damaged: number
  readonly mended: number
}

export interface ScrubTotals extends Scrubbed {
  /** Unix seconds: when the store was last read to its end. */
  readonly last: number | undefined
}

export const makeScrubbing = Effect.gen(function* () {
  const [records, dht, pipeline] = [yield* RecordStore, yield* Dht, yield* StorePipeline]
  const [validators, clock] = [yield* RecordValidators, yield* Clock.Clock]
  const context = yield* Effect.context<never>()
  const turn = yield* Semaphore.make(1)
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)
  let totals: ScrubTotals = { damaged: 0, mended: 0, last: undefined }
  /** Where the next tick goes on. */
  let reached: Uint8Array | undefined

  const soundOf = Effect.fnUntraced(function* ({ key, kind, member }: StoredRecord) {
    if (kind === RecordKind.Block) return yield* dht.getBlock(key)
    const found = yield* dht.getRecords(kind, key)
    return found.find((record) => equalBytes(record.member, member))?.bytes
  })

  /** Whether a good one has taken its place. */
  const mend = Effect.fnUntraced(
    function* (row: StoredRecord) {
      yield* records.remove(row.kind, row.key, row.member)
      const bytes = yield* soundOf(row)
      if (bytes === undefined) return false
      yield* pipeline.store(row.kind, bytes, Math.max(1, row.expires - seconds()), undefined)
      return true
    },
    Effect.catchTags({
      NotFound: () => Effect.succeed(false),
      PrivacyUnavailable: () => Effect.succeed(false),
      RecordRefused: () => Effect.succeed(false)
    })
  )

  const check = Effect.fnUntraced(function* (
    page: ReadonlyArray<StoredRecord>
  ): Effect.fn.Return<Scrubbed, StorageFailed> {
    const spoiled = page.filter((row) => row.expires > seconds() && isDamage(refusalOf(validators, row, seconds())))
    let whole = 0
    for (const row of spoiled) if (yield* mend(row)) whole++
    if (spoiled.length > 0) {
      damaged.updateUnsafe(spoiled.length, context)
      mended.updateUnsafe(whole, context)
      totals = { ...totals, damaged: totals.damaged + spoiled.length, mended: totals.mended + whole }
      yield* Effect.logWarning("damaged records were found", { damaged: spoiled.length, mended: whole })
    }
    return { damaged: spoiled.length, mended: whole }
  })

  /** So many rows from where the last tick ended; true at the end of the store. */
  const some = Effect.fnUntraced(function* (from: Uint8Array | undefined, rows: number) {
    const found = { damaged: 0, mended: 0 }
    let after = from
    for (let read = 0; read < rows; ) {
      const page = yield* records.scan(after, SCRUB_PAGE)
      if (page.length === 0) return { ...found, after: undefined }
      const { damaged, mended } = yield* check(page)
      found.damaged += damaged
      found.mended += mended
      read += page.length
      after = page.at(-1)?.key
      yield* Effect.yieldNow
    }
    return { ...found, after }
  })

  const ended = (): void => {
    totals = { ...totals, last: seconds() }
  }

  const tick = Effect.gen(function* () {
    const { records: all } = yield* records.usage()
    const { after } = yield* some(reached, Math.max(SCRUB_PAGE, Math.ceil(all / SCRUB_TICKS)))
    reached = after
    if (after === undefined) ended()
  }).pipe(
    Semaphore.withPermit(turn),
    Effect.catch((error) => Effect.logWarning("the store could not be read through", error))
  )

  const all = Effect.map(some(undefined, Number.POSITIVE_INFINITY), ({ damaged, mended }): Scrubbed => {
    ended()
    return { damaged, mended }
  }).pipe(Semaphore.withPermit(turn))

  return { tick, all, totals: () => totals }
})
