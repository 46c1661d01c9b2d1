/**
 * The index of encrypted content with 100,000 items in SQLite: how long a page of fifty takes by three criteria. Where
 * each holds for a few, where each holds for half of all items, where almost none meets all three and those that do are
 * the oldest, behind a cursor, in a stretch of time, and by words. One JSON line a figure, in milliseconds.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteContentIndex from "#layers/ucxl/SqliteContentIndex"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { ContentIndex, type Criteria, type Cursor, type IndexItem } from "#services/ucxl/ContentIndex"
import { boundYoungSpace } from "../src/cli/youngSpace.ts"
import { emit, percentile } from "./lib.ts"

const ITEMS = 100_000
const TEXTS = 10_000
const PAGE = 50
const RUNS = 60
const REPS = 3
const IN_FLIGHT = 512

/** Half of all items have agent `even`, the others type `odd`; both have only the ten oldest. */
const FAR = 10

const item = (n: number): IndexItem => {
  const far = n < FAR
  const agent = n % 2 === 0 || far ? "even" : `agent${n % 50}`
  const type = n % 2 === 1 || far ? "odd" : `type${n % 7}`
  const address = `ucxl://${agent}/role${n % 8}/project${n % 40}/task${n}/${type}`
  return {
    address: address as UcxlAddress,
    creatorRole: n % 3 === 0 ? "developer" : "architect",
    encryptedFor: ["developer", "architect", "devops"],
    contentType: n % 4 === 0 ? "text/markdown" : "application/json",
    timestamp: 1_700_000_000_000 + n * 1_000,
    size: n,
    sha256: n.toString(16).padStart(64, "0"),
    cid: `bafkrei${n.toString(36).padStart(52, "a")}`,
    metadataCid: `bafkrei${n.toString(36).padStart(52, "b")}`,
    author: "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    seq: n,
    own: n % 5 === 0,
    holders: Array.from({ length: 5 }, (_, at) => (n + at).toString(16).padStart(64, "0")),
    replicationFactor: 5,
    recipients: "",
    deleted: false
  }
}

const textOf = (n: number): string =>
  `decision number${n} about ${n % 2 === 0 ? "storage" : "transport"} and word${n % 100} ${"common filler words ".repeat(20)}`

const QUESTIONS: ReadonlyArray<readonly [figure: string, criteria: Criteria, after?: Cursor]> = [
  ["three", { agent: "agent7", role: "role7", project: "project7" }],
  ["wide", { agent: "even", creatorRole: "architect", contentType: "text/markdown" }],
  ["far", { agent: "even", type: "odd", creatorRole: "architect" }],
  ["none", { agent: "even", type: "odd", project: "project39" }],
  [
    "late-page",
    { agent: "even", creatorRole: "architect", contentType: "text/markdown" },
    { timestamp: 1_700_000_000_000 + 2_000_000, address: "ucxl://" }
  ],
  [
    "time",
    { agent: "even", creatorRole: "architect", createdAfter: 1_700_000_000_000, createdBefore: 1_700_000_900_000 }
  ],
  ["words", { text: "storage word4*", role: "role4", contentType: "text/markdown" }],
  ["common-words", { text: "common decision", agent: "even", creatorRole: "architect" }]
]

boundYoungSpace()
const folder = mkdtempSync(join(tmpdir(), "allium-bench-"))
const scope = await Effect.runPromise(Scope.make())
const services = await Effect.runPromise(
  Layer.buildWithScope(
    SqliteContentIndex.layer().pipe(Layer.provide(SqliteDatabase.layer({ folder, synchronous: "normal" }))),
    scope
  )
)
const index = Context.get(services, ContentIndex)

const start = performance.now()
await Effect.runPromise(
  Effect.forEach(
    Array.from({ length: ITEMS }, (_, n) => n),
    (n) => index.put(item(n), n >= ITEMS - TEXTS ? textOf(n) : undefined),
    { concurrency: IN_FLIGHT, discard: true }
  )
)
emit("ucxl-index.put.rate", "op/s", [(ITEMS / (performance.now() - start)) * 1e3], { items: ITEMS })

for (const [figure, criteria, after] of QUESTIONS) {
  const halves: Array<number> = []
  const cpu: Array<number> = []
  const worst: Array<number> = []
  let found = 0
  for (let rep = 0; rep < REPS; rep++) {
    const times: Array<number> = []
    const used = process.cpuUsage()
    for (let run = 0; run < RUNS; run++) {
      const from = performance.now()
      found = (await Effect.runPromise(index.search(criteria, after, PAGE))).length
      times.push(performance.now() - from)
    }
    const { system, user } = process.cpuUsage(used)
    cpu.push((system + user) / 1e3 / RUNS)
    halves.push(percentile(times, 0.5))
    worst.push(percentile(times, 0.99))
  }
  emit(`ucxl-search.${figure}.p50`, "ms", halves, { items: ITEMS, found, cpu_ms: percentile(cpu, 0.5) })
  emit(`ucxl-search.${figure}.p99`, "ms", worst, { items: ITEMS, found })
}
await Effect.runPromise(Scope.close(scope, Exit.void))
rmSync(folder, { recursive: true })
