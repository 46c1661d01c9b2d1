/**
 * The record store of a node as it fills, to a million small records in SQLite: how fast one record is put and got at each
 * size, one at a time and 16 in flight, and what memory the process has. One JSON line a figure; `share` is the part of
 * the rate at the first size.
 *
 * Commits are not waited for to reach the disk (`synchronous` normal): the curve is the tree's, not the disk's.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import { utf8 } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { boundYoungSpace } from "../src/cli/youngSpace.ts"
import { emit, median } from "./lib.ts"

const SIZES = [10_000, 100_000, 1_000_000]
const BATCH = 1_000
/** Milliseconds of a repetition, repetitions, and operations in flight in the second figure. */
const MS = 1_000
const REPS = 3
const WIDTH = 16

const { sha256 } = NodeCrypto.suite
const NOTHING = new Uint8Array(0)
const storedBy = Array.from({ length: 200 }, (_, n) => sha256(utf8(`node ${n}`)))

const row = (n: number): StoredRecord => {
  const bytes = utf8(`a small record, number ${n}`)
  const by = storedBy[n % storedBy.length]!
  return { kind: RecordKind.Block, key: sha256(bytes), member: NOTHING, seq: 0, expires: 2 ** 40, storedBy: by, bytes }
}

boundYoungSpace()
const folder = mkdtempSync(join(tmpdir(), "allium-bench-"))
const scope = await Effect.runPromise(Scope.make())
const services = await Effect.runPromise(
  Layer.buildWithScope(
    SqliteRecordStore.layer({ quotaBytes: 2 ** 40 }).pipe(
      Layer.provide(SqliteDatabase.layer({ folder, synchronous: "normal" })),
      Layer.provide(NodeCrypto.layer)
    ),
    scope
  )
)
const store = Context.get(services, RecordStore)

/** Operations a second. */
const rateOf = async (width: number, operation: () => Effect.Effect<unknown, unknown>): Promise<number> => {
  const start = performance.now()
  let done = 0
  const worker = async () => {
    for (; performance.now() - start < MS; done++) await Effect.runPromise(operation())
  }
  await Promise.all(Array.from({ length: width }, worker))
  return (done / (performance.now() - start)) * 1e3
}

/** As the kernel counts it, MiB: the peak so far. */
const peak = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1_024

let filled = 0
const first = new Map<string, number>()
for (const size of SIZES) {
  for (; filled < size; filled += BATCH) {
    await Effect.runPromise(store.put(Array.from({ length: BATCH }, (_, at) => row(filled + at))))
  }
  let step = 0
  const operations = {
    // Spread over all there is, so that no part of the tree is warmer than another.
    get: () => store.get(RecordKind.Block, row((step += 7_919) % size).key),
    put: () => store.put([row(filled++)])
  }
  for (const [name, operation] of Object.entries(operations)) {
    for (const width of [1, WIDTH]) {
      const rates: Array<number> = []
      for (let rep = 0; rep < REPS; rep++) rates.push(await rateOf(width, operation))
      const figure = `store-${name}.x${width}.rate`
      const start = first.get(figure) ?? median(rates)
      first.set(figure, start)
      emit(figure, "op/s", rates, { records: size, share: median(rates) / start, peak_mib: peak() })
    }
  }
  filled = Math.ceil(filled / BATCH) * BATCH
}
await Effect.runPromise(Scope.close(scope, Exit.void))
rmSync(folder, { recursive: true })
