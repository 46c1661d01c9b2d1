/**
 * Documents that outlive the presence of those who have them open: a snapshot as content of the network, found under the
 * channel by a record of kind 7.
 */
import { Effect, Result, Stream } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { cidOfBytes } from "#schemas/content/Cid"
import { SNAPSHOT_LIMIT } from "#schemas/crdt/SnapshotContent"
import { RecordKind } from "#schemas/dht/Record"
import * as Snapshot from "#schemas/dht/Snapshot"
import { Blobs } from "#services/content/Blobs"
import { type Log, SnapshotRefused } from "#services/crdt/OpLog"
import { Dht } from "#services/dht/Dht"
import { Crypto } from "#services/identity/Crypto"

/** Members' snapshots that are tried, the latest first. */
const TRIED = 3

export const makePublishing = Effect.gen(function* () {
  const [suite, blobs, dht] = [yield* Crypto, yield* Blobs, yield* Dht]

  const publish = Effect.fn("publish")(function* (log: Log) {
    const { bytes, record } = yield* log.compact
    yield* blobs.put(Stream.make(bytes))
    return yield* dht.putRecord(RecordKind.Snapshot, record)
  })

  const take = Effect.fnUntraced(function* (log: Log, record: Uint8Array) {
    const read = Result.flatMap(Snapshot.read(record), (fields) =>
      Result.map(cidOfBytes(fields.cid), (cid) => ({ ...fields, cid }))
    )
    if (Result.isFailure(read)) return yield* new SnapshotRefused({ reason: read.failure })
    const { cid, genesis, size } = read.success
    if (size > SNAPSHOT_LIMIT) return yield* new SnapshotRefused({ reason: "above 64 MiB" })
    yield* log.learn(genesis)
    const pieces: Array<Uint8Array> = []
    let length = 0
    // What is longer than its record says is not read to its end.
    yield* Stream.runForEachWhile(blobs.get(cid), (piece) =>
      Effect.sync(() => {
        pieces.push(piece)
        length += piece.length
        return length <= size
      })
    )
    yield* log.adopt({ record, bytes: concatBytes(pieces) })
  })

  /** Whether there was one to begin with. */
  const recover = Effect.fn("recover")(function* (log: Log) {
    const found = yield* dht.getRecords(RecordKind.Snapshot, suite.sha256(Snapshot.keyPreimage(log.channel)))
    const latest = [...found].sort((a, b) => b.seq - a.seq).slice(0, TRIED)
    for (const { bytes } of latest) {
      const taken = yield* take(log, bytes).pipe(
        Effect.as(true),
        Effect.tapError((cause) => Effect.logDebug("a snapshot of the network could not be taken over", cause)),
        Effect.orElseSucceed(() => false)
      )
      if (taken) return true
    }
    return false
  })

  return { publish, recover }
})
