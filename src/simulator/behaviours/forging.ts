/** Has a record for every key that is asked for, and none of them is one. Whom else to ask it says truthfully. */
import { Clock, Effect, Layer } from "effect"
import { makeAnswering } from "#layers/dht/DhtServer"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { RECORD_LIMIT, RecordKind, SIGNATURE_LENGTH } from "#schemas/dht/Record"
import { SecureRandom } from "#services/identity/SecureRandom"
import { Rpc } from "#services/rpc/Rpc"
import { brokenSignature } from "./liars.ts"

const BLOCK_BYTES = 100

const make = Effect.gen(function* () {
  const [rpc, { bytes }, clock, properly] = [yield* Rpc, yield* SecureRandom, yield* Clock.Clock, yield* makeAnswering]
  let answers = 0

  /** Of the right form, under a key that may even be the right one, and signed by nobody. */
  const invented = (kind: number, key: Uint8Array): Uint8Array => {
    const issued = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    const times: ReadonlyArray<CborValue> = [issued, issued + 3600]
    const signature = bytes(SIGNATURE_LENGTH)
    if (kind === RecordKind.Provider) return encode([kind, key, bytes(32), ...times, signature])
    return encode([RecordKind.Mutable, bytes(32), bytes(8), issued * 1000, ...times, bytes(32), signature])
  }

  /** In turns: a false signature, an end that is missing, more than a record may have. */
  const spoiled = (record: Uint8Array): Uint8Array => {
    answers++
    if (answers % 3 === 1) return brokenSignature(record)
    if (answers % 3 === 2) return record.slice(0, record.length / 2)
    return new Uint8Array(RECORD_LIMIT + 1)
  }

  const forged = (kind: number, key: Uint8Array, held: Uint8Array | undefined): Uint8Array =>
    kind === RecordKind.Block ? bytes(BLOCK_BYTES) : spoiled(held ?? invented(kind, key))

  yield* rpc.handleDht((request, from) => {
    if (request._tag !== "FindValue" && request._tag !== "GetProviders") return properly(request, from)
    const kind = request._tag === "FindValue" ? request.kind : RecordKind.Provider
    return Effect.map(properly(request, from), (answer) =>
      answer._tag === "Values"
        ? { ...answer, records: [forged(kind, request.key, answer.records[0])], more: false }
        : answer
    )
  })
})

export const layer = Layer.effectDiscard(make)
