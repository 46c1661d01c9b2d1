/** What every RecordStore keeps, whatever it keeps it in. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, type Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type KeyRange, RecordStore, type RecordSummary, type StoredRecord } from "#services/storage/RecordStore"

/** 32 bytes that end in `n`, so that their order is that of the numbers. */
export const id = (n: number): Uint8Array => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(28, n)
  return bytes
}

export const stored = (fields: Partial<StoredRecord> = {}): StoredRecord => ({
  kind: 0,
  key: id(1),
  member: new Uint8Array(0),
  seq: 0,
  expires: 1_000,
  storedBy: id(900),
  bytes: Uint8Array.of(1, 2, 3),
  ...fields
})

const summary = ({ bytes, ...record }: StoredRecord): RecordSummary => ({
  ...record,
  size: bytes.length,
  digest: record.kind === 0 ? record.key : new Uint8Array(createHash("sha256").update(bytes).digest())
})

const Command = Schema.Union([
  Schema.Struct({
    _tag: Schema.Literal("put"),
    key: Schema.Literals([1, 2, 3]),
    kind: Schema.Literals([0, 2]),
    member: Schema.Literals([0, 1, 2]),
    by: Schema.Literals([1, 2]),
    size: Schema.Literals([1, 20, 90]),
    life: Schema.Literals([5, 10])
  }),
  Schema.Struct({ _tag: Schema.Literal("remove"), key: Schema.Literals([1, 2, 3]), kind: Schema.Literals([0, 2]) }),
  Schema.Struct({ _tag: Schema.Literal("expire"), now: Schema.Literals([5, 10]) })
])

export const recordStoreLaws = <E>(
  name: string,
  layer: (options: { readonly quotaBytes: number }) => Layer.Layer<RecordStore, E>
) => {
  const withStore = <A, E2>(body: (store: RecordStore["Service"]) => Effect.Effect<A, E2>, quotaBytes = 1_000_000) =>
    Effect.flatMap(RecordStore, body).pipe(Effect.provide(layer({ quotaBytes })))

  describe(`${name} keeps the laws of RecordStore`, () => {
    it.effect("gives back what was put, byte for byte, and nothing for another kind or key", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const record = stored({
            kind: 1,
            seq: 2 ** 53 - 1,
            bytes: Uint8Array.from({ length: 300 }, (_, i) => i & 255)
          })
          yield* store.put([record])
          assert.deepStrictEqual(yield* store.get(1, id(1)), [record])
          assert.deepStrictEqual(yield* store.get(0, id(1)), [])
          assert.deepStrictEqual(yield* store.get(1, id(2)), [])
        })
      )
    )

    it.effect("keeps the bytes although the caller's buffer changes afterwards", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const buffer = Uint8Array.from({ length: 64 }, (_, i) => i)
          yield* store.put([stored({ key: buffer.subarray(0, 32), bytes: buffer.subarray(40, 43) })])
          buffer.fill(0)
          const [held] = yield* store.get(
            0,
            Uint8Array.from({ length: 32 }, (_, i) => i)
          )
          assert.deepStrictEqual(held?.bytes, Uint8Array.of(40, 41, 42))
        })
      )
    )

    it.effect("replaces a record of the same kind, key and member, also within one put", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([stored({ seq: 1 }), stored({ seq: 2, bytes: Uint8Array.of(9) })])
          yield* store.put([stored({ seq: 3, bytes: Uint8Array.of(7, 7) })])
          assert.deepStrictEqual(
            (yield* store.get(0, id(1))).map((it) => it.seq),
            [3]
          )
          assert.deepStrictEqual(yield* store.usage(), { records: 1, bytes: 2 })
        })
      )
    )

    it.effect("pages a set by ascending member", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([3, 1, 2, 5, 4].map((n) => stored({ kind: 2, member: id(n) })))
          const members = (page?: { after?: Uint8Array; limit?: number }) =>
            Effect.map(store.get(2, id(1), page), (rows) => rows.map((row) => row.member[31]))
          assert.deepStrictEqual(yield* members(), [1, 2, 3, 4, 5])
          assert.deepStrictEqual(yield* members({ limit: 2 }), [1, 2])
          assert.deepStrictEqual(yield* members({ limit: 2, after: id(2) }), [3, 4])
          assert.deepStrictEqual(yield* members({ after: id(5) }), [])
        })
      )
    )

    it.effect("shows at most 64 of a set unless told", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put(Array.from({ length: 70 }, (_, n) => stored({ kind: 2, member: id(n) })))
          assert.strictEqual((yield* store.get(2, id(1))).length, 64)
        })
      )
    )

    it.effect("hides a record from the second it expires, and frees its room with expire", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([stored({ expires: 10 }), stored({ key: id(2), expires: 11 })])
          yield* TestClock.adjust("9999 millis")
          assert.strictEqual((yield* store.get(0, id(1))).length, 1)
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* store.get(0, id(1))).length, 0)
          assert.strictEqual((yield* store.usage()).records, 2)
          assert.strictEqual(yield* store.expire(10), 1)
          assert.strictEqual((yield* store.usage()).records, 1)
          assert.strictEqual((yield* store.get(0, id(2))).length, 1)
        })
      )
    )

    it.effect("removes one member or the entire set", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([1, 2, 3].map((n) => stored({ kind: 2, member: id(n) })))
          yield* store.remove(2, id(1), id(2))
          assert.strictEqual((yield* store.get(2, id(1))).length, 2)
          yield* store.remove(2, id(1))
          assert.strictEqual((yield* store.get(2, id(1))).length, 0)
          assert.deepStrictEqual(yield* store.usage(id(900)), { records: 0, bytes: 0 })
        })
      )
    )

    it.effect("charges a record to the node that stored it last", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([stored({ storedBy: id(1) }), stored({ key: id(2), storedBy: id(2) })])
          yield* store.put([stored({ storedBy: id(2), bytes: Uint8Array.of(1) })])
          assert.deepStrictEqual(yield* store.usage(id(1)), { records: 0, bytes: 0 })
          assert.deepStrictEqual(yield* store.usage(id(2)), { records: 2, bytes: 4 })
          assert.deepStrictEqual(yield* store.usage(), { records: 2, bytes: 4 })
        })
      )
    )

    it.effect("refuses what exceeds the quota, all of a put or nothing, and says how full it is", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([stored({ bytes: new Uint8Array(60) })])
          const two = [
            stored({ key: id(2), bytes: new Uint8Array(30) }),
            stored({ key: id(3), bytes: new Uint8Array(30) })
          ]
          const refused = yield* Effect.flip(store.put(two))
          assert.deepInclude(refused, { _tag: "StoreFull", usedBytes: 60, quotaBytes: 100 })
          assert.strictEqual((yield* store.get(0, id(2))).length, 0)
          yield* store.put(two.slice(1))
          yield* store.put([stored({ bytes: new Uint8Array(70) })])
          assert.deepStrictEqual(yield* store.usage(), { records: 2, bytes: 100 })
        }),
        100
      )
    )

    it.effect("makes room by dropping what has expired before it refuses", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          yield* store.put([stored({ expires: 10, bytes: new Uint8Array(90) })])
          yield* TestClock.adjust("10 seconds")
          yield* store.put([stored({ key: id(2), bytes: new Uint8Array(50) })])
          assert.deepStrictEqual(yield* store.usage(), { records: 1, bytes: 50 })
        }),
        100
      )
    )

    it.effect("takes concurrent puts, each whole, and refuses only those that do not fit", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const one = (n: number) => Effect.exit(store.put([stored({ key: id(n), bytes: new Uint8Array(10) })]))
          const exits = yield* Effect.forEach(
            Array.from({ length: 30 }, (_, n) => n),
            one,
            { concurrency: 30 }
          )
          assert.strictEqual(exits.filter((exit) => exit._tag === "Success").length, 25)
          assert.deepStrictEqual(yield* store.usage(), { records: 25, bytes: 250 })
        }),
        250
      )
    )

    it.effect("scans everything in ascending order, each page ending with all of its last key", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const rows = [1, 2, 3].flatMap((key) =>
            [0, 2].flatMap((kind) => [1, 2].map((member) => stored({ key: id(key), kind, member: id(member) })))
          )
          yield* store.put(rows.toReversed())
          const seen: Array<StoredRecord> = []
          let after: Uint8Array | undefined
          for (;;) {
            const page = yield* store.scan(after, 5)
            if (page.length === 0) break
            seen.push(...page)
            after = page.at(-1)?.key
          }
          assert.deepStrictEqual(seen, rows)
        })
      )
    )

    it.effect("lists a range in ascending order, in pages, without content, expired or not", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const rows = [1, 2, 3, 4].flatMap((key) =>
            [0, 2].flatMap((kind) =>
              [1, 2].map((member) =>
                stored({ key: id(key), kind, member: id(member), bytes: Uint8Array.of(key, kind, member) })
              )
            )
          )
          yield* store.put(rows.toReversed())
          yield* TestClock.adjust("2000 seconds")
          const all = (range: KeyRange, limit: number) =>
            Effect.gen(function* () {
              const seen: Array<RecordSummary> = []
              for (;;) {
                const page = yield* store.list(range, limit, seen.at(-1))
                assert.isAtMost(page.length, limit)
                if (page.length === 0) return seen
                seen.push(...page)
              }
            })
          const wanted = rows.map(summary)
          assert.deepStrictEqual(yield* all({}, 3), wanted)
          assert.deepStrictEqual(yield* all({ from: id(2), to: id(3) }, 3), wanted.slice(4, 12))
          assert.deepStrictEqual(yield* all({ from: id(4) }, 100), wanted.slice(12))
          assert.deepStrictEqual(yield* all({ to: id(0) }, 100), [])
          assert.deepStrictEqual(yield* store.list({ from: id(2) }, 1, wanted[0]), wanted.slice(4, 5))
        })
      )
    )

    it.effect("lists more than one statement reads", () =>
      withStore(
        Effect.fnUntraced(function* (store) {
          const rows = Array.from({ length: 200 }, (_, n) => stored({ kind: 1, key: id(n), bytes: Uint8Array.of(n) }))
          yield* store.put(rows)
          assert.deepStrictEqual(yield* store.list({}, 150), rows.slice(0, 150).map(summary))
          assert.deepStrictEqual(yield* store.list({ from: id(100) }, 1_000), rows.slice(100).map(summary))
        })
      )
    )

    it.effect.prop(
      "agrees with a naive map under any row of commands",
      [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 25 })],
      ([commands]) =>
        withStore(
          Effect.fnUntraced(function* (store) {
            const model = new Map<string, StoredRecord>()
            const bytesOf = () => [...model.values()].reduce((sum, it) => sum + it.bytes.length, 0)
            for (const command of commands) {
              if (command._tag === "put") {
                const { key, kind, member, by, size, life } = command
                const name = `${key}/${kind}/${member}`
                const record = stored({
                  key: id(key),
                  kind,
                  member: id(member),
                  storedBy: id(by),
                  expires: life,
                  bytes: new Uint8Array(size)
                })
                const fits = bytesOf() - (model.get(name)?.bytes.length ?? 0) + size <= 200
                if (fits) model.set(name, record)
                assert.strictEqual((yield* Effect.exit(store.put([record])))._tag, fits ? "Success" : "Failure")
              } else if (command._tag === "remove") {
                for (const name of model.keys())
                  if (name.startsWith(`${command.key}/${command.kind}/`)) model.delete(name)
                yield* store.remove(command.kind, id(command.key))
              } else {
                let gone = 0
                for (const [name, it] of model) if (it.expires <= command.now && model.delete(name)) gone++
                assert.strictEqual(yield* store.expire(command.now), gone)
              }
            }
            const wanted = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, it]) => it)
            assert.deepStrictEqual(yield* store.scan(undefined, 100), wanted)
            assert.deepStrictEqual(yield* store.list({}, 100), wanted.map(summary))
            for (const by of [1, 2]) {
              const own = wanted.filter((it) => it.storedBy[31] === by)
              const bytes = own.reduce((sum, it) => sum + it.bytes.length, 0)
              assert.deepStrictEqual(yield* store.usage(id(by)), { records: own.length, bytes })
            }
          }),
          200
        ),
      { arbitrary: { runs: 40 } }
    )
  })
}
