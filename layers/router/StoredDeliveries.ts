/**
 * Deliveries in memory, and in a DeliveredStore behind it. A commit costs more than what is written in it, so the ids
 * that come while one is under way go together in the next. Nothing runs while nothing waits.
 */
import { Clock, Effect, FiberSet, Layer } from "effect"
import { SeenIds } from "#core/router/SeenIds"
import { bytesOfKey, keyOf } from "#schemas/bytes/bytes"
import { Bounds } from "#services/node/Bounds"
import { Deliveries } from "#services/router/Deliveries"
import { SEEN_FOR, SEEN_IDS, UNWRITTEN_IDS } from "#services/router/Limits"
import { DeliveredStore } from "#services/storage/DeliveredStore"

/** Ids in one transaction. */
const BATCH = 256

export const make = Effect.gen(function* () {
  const [store, clock, bounds] = [yield* DeliveredStore, yield* Clock.Clock, yield* Bounds]
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const seen = new SeenIds(SEEN_IDS, SEEN_FOR)
  /** What is to be done when the id is on the disk. */
  const unwritten = new Map<string, () => void>()
  let writing = false
  const seconds = () => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

  yield* bounds.watch("seen envelopes", SEEN_IDS, () => seen.size)
  yield* bounds.watch("seen envelopes to be written", UNWRITTEN_IDS, () => unwritten.size)

  const now = seconds()
  yield* store.load(now, SEEN_IDS).pipe(
    Effect.map((ids) =>
      seen.restore(
        ids.map(({ id, until }) => [keyOf(id), until] as const),
        now
      )
    ),
    Effect.catchTag("StorageFailed", ({ cause }) =>
      Effect.logWarning("What was delivered before could not be read; some of it may arrive twice", cause)
    )
  )

  /** Ids beyond the limit of memory are forgotten on the disk as well. */
  const forgotten = (): number => {
    const [oldest] = seen.entries()
    return Math.max(seconds(), oldest === undefined ? 0 : oldest[1] - 1)
  }

  const write = Effect.suspend(() => {
    const until = seconds() + SEEN_FOR
    const batch = [...unwritten.keys()].slice(0, BATCH)
    return Effect.match(
      store.add(
        batch.map((id) => ({ id: bytesOfKey(id), until })),
        forgotten()
      ),
      {
        onFailure: () => false,
        onSuccess: () => {
          for (const id of batch) {
            const durable = unwritten.get(id)
            unwritten.delete(id)
            durable?.()
          }
          return true
        }
      }
    )
  })

  /** Ends when all is written, or the disk refuses: the next envelope that comes begins again. */
  const writeAll = Effect.gen(function* () {
    while (unwritten.size > 0) if (!(yield* write)) break
    writing = false
  })

  const start = (): void => {
    if (writing) return
    writing = true
    run(writeAll)
  }

  return Deliveries.of({
    has: (messageId) => seen.has(keyOf(messageId), seconds()),
    isFull: () => {
      if (unwritten.size < UNWRITTEN_IDS) return false
      start()
      return true
    },
    remember: (messageId, durable) => {
      const [id, now] = [keyOf(messageId), seconds()]
      const isSeen = seen.has(id, now)
      if (isSeen && !unwritten.has(id)) return durable()
      if (!isSeen) seen.add(id, now)
      if (!unwritten.has(id)) unwritten.set(id, durable)
      start()
    }
  })
})

export const layer: Layer.Layer<Deliveries, never, DeliveredStore> = Layer.effect(Deliveries, make)
