/** What every OutboxStore keeps, whatever it keeps it in. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, type Layer, Schema } from "effect"
import { OutboxStore, type QueuedWrite, SET_ASIDE, type WaitingWrite, WRITE_BYTES } from "#services/storage/OutboxStore"
import { id } from "./recordStore.ts"

/** A mutable record under key `n`. */
export const write = (n: number, fields: Partial<QueuedWrite> = {}): QueuedWrite => ({
  kind: 1,
  key: id(n),
  member: new Uint8Array(0),
  seq: 1,
  bytes: Uint8Array.of(n, fields.seq ?? 1),
  expires: 1_000,
  factor: 0,
  keep: false,
  queued: 10,
  ...fields
})

const LIMIT = 4 * (WRITE_BYTES + 2) + 1

const Command = Schema.Struct({
  _tag: Schema.Literals(["add", "add", "add", "remove", "refuse"] as const),
  key: Schema.Literals([1, 2, 3, 4, 5, 6]),
  member: Schema.Literals([0, 1]),
  seq: Schema.Literals([1, 2, 3]),
  expires: Schema.Literals([1_000, 2_000])
})

const shown = ({ expires, key, member, seq }: QueuedWrite) => [key[31], member.length, seq, expires]
type Place = Pick<WaitingWrite, "place" | "expires">

export const outboxStoreLaws = <E>(name: string, layerOf: (bytes: number) => Layer.Layer<OutboxStore, E>) => {
  const withStore = <A, E2>(body: (store: OutboxStore["Service"]) => Effect.Effect<A, E2>, bytes = 1_000_000) =>
    Effect.flatMap(OutboxStore, body).pipe(Effect.provide(layerOf(bytes), { local: true }))
  const all = (store: OutboxStore["Service"]) => store.next(0, 1_000)

  describe(`${name} keeps the laws of OutboxStore`, () => {
    it.effect("gives back what was added, field for field, in the order in which it came", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const most = 2 ** 53 - 1
          const one = write(9, { kind: 10, member: id(3), seq: most, expires: most, factor: 20, keep: true, queued: 7 })
          yield* store.add(one)
          yield* store.add(write(1))
          const [first, second, ...others] = yield* all(store)
          assert.deepStrictEqual({ ...first }, { ...one, place: first!.place })
          assert.deepStrictEqual({ ...second }, { ...write(1), place: second!.place })
          assert.isAbove(second!.place, first!.place)
          assert.deepStrictEqual(others, [])
          assert.deepStrictEqual((yield* store.next(first!.place, 5)).map(shown), [shown(write(1))])
          assert.deepStrictEqual((yield* store.next(0, 1)).map(shown), [shown(one)])
          assert.deepStrictEqual((yield* store.find(10, id(9))).map(shown), [shown(one)])
          assert.deepStrictEqual(yield* store.find(1, id(9)), [])
          const status = { waiting: 2, bytes: 2 * WRITE_BYTES + one.bytes.length + 2, oldest: 7, refused: 0 }
          assert.deepStrictEqual(yield* store.status, status)
        })
      )
    )

    it.effect("lets the later version of a name wait at the end, and keeps what is added again in its place", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.add(write(1))
          yield* store.add(write(2))
          yield* store.add(write(1, { expires: 5_000, keep: true, factor: 3 }))
          assert.deepStrictEqual((yield* all(store)).map(shown), [
            [1, 0, 1, 5_000],
            [2, 0, 1, 1_000]
          ])
          assert.deepInclude((yield* all(store))[0], { keep: true, factor: 3 })
          yield* store.add(write(1, { seq: 5 }))
          yield* store.add(write(1, { seq: 4 }))
          assert.deepStrictEqual((yield* all(store)).map(shown), [
            [2, 0, 1, 1_000],
            [1, 0, 5, 1_000]
          ])
        })
      )
    )

    it.effect("does not remove what has given way or lives longer since it was read", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.add(write(1))
          yield* store.add(write(2))
          const [one, two] = (yield* all(store)) as [WaitingWrite, WaitingWrite]
          yield* store.add(write(1, { seq: 2 }))
          yield* store.add(write(2, { expires: 3_000 }))
          yield* store.remove(one)
          yield* store.remove(two)
          yield* store.setAside(one, "too late")
          assert.deepStrictEqual((yield* all(store)).map(shown), [
            [2, 0, 1, 3_000],
            [1, 0, 2, 1_000]
          ])
          assert.deepStrictEqual(yield* store.refused, [])
        })
      )
    )

    it.effect("remembers why the latest refused ones were, and lets their name wait again", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          for (let n = 1; n <= SET_ASIDE + 2; n++) {
            yield* store.add(write(n, { queued: n }))
            yield* store.setAside((yield* all(store))[0]!, `reason ${n}`)
          }
          const refused = yield* store.refused
          assert.strictEqual(refused.length, SET_ASIDE)
          const last = SET_ASIDE + 2
          assert.deepStrictEqual({ ...refused[0] }, { kind: 1, key: id(last), reason: `reason ${last}`, queued: last })
          assert.strictEqual(refused.at(-1)?.reason, "reason 3")
          yield* store.add(write(last))
          const status = { waiting: 1, bytes: WRITE_BYTES + 2, oldest: 10, refused: SET_ASIDE }
          assert.deepStrictEqual(yield* store.status, status)
        })
      )
    )

    it.effect("refuses what would not fit and is then as before, but lets a version take another's place", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          for (const n of [1, 2, 3, 4]) yield* store.add(write(n))
          const full = yield* Effect.flip(store.add(write(5)))
          assert.deepInclude(full, { _tag: "StoreFull", usedBytes: LIMIT - 1, quotaBytes: LIMIT })
          yield* store.add(write(2, { seq: 9 }))
          const larger = write(3, { seq: 9, bytes: new Uint8Array(100) })
          assert.strictEqual((yield* Effect.flip(store.add(larger)))._tag, "StoreFull")
          assert.deepStrictEqual((yield* all(store)).map(shown), [
            [1, 0, 1, 1_000],
            [3, 0, 1, 1_000],
            [4, 0, 1, 1_000],
            [2, 0, 9, 1_000]
          ])
          yield* store.remove((yield* all(store))[0]!)
          yield* store.add(write(5))
        }),
        LIMIT
      )
    )

    it.effect.prop(
      "holds what a list does in which names are replaced",
      [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 25 })],
      ([commands]) =>
        withStore(
          Effect.fnUntraced(function* (store) {
            let model: ReadonlyArray<QueuedWrite> = []
            for (const { _tag, expires, key, member, seq } of commands) {
              const it = write(key, { member: new Uint8Array(member), seq, expires })
              const at = model.findIndex((held) => held.key[31] === key && held.member.length === member)
              const held = model[at]
              if (_tag === "add") {
                const others = model.filter((one) => one !== held)
                if (held?.seq === seq) model = model.with(at, { ...held, expires: Math.max(held.expires, expires) })
                else if (held === undefined || held.seq < seq) model = others.length < 4 ? [...others, it] : model
                const added = yield* Effect.result(store.add(it))
                assert.strictEqual(added._tag === "Failure", held === undefined && !model.includes(it))
              } else {
                const found = yield* store.find(1, id(key))
                const waiting: (WaitingWrite & Place) | undefined = found.find((one) => one.member.length === member)
                assert.strictEqual(waiting === undefined, held === undefined)
                if (waiting === undefined) continue
                yield* _tag === "remove" ? store.remove(waiting) : store.setAside(waiting, "no")
                model = model.filter((one) => one !== held)
              }
              assert.deepStrictEqual((yield* all(store)).map(shown), model.map(shown))
              const { bytes, waiting } = yield* store.status
              assert.deepStrictEqual([waiting, bytes], [model.length, model.length * (WRITE_BYTES + 2)])
            }
          }),
          LIMIT
        ).pipe(Effect.orDie),
      { arbitrary: { runs: 40 } }
    )
  })
}
