/**
 * What a storage node asks of the records of channels (kinds 5 and 7) beside form, key and signature: that the channel is
 * the one of its genesis, that its author may write there now, and that a plain batch has the form of one.
 */
import { Effect, Layer, Result } from "effect"
import { batchRefusal, membershipRefusal, plainPolicyOf } from "#core/oplog/channel"
import { shapeRefusal } from "#core/oplog/OpNode"
import { BATCH_LIMIT } from "#schemas/crdt/OpBatch"
import * as Op from "#schemas/dht/Op"
import { RecordKind } from "#schemas/dht/Record"
import * as Snapshot from "#schemas/dht/Snapshot"
import { RecordValidators, type Validator } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"

export const make = Effect.gen(function* () {
  const [suite, { networkId }, validators] = [yield* Crypto, yield* Identity, yield* RecordValidators]

  const verdict = (refusal: string | undefined): Result.Result<void, string> =>
    refusal === undefined ? Result.void : Result.fail(refusal)

  const op: Validator = ({ bytes }, now) =>
    Result.flatMap(Op.read(bytes), (fields) => {
      const refusal = shapeRefusal(fields) ?? membershipRefusal(suite, networkId, fields, now)
      if (refusal !== undefined || plainPolicyOf(suite, fields.genesis) === undefined) return verdict(refusal)
      if (fields.ciphertext.length > BATCH_LIMIT) return Result.fail("batch too large")
      return verdict(batchRefusal(fields.ciphertext))
    })

  const snapshot: Validator = ({ bytes }, now) =>
    Result.flatMap(Snapshot.read(bytes), (fields) => verdict(membershipRefusal(suite, networkId, fields, now)))

  yield* validators.register(RecordKind.Op, op)
  yield* validators.register(RecordKind.Snapshot, snapshot)
})

export const layer = Layer.effectDiscard(make)
