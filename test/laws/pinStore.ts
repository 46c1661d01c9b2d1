/** What every PinStore keeps, whatever it keeps it in. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, type Layer, Schema } from "effect"
import { type Pin, PinStore } from "#services/storage/PinStore"
import { id } from "./recordStore.ts"

/** The content whose digest ends in `n`. */
export const pin = (n: number, fields: Partial<Pin> = {}): Pin => ({
  kind: 0,
  key: id(n),
  tree: false,
  factor: 5,
  priority: 0,
  created: 10,
  refreshed: 0,
  due: 100,
  size: 0,
  copies: -1,
  proven: -1,
  ...fields
})

const Command = Schema.Union([
  Schema.Struct({
    _tag: Schema.Literal("put"),
    kind: Schema.Literals([0, 1]),
    key: Schema.Literals([1, 2, 3, 4]),
    priority: Schema.Literals([-1, 0, 7]),
    due: Schema.Literals([5, 10, 15])
  }),
  Schema.Struct({
    _tag: Schema.Literal("remove"),
    kind: Schema.Literals([0, 1]),
    key: Schema.Literals([1, 2, 3, 4])
  })
])

const named = ({ due, key, kind, priority }: Pin) => ({ kind, key: key[31], priority, due })

export const pinStoreLaws = <E>(name: string, layer: Layer.Layer<PinStore, E>) => {
  const withStore = <A, E2>(body: (store: PinStore["Service"]) => Effect.Effect<A, E2>) =>
    Effect.flatMap(PinStore, body).pipe(Effect.provide(layer, { local: true }))

  describe(`${name} keeps the laws of PinStore`, () => {
    it.effect("gives back what was put, field for field, and nothing for another kind or key", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const most = 2 ** 53 - 1
          const one = pin(1, { kind: 1, tree: true, priority: -3, refreshed: most, size: most, copies: 4, proven: 3 })
          yield* store.put([one, pin(2)])
          assert.deepStrictEqual(yield* store.find(1, id(1)), one)
          assert.isUndefined(yield* store.find(0, id(1)))
          assert.isUndefined(yield* store.find(1, id(2)))
          assert.strictEqual(yield* store.count, 2)
        })
      )
    )

    it.effect("replaces a pin of the same name, and keeps its key although the caller's buffer changes", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const key = id(1)
          yield* store.put([pin(1, { key }), pin(1, { key, due: 7 })])
          key.fill(9)
          assert.deepStrictEqual(yield* store.list(undefined, 10), [pin(1, { due: 7 })])
        })
      )
    )

    it.effect("forgets what is removed, and does not mind what it does not have", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([pin(1), pin(2)])
          yield* store.remove(0, id(1))
          yield* store.remove(0, id(1))
          assert.deepStrictEqual(yield* store.list(undefined, 10), [pin(2)])
        })
      )
    )

    it.effect("shows what is due, highest priority first, then longest due", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([
            pin(1, { due: 50 }),
            pin(2, { due: 40 }),
            pin(3, { due: 60, priority: 2 }),
            pin(4, { due: 101, priority: 9 }),
            pin(5, { due: 100, priority: -1 })
          ])
          const due = (limit: number) => Effect.map(store.due(100, limit), (pins) => pins.map((it) => it.key[31]))
          assert.deepStrictEqual(yield* due(10), [3, 2, 1, 5])
          assert.deepStrictEqual(yield* due(2), [3, 2])
          assert.deepStrictEqual(yield* store.due(39, 10), [])
        })
      )
    )

    it.effect("lists by kind and key, from above where one left off", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([pin(2, { kind: 1 }), pin(1, { kind: 1 }), pin(9), pin(3)])
          const seen: Array<Pin> = []
          for (;;) {
            const page = yield* store.list(seen.at(-1), 2)
            if (page.length === 0) break
            seen.push(...page)
          }
          assert.deepStrictEqual(seen, [pin(3), pin(9), pin(1, { kind: 1 }), pin(2, { kind: 1 })])
        })
      )
    )

    it.effect.prop(
      "agrees with a naive map under any row of commands",
      [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 20 })],
      ([commands]) =>
        withStore(
          Effect.fnUntraced(function* (store) {
            const model = new Map<string, Pin>()
            for (const command of commands) {
              const slot = `${command.kind}/${command.key}`
              if (command._tag === "remove") {
                model.delete(slot)
                yield* store.remove(command.kind, id(command.key))
              } else {
                const { due, kind, priority } = command
                const it = pin(command.key, { due, kind, priority })
                model.set(slot, it)
                yield* store.put([it])
              }
            }
            const wanted = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, it]) => named(it))
            assert.deepStrictEqual((yield* store.list(undefined, 100)).map(named), wanted)
            assert.strictEqual(yield* store.count, wanted.length)
            const due = wanted
              .filter((it) => it.due <= 10)
              .sort((a, b) => b.priority - a.priority || a.due - b.due)
              .slice(0, 3)
            assert.deepStrictEqual((yield* store.due(10, 3)).map(named), due)
          })
        ),
      { arbitrary: { runs: 40 } }
    )
  })
}
