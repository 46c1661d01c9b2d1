/** A process to be killed: appends audit lines one after the other and prints a line for each that was acknowledged. */
import { writeSync } from "node:fs"
import { Effect, Layer } from "effect"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteAuditLog from "#layers/ucxl/SqliteAuditLog"
import { AuditLog } from "#services/ucxl/AuditLog"
import { auditor, event } from "../../laws/auditor.ts"

const program = Effect.gen(function* () {
  const log = yield* AuditLog
  for (let n = 0; ; n++) {
    yield* log.append(event({ size: n }))
    writeSync(1, `${n}\n`)
  }
})

const folder = process.argv[2] ?? ""
const layer = SqliteAuditLog.layer({ bytes: 8_000 }).pipe(
  Layer.provide([SqliteDatabase.layer({ folder, synchronous: "normal" }), auditor])
)
Effect.runFork(Effect.provide(program, layer))
