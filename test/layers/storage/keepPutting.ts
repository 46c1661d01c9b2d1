/** A process to be killed: puts records one after the other and prints a line for each that was acknowledged. */
import { writeSync } from "node:fs"
import { Effect, Layer } from "effect"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SqliteDatabase from "#layers/storage/SqliteDatabase"
import * as SqliteRecordStore from "#layers/storage/SqliteRecordStore"
import { RecordStore } from "#services/storage/RecordStore"

const key = (n: number): Uint8Array => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(28, n)
  return bytes
}

const program = Effect.gen(function* () {
  const store = yield* RecordStore
  for (let n = 0; ; n++) {
    const bytes = new Uint8Array(1_024).fill(n)
    yield* store.put([
      { kind: 0, key: key(n), member: new Uint8Array(0), seq: 0, expires: 2 ** 40, storedBy: key(0), bytes }
    ])
    writeSync(1, `${n}\n`)
  }
})

const folder = process.argv[2] ?? ""
Effect.runFork(
  program.pipe(
    Effect.provide(SqliteRecordStore.layer().pipe(Layer.provide([SqliteDatabase.layer({ folder }), NodeCrypto.layer])))
  )
)
