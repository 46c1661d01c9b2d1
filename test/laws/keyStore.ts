/** What every KeyStore keeps. `fresh` builds a new, empty one. */
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Redacted, type Scope } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { KeyStore, type SecretKeys } from "#services/identity/KeyStore"

export const hexKeys = (keys: SecretKeys) => [hexOf(Redacted.value(keys.seed)), hexOf(Redacted.value(keys.noise))]

export const loadFrom = <E, R>(layer: Layer.Layer<KeyStore, E, R>) =>
  Effect.flatMap(KeyStore, (store) => store.load).pipe(Effect.provide(layer))

export const keyStoreLaws = (name: string, fresh: Effect.Effect<Layer.Layer<KeyStore>, never, Scope.Scope>) =>
  describe(name, () => {
    it.effect("gives two different keys of 32 bytes, the same ones at every load", () =>
      Effect.gen(function* () {
        const [first, second] = yield* Effect.flatMap(KeyStore, ({ load }) => Effect.all([load, load])).pipe(
          Effect.provide(yield* fresh)
        )
        assert.deepEqual(hexKeys(first), hexKeys(second))
        assert.deepEqual(
          hexKeys(first).map(({ length }) => length),
          [64, 64]
        )
        assert.notStrictEqual(...(hexKeys(first) as [string, string]))
      })
    )

    it.effect("two stores have different keys", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* loadFrom(yield* fresh), yield* loadFrom(yield* fresh)]
        assert.strictEqual(new Set([...hexKeys(one), ...hexKeys(other)]).size, 4)
      })
    )

    it.effect("no way of printing shows a key", () =>
      Effect.gen(function* () {
        const keys = yield* loadFrom(yield* fresh)
        const printed = `${String(keys.seed)} ${JSON.stringify(keys)} ${inspect(keys, { depth: 9, showHidden: true })}`
        for (const secret of [keys.seed, keys.noise].map(Redacted.value)) {
          assert.notInclude(printed, hexOf(secret))
          assert.notInclude(printed, Array.from(secret.subarray(0, 4)).join(", "))
        }
        assert.include(printed, "redacted")
      })
    )
  })
