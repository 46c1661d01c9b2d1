import { assert, describe, it } from "@effect/vitest"
import { Blobs, Test } from "allium"
import { Effect, Stream } from "effect"
import { contentCid } from "#core/content/contentCid"
import * as NodeCrypto from "#layers/identity/NodeCrypto"

describe("contentCid", () => {
  it.effect("names content as Blobs does, of any length", () =>
    Effect.gen(function* () {
      const blobs = yield* Blobs
      for (const length of [0, 1, 32_767, 32_768, 32_769, 65_536, 100_000]) {
        const bytes = new Uint8Array(length).map((_, at) => at % 251)
        const { cid } = yield* blobs.put(Stream.make(bytes))
        assert.deepStrictEqual(contentCid(NodeCrypto.suite.sha256, bytes), cid, `${length} bytes`)
      }
    }).pipe(Effect.provide(Test.mocked))
  )
})
