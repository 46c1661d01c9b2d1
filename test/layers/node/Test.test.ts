import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as Test from "#layers/node/Test"
import { concatBytes } from "#schemas/bytes/bytes"
import { Blobs } from "#services/content/Blobs"

describe("a mocked node", () => {
  it.effect("holds what an app puts, without any network", () =>
    Effect.gen(function* () {
      const blobs = yield* Blobs
      const { cid } = yield* blobs.put(Stream.make(Uint8Array.of(9)))
      assert.deepStrictEqual(concatBytes(yield* Stream.runCollect(blobs.get(cid))), Uint8Array.of(9))
    }).pipe(Effect.provide(Test.mocked))
  )
})
