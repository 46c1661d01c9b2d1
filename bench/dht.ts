/**
 * A swarm of N storing nodes in one process on loopback TCP, records in memory as the peers keep theirs, and one client
 * each that puts and gets from outside, so that no get is answered from the getter's own store.
 * CPU per operation is therefore the work of the whole network.
 *
 *     node --expose-gc --conditions=allium-source bench/dht.ts 50 [--sqlite | --memory]
 *
 * `--memory` measures nothing else, with the space for young objects bounded as every node bounds it that runs by itself
 * (src/cli/youngSpace.ts). For fifty nodes in one process that space is too small to be fast.
 */
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import { Dht } from "#services/dht/Dht"
import { RoutingTable } from "#services/dht/RoutingTable"
import { SessionManager } from "#services/session/SessionManager"
import { boundYoungSpace } from "../src/cli/youngSpace.ts"
import { emit, rateFigures, settledMemory } from "./lib.ts"
import { addressOf, makeSwarm } from "./swarm.ts"

const FACTOR = 20
const size = Number(process.argv[2] ?? 16)
const onDisk = process.argv.includes("--sqlite")
const memoryOnly = process.argv.includes("--memory")
if (memoryOnly) boundYoungSpace()
const note = { swarm: size, factor: FACTOR, store: onDisk ? "sqlite, synchronous FULL" : "memory" }
const folder = mkdtempSync(join(tmpdir(), "allium-bench-"))
const swarm = Scope.makeUnsafe()
let made = 0

const storage = () => {
  made++
  return onDisk
    ? SqliteRecordStore.layer().pipe(
        Layer.provide(SqliteDatabase.layer({ folder: join(folder, `${made}`), synchronous: "full" }))
      )
    : MemoryRecordStore.layer()
}

const { grow, makeNode } = makeSwarm(swarm, { replicationFactor: FACTOR, records: storage })

const program = Effect.gen(function* () {
  yield* grow(2) // warms the code, so that its memory is not counted
  const before = yield* Effect.promise(settledMemory)
  const start = performance.now()
  const nodes = yield* grow(size)
  const built = performance.now() - start
  const after = yield* Effect.promise(settledMemory)
  const kib = (key: "rss" | "heapUsed" | "external") => (after[key] - before[key]) / 1024 / size
  const tables = nodes.map((node) => Context.get(node, RoutingTable).size())
  emit("rss per node, swarm formed", "KiB", [kib("rss")], {
    ...note,
    heap_used_kib: kib("heapUsed"),
    external_kib: kib("external"),
    table_min: Math.min(...tables),
    table_max: Math.max(...tables),
    sessions: nodes.reduce((sum, node) => sum + Context.get(node, SessionManager).stats().open, 0)
  })
  if (memoryOnly) return
  emit("swarm build", "ms", [built], note)

  const putter = Context.get(yield* makeNode(addressOf(nodes[0]!), false), Dht)
  const getter = Context.get(yield* makeNode(addressOf(nodes[0]!), false), Dht)
  const keys: Array<Uint8Array> = []
  const requests: Array<number> = []
  const stored: Array<number> = []
  const put = Effect.suspend(() => putter.putBlock(randomBytes(1024))).pipe(
    Effect.tap((receipt) =>
      Effect.sync(() => {
        keys.push(receipt.key)
        if (requests.length < 20) {
          requests.push(receipt.lookup.requests)
          stored.push(receipt.reached)
        }
      })
    )
  )
  const get = Effect.suspend(() => getter.getBlock(keys[Math.floor(Math.random() * keys.length)]!))
  const pace = { ms: 2000, warm: 3000, reps: 5, width: 16 }
  for (let round = 0; round < 20; round++) yield* put
  const extra = { ...note, lookup_requests_per_op: requests[10], stored_on: stored[10] }
  yield* Effect.promise(() => rateFigures("dht-put-1KiB", () => Effect.runPromise(put), pace, extra))
  yield* Effect.promise(() => rateFigures("dht-get-first-1KiB", () => Effect.runPromise(get), pace, note))
})

try {
  await Effect.runPromise(program)
} finally {
  await Effect.runPromise(Scope.close(swarm, Exit.void))
  rmSync(folder, { recursive: true, force: true })
}
