/** Encode, decode, compare: the law of every `…FromBytes` and `…FromText`. */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"

export const roundTrip =
  <T, E>(codec: Schema.Codec<T, E>) =>
  (value: T): Effect.Effect<void, Schema.SchemaError> =>
    Schema.encodeEffect(codec)(value).pipe(
      Effect.flatMap(Schema.decodeEffect(codec)),
      Effect.map((again) => assert.deepStrictEqual(again, value))
    )
