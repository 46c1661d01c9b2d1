/**
 * Operations on the network one by one (kind 5), each under its SHA-256: what waiting operations build upon is looked for
 * there when no peer has it, and own ones are stored there where the app wants that.
 */
import { Effect, Latch } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { ASKED_OPS } from "#services/crdt/Limits"
import type { Log } from "#services/crdt/OpLog"
import type { Dht } from "#services/dht/Dht"

/** Operations looked for in one go, and at the same time. */
const FETCHED = 64
const TOGETHER = 4

/** Own ones that wait to be stored; what comes beyond them is not. */
const WAITING = 512

/** Answers how many were taken. `asked` are those that were looked for lately, and are not again. */
export const fetchMissing = Effect.fn("fetchMissing")(function* (dht: Dht["Service"], log: Log, asked: Set<string>) {
  let taken = 0
  for (let left = FETCHED; left > 0; ) {
    const ids = log.missing(ASKED_OPS).filter((id) => !asked.has(keyOf(id)))
    const some = ids.slice(0, Math.min(left, TOGETHER))
    if (some.length === 0) break
    left -= some.length
    if (asked.size + some.length > ASKED_OPS) asked.clear()
    for (const id of some) asked.add(keyOf(id))
    const found = yield* Effect.forEach(
      some,
      (id) => Effect.orElseSucceed(dht.getRecords(RecordKind.Op, id), () => []),
      {
        concurrency: TOGETHER
      }
    )
    const records = found.flat().map(({ bytes }) => bytes)
    if (records.length > 0) taken += (yield* log.admit(records)).taken
  }
  return taken
})

/** Until the scope closes: one at a time, each for `lifetime` seconds. */
export const storeOwn = Effect.fnUntraced(function* (dht: Dht["Service"], log: Log, lifetime: number) {
  const isThere = yield* Latch.make(false)
  const waiting: Array<Uint8Array> = []
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      log.onDelivered((delivered) => {
        for (const { isLocal, record } of delivered) if (isLocal && waiting.length < WAITING) waiting.push(record)
        if (waiting.length > 0) isThere.openUnsafe()
      })
    ),
    (stop) => Effect.sync(stop)
  )
  yield* isThere.await.pipe(
    Effect.andThen(
      Effect.suspend(() => {
        const record = waiting.shift()
        if (waiting.length === 0) isThere.closeUnsafe()
        return record === undefined ? Effect.void : dht.putRecord(RecordKind.Op, record, { lifetime, keep: false })
      })
    ),
    Effect.ignore({ log: "Debug" }),
    Effect.forever,
    Effect.forkScoped
  )
})
