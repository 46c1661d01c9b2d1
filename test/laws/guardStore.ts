/** What every GuardStore keeps. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { GuardStore, type StoredGuard } from "#services/storage/GuardStore"
import { id } from "./recordStore.ts"

/** The guard whose id ends in `n`. */
export const guard = (n: number, fields: Partial<StoredGuard> = {}): StoredGuard => ({
  nodeId: id(n),
  record: Uint8Array.of(n, n),
  chosen: 10,
  until: 100,
  lost: 0,
  ...fields
})

export const guardStoreLaws = <E>(name: string, layer: Layer.Layer<GuardStore, E>) => {
  const withStore = <A, E2>(body: (store: GuardStore["Service"]) => Effect.Effect<A, E2>) =>
    Effect.flatMap(GuardStore, body).pipe(Effect.provide(layer, { local: true }))

  describe(`${name} keeps the laws of GuardStore`, () => {
    it.effect("gives back what was saved last, field for field and in its order", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          assert.deepStrictEqual(yield* store.load, [])
          yield* store.save([guard(9), guard(8)])
          const most = 2 ** 53 - 1
          const saved = [guard(3, { chosen: most, until: most, lost: most }), guard(1), guard(2, { lost: 7 })]
          yield* store.save(saved)
          assert.deepStrictEqual(yield* store.load, saved)
          yield* store.save([])
          assert.deepStrictEqual(yield* store.load, [])
        })
      )
    )

    it.effect("keeps what it was given although the caller's buffers change", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const given = guard(1)
          yield* store.save([given])
          given.nodeId.fill(7)
          given.record.fill(7)
          assert.deepStrictEqual(yield* store.load, [guard(1)])
        })
      )
    )

    it.effect("keeps at most 32, the first ones", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.save(Array.from({ length: 40 }, (_, n) => guard(n)))
          assert.deepStrictEqual(
            (yield* store.load).map(({ nodeId }) => nodeId[31]),
            Array.from({ length: 32 }, (_, n) => n)
          )
        })
      )
    )
  })
}
