/** What every DeliveredStore keeps. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, type Layer, Schema } from "effect"
import { type DeliveredId, DeliveredStore } from "#services/storage/DeliveredStore"

/** The id that ends in `n`. */
export const delivered = (n: number, until = 100): DeliveredId => {
  const id = new Uint8Array(16)
  new DataView(id.buffer).setUint32(12, n)
  return { id, until }
}

const lastByte = (ids: ReadonlyArray<DeliveredId>) => ids.map(({ id }) => id[15])

const Command = Schema.Struct({
  ids: Schema.Array(Schema.Struct({ n: Schema.Literals([1, 2, 3, 4, 5]), until: Schema.Literals([5, 10, 15, 20]) })),
  before: Schema.Literals([0, 4, 5, 10, 15])
})

export const deliveredStoreLaws = <E>(name: string, layer: Layer.Layer<DeliveredStore, E>) => {
  const withStore = <A, E2>(body: (store: DeliveredStore["Service"]) => Effect.Effect<A, E2>) =>
    Effect.flatMap(DeliveredStore, body).pipe(Effect.provide(layer, { local: true }))

  describe(`${name} keeps the laws of DeliveredStore`, () => {
    it.effect("gives back what was added, in the order in which it is forgotten", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          assert.deepStrictEqual(yield* store.load(0, 10), [])
          const most = 2 ** 53 - 1
          yield* store.add([delivered(1, most), delivered(3, 40)], 0)
          yield* store.add([delivered(2, 50)], 0)
          assert.deepStrictEqual(yield* store.load(0, 10), [delivered(3, 40), delivered(2, 50), delivered(1, most)])
          assert.deepStrictEqual(lastByte(yield* store.load(40, 10)), [2, 1])
          assert.deepStrictEqual(lastByte(yield* store.load(0, 2)), [2, 1])
        })
      )
    )

    it.effect("forgets what ends when or before it is told to, and nothing that was just added", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.add([delivered(1, 10), delivered(2, 11)], 0)
          yield* store.add([delivered(3, 5)], 10)
          assert.deepStrictEqual(lastByte(yield* store.load(0, 10)), [3, 2])
        })
      )
    )

    it.effect("takes hundreds at once, and keeps them although the caller's buffers change", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const many = Array.from({ length: 300 }, (_, n) => delivered(n))
          yield* store.add(many, 0)
          for (const { id } of many) id.fill(7)
          const all = yield* store.load(0, 1_000)
          assert.deepStrictEqual(
            all,
            Array.from({ length: 300 }, (_, n) => delivered(n))
          )
        })
      )
    )

    it.effect.prop(
      "agrees with a naive map under any row of commands",
      [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 8 })],
      ([commands]) =>
        withStore(
          Effect.fnUntraced(function* (store) {
            const model = new Map<number, number>()
            for (const { before, ids } of commands) {
              for (const [n, until] of model) if (until <= before) model.delete(n)
              // The last of two with one id counts, as in a statement of its own.
              const last = new Map(ids.map(({ n, until }) => [n, until]))
              for (const [n, until] of last) model.set(n, until)
              yield* store.add(
                [...last].map(([n, until]) => delivered(n, until)),
                before
              )
            }
            const wanted = [...model].sort(([a, x], [b, y]) => x - y || a - b).map(([n, until]) => delivered(n, until))
            assert.deepStrictEqual(yield* store.load(0, 100), wanted)
            assert.deepStrictEqual(yield* store.load(0, 2), wanted.slice(-2))
          })
        ),
      { arbitrary: { runs: 15 } }
    )
  })
}
