/** What every source of secret bytes keeps. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { SecureRandom } from "#services/identity/SecureRandom"

export const secureRandomLaws = (name: string, layer: Layer.Layer<SecureRandom>) =>
  describe(name, () => {
    it.effect("gives as many bytes as asked for, in arrays of their own", () =>
      Effect.gen(function* () {
        const random = yield* SecureRandom
        for (const count of [0, 1, 12, 32, 255, 256, 257, 5_000]) {
          const bytes = random.bytes(count)
          assert.lengthOf(bytes, count)
          assert.strictEqual(bytes.buffer.byteLength, count)
        }
      }).pipe(Effect.provide(layer))
    )

    it.effect("does not give the same bytes twice, nor zeros, across a thousand draws", () =>
      Effect.gen(function* () {
        const random = yield* SecureRandom
        const seen = new Set(Array.from({ length: 1_000 }, () => Buffer.from(random.bytes(16)).toString("hex")))
        assert.strictEqual(seen.size, 1_000)
        assert.isFalse(seen.has("00".repeat(16)))
      }).pipe(Effect.provide(layer))
    )
  })
