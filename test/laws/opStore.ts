/** What every OpStore keeps, whatever it keeps it in. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, type Layer, Schema } from "effect"
import { OpStore, type StoredOp } from "#services/storage/OpStore"
import { id } from "./recordStore.ts"

const CHANNEL = id(7)

/** The operation of author 1 to 3 at its place. */
export const op = (author: number, seq: number, parents: ReadonlyArray<StoredOp> = []): StoredOp => ({
  author: id(author),
  seq,
  lamport: 1 + Math.max(0, ...parents.map(({ lamport }) => lamport)),
  id: id(1_000 * author + seq),
  parents: parents.map((parent) => parent.id),
  bytes: Uint8Array.of(author, seq)
})

const row = (author: number, length: number): ReadonlyArray<StoredOp> => {
  const all: Array<StoredOp> = []
  for (let seq = 1; seq <= length; seq++) all.push(op(author, seq, all.slice(-1)))
  return all
}

const plain = <A extends object>(value: A): A =>
  Object.fromEntries(
    Object.entries(value).map(([name, it]) => [name, it instanceof Uint8Array ? new Uint8Array(it) : it])
  ) as A

const Append = Schema.Struct({ author: Schema.Literals([1, 2, 3]), count: Schema.Literals([1, 2, 3]) })

export const opStoreLaws = <E>(name: string, layer: Layer.Layer<OpStore, E>) => {
  const withStore = <A, E2>(body: (store: OpStore["Service"]) => Effect.Effect<A, E2>) =>
    Effect.flatMap(OpStore, body).pipe(Effect.provide(layer, { local: true }))

  describe(`${name} keeps the laws of OpStore`, () => {
    it.effect("gives back what was appended, by author and seq, and by id, in its channel alone", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const [a, b] = [row(1, 5), row(2, 1)]
          yield* store.append(CHANNEL, [...a, ...b])
          const all = { from: 2, to: 4 }
          const found = yield* store.range(CHANNEL, id(1), all, 10)
          assert.deepStrictEqual(
            found.map((it) => [it.seq, it.lamport, ...it.bytes]),
            [2, 3, 4].map((seq) => [seq, seq, 1, seq])
          )
          assert.lengthOf(yield* store.range(CHANNEL, id(1), all, 2), 2)
          assert.deepStrictEqual(yield* store.range(id(8), id(1), all, 10), [])
          const byId = yield* store.find(CHANNEL, [a[2]!.id, id(99), b[0]!.id])
          assert.deepStrictEqual(byId.map(({ lamport }) => lamport).sort(), [1, 3])
          assert.deepStrictEqual(yield* store.find(id(8), [a[2]!.id]), [])
        })
      )
    )

    it.effect("finds any number of ids at once", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const a = row(1, 200)
          yield* store.append(CHANNEL, a)
          assert.lengthOf(
            yield* store.find(
              CHANNEL,
              a.map((it) => it.id)
            ),
            200
          )
          assert.deepStrictEqual(yield* store.find(CHANNEL, []), [])
        })
      )
    )

    it.effect("knows how far each author has come, and the heads", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const a = row(1, 3)
          const b = op(2, 1, [a[0]!])
          yield* store.append(CHANNEL, [...a, b])
          assert.deepStrictEqual((yield* store.extents(CHANNEL)).map(plain), [
            { author: id(1), first: 1, seq: 3, lamport: 3, last: a[2]!.id },
            { author: id(2), first: 1, seq: 1, lamport: 2, last: b.id }
          ])
          assert.deepStrictEqual((yield* store.heads(CHANNEL)).map(plain), [
            { id: a[2]!.id, lamport: 3 },
            { id: b.id, lamport: 2 }
          ])
          const merged = op(2, 2, [a[2]!, b])
          yield* store.append(CHANNEL, [merged])
          assert.deepStrictEqual((yield* store.heads(CHANNEL)).map(plain), [{ id: merged.id, lamport: 4 }])
        })
      )
    )

    it.effect("does not mind what it has already", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const a = row(1, 4)
          yield* store.append(CHANNEL, a)
          yield* store.append(CHANNEL, a.slice(0, 2))
          yield* store.append(CHANNEL, a)
          assert.deepStrictEqual((yield* store.heads(CHANNEL)).map(plain), [{ id: a[3]!.id, lamport: 4 }])
          assert.lengthOf(yield* store.range(CHANNEL, id(1), { from: 1, to: 9 }, 10), 4)
          assert.strictEqual((yield* store.extents(CHANNEL))[0]!.seq, 4)
        })
      )
    )

    it.effect("keeps a snapshot in the place of what it holds, also of what was never there", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          assert.isUndefined(yield* store.snapshot(CHANNEL))
          const a = row(1, 4)
          yield* store.append(CHANNEL, a)
          const snapshot = { record: Uint8Array.of(1), bytes: new Uint8Array(100_000).fill(3) }
          const frontier = [
            { author: id(1), seq: 3, lamport: 3 },
            { author: id(2), seq: 9, lamport: 8 }
          ]
          const heads = [
            { id: a[3]!.id, lamport: 4 },
            { id: id(2_009), lamport: 8 }
          ]
          yield* store.compact(CHANNEL, snapshot, frontier, heads)
          assert.deepStrictEqual(plain((yield* store.snapshot(CHANNEL))!), snapshot)
          assert.deepStrictEqual((yield* store.extents(CHANNEL)).map(plain), [
            { author: id(1), first: 4, seq: 4, lamport: 4, last: a[3]!.id },
            { author: id(2), first: 10, seq: 9, lamport: 8, last: new Uint8Array(0) }
          ])
          assert.deepStrictEqual((yield* store.heads(CHANNEL)).map(plain), heads)
          const left = yield* store.range(CHANNEL, id(1), { from: 1, to: 9 }, 10)
          assert.deepStrictEqual(
            left.map(({ seq }) => seq),
            [4]
          )
          const known = yield* store.find(CHANNEL, [a[1]!.id, id(2_009)])
          assert.deepStrictEqual(known.map(plain), [{ id: id(2_009), lamport: 8 }])
          yield* store.append(CHANNEL, [a[1]!, { ...op(2, 10), lamport: 9, parents: [id(2_009)] }])
          assert.deepStrictEqual(
            (yield* store.extents(CHANNEL)).map(({ first, seq }) => [first, seq]),
            [
              [4, 4],
              [10, 10]
            ]
          )
        })
      )
    )

    it.effect("keeps a genesis and proofs, the first for each place and so many of a channel", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          assert.isUndefined(yield* store.genesis(CHANNEL))
          yield* store.keepGenesis(CHANNEL, Uint8Array.of(1))
          yield* store.keepGenesis(CHANNEL, Uint8Array.of(1))
          assert.deepStrictEqual(new Uint8Array((yield* store.genesis(CHANNEL))!), Uint8Array.of(1))
          const proof = (seq: number, byte = 1) => ({
            author: id(1),
            seq,
            one: Uint8Array.of(byte),
            other: Uint8Array.of(9)
          })
          for (const it of [proof(2), proof(1), proof(2, 7), proof(3)]) yield* store.prove(CHANNEL, it, 2)
          assert.deepStrictEqual((yield* store.proofs(CHANNEL)).map(plain), [proof(1), proof(2)])
          yield* store.forget(CHANNEL)
          assert.deepStrictEqual(yield* store.proofs(CHANNEL), [])
          assert.isUndefined(yield* store.genesis(CHANNEL))
        })
      )
    )

    it.effect.prop(
      "agrees with a naive log under any row of appends",
      [Arbitrary.array(Arbitrary.schema(Append), { maxLength: 12 })],
      ([appends]) =>
        withStore(
          Effect.fnUntraced(function* (store) {
            const all: Array<StoredOp> = []
            for (const { author, count } of appends) {
              const batch: Array<StoredOp> = []
              for (let n = 0; n < count; n++) {
                const known = [...all, ...batch]
                batch.push(op(author, known.filter(({ author: by }) => by[31] === author).length + 1, known.slice(-2)))
              }
              all.push(...batch)
              yield* store.append(CHANNEL, batch)
            }
            const named = new Set(all.flatMap(({ parents }) => parents.map(String)))
            const heads = all.filter((it) => !named.has(String(it.id))).map((it) => String(it.id))
            assert.deepStrictEqual(
              (yield* store.heads(CHANNEL)).map((it) => String(new Uint8Array(it.id))).sort(),
              heads.sort()
            )
            for (const { author, seq } of yield* store.extents(CHANNEL)) {
              assert.strictEqual(seq, all.filter((it) => it.author[31] === author[31]).length)
            }
          })
        ),
      { arbitrary: { runs: 12 } }
    )
  })
}
