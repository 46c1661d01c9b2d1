/** A process that fills a store with a million small records and compares all of it, as a round with neighbours does. */
import { writeSync } from "node:fs"
import { Effect, Layer } from "effect"
import { divide, WHOLE } from "#core/dht/keyPrefix"
import { makeSumming } from "#layers/dht/summing"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import { utf8 } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { boundYoungSpace } from "../../src/cli/youngSpace.ts"

const RECORDS = 1_000_000
const BATCH = 1_000
/** NodeIds that stored something. */
const STORING = 200

const { sha256 } = NodeCrypto.suite
const NO_MEMBER = new Uint8Array(0)

const row = (n: number): StoredRecord => {
  const bytes = utf8(`a small record, number ${n}`)
  // Every fourth is one whose hash nobody knows beforehand.
  const kind = n % 4 === 0 ? RecordKind.Mutable : RecordKind.Block
  const storedBy = sha256(utf8(`node ${n % STORING}`))
  return { kind, key: sha256(bytes), member: NO_MEMBER, seq: 0, expires: 2 ** 40, storedBy, bytes }
}

const program = Effect.gen(function* () {
  const store = yield* RecordStore
  const { sum } = yield* makeSumming
  for (let n = 0; n < RECORDS; n += BATCH) yield* store.put(Array.from({ length: BATCH }, (_, at) => row(n + at)))
  writeSync(2, "filled\n")
  const began = performance.now()
  const { rows } = yield* sum(divide(WHOLE, 8), { rows: Number.POSITIVE_INFINITY })
  writeSync(1, `${JSON.stringify({ rows, seconds: (performance.now() - began) / 1000 })}\n`)
})

boundYoungSpace()
const folder = process.argv[2] ?? ""
const stores = SqliteRecordStore.layer({ quotaBytes: 2 ** 40 }).pipe(
  Layer.provide(SqliteDatabase.layer({ folder, synchronous: "normal" })),
  Layer.provideMerge(NodeCrypto.layer)
)
// Stays, so that it can be looked at.
Effect.runFork(Effect.andThen(Effect.scoped(Effect.provide(program, stores)), Effect.sleep("1 hour")))
