/**
 * Replicas agree, whatever reached them first; and no store ever lets an older version take the place of a newer one,
 * with deletions, lives that end, and a disk that is cleaned up in between.
 */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { hexOf } from "#schemas/bytes/bytes"
import { LIFETIME, RecordKind } from "#schemas/dht/Record"
import type { StoredRecord } from "#services/storage/RecordStore"
import { announcement, announcementKey, mutable, mutableKey, name, nameKey } from "./fixtures.ts"
import { withParts } from "./storing.ts"

const runs = { arbitrary: { runs: 30 } }
const nothing = new Uint8Array(0)

const Said = Schema.Union([
  Schema.TaggedStruct("Mutable", { seq: Schema.Literals([1, 2, 3]), byte: Schema.Literals([0, 1, 2]) }),
  Schema.TaggedStruct("Name", {
    author: Schema.Literals(["a", "b", "c"]),
    seq: Schema.Literals([1, 2, 3]),
    byte: Schema.Literals([0, 1, 2])
  }),
  Schema.TaggedStruct("Announcement", {
    node: Schema.Literals(["a", "b", "c", "d"]),
    issued: Schema.Literals([1, 2, 3])
  })
])
type Said = typeof Said.Type

/** A byte of zero deletes. */
const value = (byte: number) => (byte === 0 ? { value: nothing, expires: LIFETIME } : { value: Uint8Array.of(byte) })
const recordOf = (said: Said): readonly [kind: number, bytes: Uint8Array] => {
  switch (said._tag) {
    case "Mutable":
      return [RecordKind.Mutable, mutable("a", { seq: said.seq, ...value(said.byte) })]
    case "Name":
      return [RecordKind.Name, name(said.author, "n", { seq: said.seq, ...value(said.byte) })]
    case "Announcement":
      return [RecordKind.Announcement, announcement(said.node, "relay", { issued: said.issued })]
  }
}

describe("replicas", () => {
  it.effect.prop(
    "that were told the same in any order hold the same",
    [Arbitrary.array(Arbitrary.schema(Said), { minLength: 1, maxLength: 12 })],
    Effect.fnUntraced(function* ([said]) {
      const told = (order: ReadonlyArray<Said>) =>
        withParts(
          Effect.fnUntraced(function* ({ records, refusal }) {
            for (const it of order) yield* refusal(...recordOf(it))
            const rows = yield* records.scan(undefined, 1_000)
            return rows.map(({ bytes, kind, seq }) => `${kind} ${seq} ${hexOf(bytes)}`)
          })
        )
      const first = yield* told(said)
      assert.deepStrictEqual(yield* told(said.toReversed()), first)
      assert.deepStrictEqual(
        yield* told(said.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))),
        first
      )
    }),
    runs
  )
})

const DAY = 86_400
// The author's versions are numbered 0 to 7; each lives for some days, or deletes.
const Step = Schema.Struct({
  days: Schema.Literals([0, 0.5, 1, 6]),
  cleansUp: Schema.Boolean,
  version: Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7])
})

describe("a replica", () => {
  /** What an honest author wrote over two weeks: later versions are issued later, each for a life of its own. */
  const versionsSince = (begun: number) =>
    [2, 30, 0, 5, 30, 0, 1, 30].map((days, at) => {
      const issued = begun + at * 2 * DAY
      const life = days === 0 ? { value: nothing, expires: issued + LIFETIME } : { expires: issued + days * DAY }
      return { seq: at + 1, deletes: days === 0, ...life, bytes: mutable("a", { seq: at + 1, issued, ...life }) }
    })

  it.effect.prop(
    "never holds an older version in the place of one that lives, and shows nothing that was deleted before",
    [Arbitrary.array(Arbitrary.schema(Step), { minLength: 5, maxLength: 30 })],
    ([steps]) =>
      withParts(
        Effect.fnUntraced(function* ({ records, refusal }) {
          let before: StoredRecord | undefined
          let deleted = 0
          // All runs of a property share one clock.
          const versions = versionsSince(Math.floor((yield* Clock.currentTimeMillis) / 1000))
          yield* TestClock.adjust(14 * DAY * 1000)
          for (const { cleansUp, days, version } of steps) {
            yield* TestClock.adjust(days * DAY * 1000)
            const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
            if (cleansUp) yield* records.expire(now)
            const { bytes, deletes, seq } = versions[version]!
            const word = yield* refusal(RecordKind.Mutable, bytes)
            if (word === undefined && deletes) deleted = Math.max(deleted, seq)
            const [held] = yield* records.get(RecordKind.Mutable, mutableKey("a"))
            if (held !== undefined) assert.isAtLeast(held.seq, deleted)
            if (before !== undefined && before.expires > now) assert.isAtLeast(held?.seq ?? 0, before.seq)
            before = held
          }
        })
      ),
    { arbitrary: { runs: 60 } }
  )

  it.effect("lets the second of two names' authors be deleted without the first", () =>
    withParts(
      Effect.fnUntraced(function* ({ records, refusal }) {
        for (const author of ["a", "b"]) yield* refusal(RecordKind.Name, name(author, "n", { seq: 1 }))
        yield* refusal(RecordKind.Name, name("b", "n", { seq: 2, value: nothing, expires: LIFETIME }))
        assert.strictEqual(yield* refusal(RecordKind.Name, name("b", "n", { seq: 1 })), "Older")
        assert.strictEqual((yield* records.get(RecordKind.Name, nameKey("n"))).length, 2)
        assert.deepStrictEqual(yield* records.get(RecordKind.Announcement, announcementKey("relay")), [])
      })
    )
  )
})
