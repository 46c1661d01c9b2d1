/**
 * Everything under one key as delegates show it, and as this node holds it anyway. Nothing follows from it: no replica is
 * given a newer version and nothing is stored here, or somebody who looks after a store could tell what was read.
 */
import { Effect, Result } from "effect"
import { MergedSet } from "#core/dht/MergedSet"
import { RECORDS_LIMIT } from "#schemas/dht/DhtMessage"
import type { RecordKind } from "#schemas/dht/Record"
import { Delegates } from "#services/dht/Delegates"
import type { PrivacyUnavailable } from "#services/dht/Dht"
import type { CheckedRecord } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { RecordStore, type StorageFailed } from "#services/storage/RecordStore"
import { makeChecker } from "./checking.ts"
import { type Gathered, limitOf } from "./gathering.ts"

export const makeAnonymousGatherer = Effect.gen(function* () {
  const [suite, delegates, records] = [yield* Crypto, yield* Delegates, yield* RecordStore]
  const { check } = yield* makeChecker

  return Effect.fnUntraced(function* (
    kind: RecordKind,
    key: Uint8Array
  ): Effect.fn.Return<Gathered, StorageFailed | PrivacyUnavailable> {
    const { asked, records: found } = yield* delegates.find(kind, key)
    const set = new MergedSet<CheckedRecord>(limitOf(kind), suite.sha256)
    for (const record of found) set.take(record)
    for (const { bytes } of yield* records.get(kind, key, { limit: RECORDS_LIMIT })) {
      const own = check(kind, key, bytes)
      if (Result.isSuccess(own)) set.take(own.success)
    }
    const best = set.records()
    return { records: best.slice(0, best[0]?.limit), asked }
  })
})
