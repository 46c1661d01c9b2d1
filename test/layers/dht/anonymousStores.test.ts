/** What all who store by way of an onion may have at one node. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Admission } from "#layers/dht/Admission"
import { RecordKind } from "#schemas/dht/Record"
import { ANONYMOUS_QUOTA, STORE_RATE } from "#services/dht/Limits"
import { ANONYMOUS, ANONYMOUS_ID } from "#services/dht/StorePipeline"
import { suite } from "./fixtures.ts"
import { withParts } from "./storing.ts"

const block = (n: number) => new Uint8Array(100).fill(n)

describe("what is stored anonymously", () => {
  it.effect("is counted under one id for all, which is nobody's, and stays this node's own where it was that", () =>
    withParts(
      Effect.fnUntraced(function* ({ pipeline, records }) {
        yield* pipeline.store(RecordKind.Block, block(1), 1_000, undefined)
        const own = (yield* records.get(RecordKind.Block, suite.sha256(block(1))))[0]?.storedBy
        for (const n of [1, 2, 3]) yield* pipeline.store(RecordKind.Block, block(n), 2_000, ANONYMOUS)
        assert.deepStrictEqual(yield* records.usage(ANONYMOUS_ID), { records: 2, bytes: 200 })
        assert.deepStrictEqual((yield* records.get(RecordKind.Block, suite.sha256(block(1))))[0]?.storedBy, own)
      })
    )
  )

  it.effect("takes nothing from the rates of peers, whose judge is somebody else", () =>
    withParts(
      Effect.fnUntraced(function* ({ refusal }) {
        for (let n = 0; n <= STORE_RATE.burst; n++)
          assert.isUndefined(yield* refusal(RecordKind.Block, block(n % 3), { from: ANONYMOUS }))
      })
    )
  )

  it.effect("has a share of the disk, and no more", () => {
    const admission = new Admission(
      suite,
      (of) => Effect.succeed({ records: 1, bytes: of === ANONYMOUS_ID ? ANONYMOUS_QUOTA - 100 : 0 }),
      true
    )
    return Effect.gen(function* () {
      assert.isTrue(yield* admission.hasQuota(ANONYMOUS, 100))
      assert.isFalse(yield* admission.hasQuota(ANONYMOUS, 101))
    })
  })
})
