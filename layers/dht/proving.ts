/** Answers Challenge: that this node has what it said that it would keep. */
import { Clock, Effect } from "effect"
import { contentOf, proofOf } from "#core/dht/challenge"
import type { Contact } from "#core/identity/Contact"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import { RECORDS_LIMIT } from "#schemas/dht/DhtMessage"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { RecordValidators } from "#services/dht/RecordValidators"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { RecordStore } from "#services/storage/RecordStore"
import { refusalOf } from "./damage.ts"

type Challenge = Extract<DhtRequest, { readonly _tag: "Challenge" }>

/** The tag of the refusal: there is nothing under this key, or what there is would convince nobody. */
export const NOT_FOUND = "NotFound"

const notFound = new RpcFailure({ tag: NOT_FOUND, detail: "", data: null })
const failed = new RpcFailure({ tag: "Failed", detail: "the store failed", data: null })

export const makeProving = Effect.gen(function* () {
  const { sha256 } = yield* Crypto
  const { nodeId } = yield* Identity
  const records = yield* RecordStore
  const validators = yield* RecordValidators
  const clock = yield* Clock.Clock

  return ({ key, kind, nonce }: Challenge, from: Contact): Effect.Effect<DhtAnswer, RpcFailure> =>
    records.get(kind, key, { limit: RECORDS_LIMIT }).pipe(
      Effect.mapError(() => failed),
      Effect.flatMap((held) => {
        const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
        const sound = held.filter((row) => refusalOf(validators, row, now) === undefined)
        const content = contentOf(
          sha256,
          sound.map(({ bytes }) => bytes)
        )
        if (content === undefined) return Effect.fail(notFound)
        const proof = proofOf(sha256, { nonce, asker: from.nodeId, holder: nodeId }, content)
        return Effect.succeed({ _tag: "Proof", proof } satisfies DhtAnswer)
      })
    )
})
