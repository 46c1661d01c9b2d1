import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryOpStore from "#layers/storage/MemoryOpStore"
import { PAGE_BYTES } from "#services/crdt/Limits"
import type { Admitted } from "#services/crdt/OpLog"
import { StorageFailed } from "#services/storage/RecordStore"
import { grant, suite } from "../dht/fixtures.ts"
import { genesisOf, signed, writer } from "./logs.ts"

const refusals = ({ refused }: Admitted) => refused.map(({ refusal }) => refusal)
const NOTHING = { taken: 0, known: 0, waiting: 0, refused: [] }

describe("StoredOpLog", () => {
  it.effect("takes what another signed, once, and hands it out durable and in order", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* writer("alice"), yield* writer("bob")]
      for (const word of ["c", "b", "a"]) yield* alice.type(word)
      const records = yield* alice.records
      const heard: Array<number> = []
      bob.log.onDelivered((all) => heard.push(...all.map(({ seq }) => seq)))
      assert.deepStrictEqual(yield* bob.log.admit(records), { ...NOTHING, taken: 3 })
      assert.strictEqual(bob.text(), "abc")
      assert.deepStrictEqual(heard, [1, 2, 3])
      assert.strictEqual((yield* bob.log.admit(records)).known, 3)
      assert.deepStrictEqual(bob.log.heads(), alice.log.heads())
    })
  )

  it.effect("keeps what comes early until the rest is there, whatever comes first", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* writer("alice"), yield* writer("bob")]
      for (const word of ["d", "c", "b", "a"]) yield* alice.type(word)
      const records = yield* alice.records
      for (const at of [3, 1, 2]) {
        assert.deepStrictEqual(yield* bob.log.admit([records[at]!]), { ...NOTHING, waiting: 1 })
      }
      assert.strictEqual(bob.log.waiting(), 3)
      assert.strictEqual((yield* bob.log.admit([records[0]!])).taken, 4)
      assert.strictEqual(bob.text(), "abcd")
    })
  )

  it.effect("gives up what waited too long for a parent that never came", () =>
    Effect.gen(function* () {
      const bob = yield* writer("bob")
      const orphan = signed("eve", { lamport: 2, parents: [suite.sha256(Uint8Array.of(1))] })
      assert.strictEqual((yield* bob.log.admit([orphan])).waiting, 1)
      yield* TestClock.adjust("11 minutes")
      assert.deepStrictEqual(refusals(yield* bob.log.admit([])), ["waited too long"])
      assert.strictEqual(bob.log.waiting(), 0)
    })
  )

  it.effect("refuses by its word what is malformed, forged, out of place or of another channel, and goes on", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* writer("alice"), yield* writer("bob")]
      yield* alice.type("a")
      const [good] = yield* alice.records
      const forged = signed("eve")
      forged[forged.length - 1]! ^= 1
      const head = alice.log.heads()[0]!.id
      const bad: ReadonlyArray<readonly [Uint8Array, string]> = [
        [Uint8Array.of(1, 2, 3), "malformed"],
        [signed("eve", { ciphertext: Uint8Array.of(255, 255) }), "malformed"],
        [signed("eve", { lamport: 2 }), "malformed"],
        [signed("eve", { lamport: 3, seq: 3, parents: [head, head] }), "malformed"],
        [signed("eve", { channel: suite.sha256(Uint8Array.of(1)) }), "another channel"],
        [signed("eve", { genesis: genesisOf("eve") }), "not granted"],
        [signed("eve", { epoch: suite.sha256(Uint8Array.of(1)) }), "not granted"],
        [forged, "forged"],
        [signed("eve", { lamport: 3, parents: [head] }), "wrong place"]
      ]
      const admitted = yield* bob.log.admit([good!, ...bad.map(([record]) => record)])
      assert.deepStrictEqual(
        refusals(admitted),
        bad.map(([, word]) => word)
      )
      assert.strictEqual(admitted.taken, 1)
      assert.strictEqual(bob.text(), "a")
    })
  )

  it.effect("lets the author of what cannot be carried out stand still, and nobody else", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* writer("alice"), yield* writer("bob")]
      // Removes two elements of a root that has none.
      const bad = signed("eve", { ciphertext: Uint8Array.of(2, 0, 2, 1, 116, 2, 2) })
      yield* alice.type("a")
      const admitted = yield* bob.log.admit([bad, ...(yield* alice.records)])
      assert.deepStrictEqual(refusals(admitted), ["cannot be carried out"])
      assert.strictEqual(bob.text(), "a")
      const parents = [suite.sha256(bad)]
      const next = yield* bob.log.admit([bad, signed("eve", { seq: 2, lamport: 2, parents })])
      assert.deepStrictEqual(refusals(next), ["author stands still", "author stands still"])
    })
  )

  it.effect("keeps both records of an author who says two things in one place, as a proof for anybody", () =>
    Effect.gen(function* () {
      const bob = yield* writer("bob")
      const [one, other] = [signed("eve"), signed("eve", { ciphertext: Uint8Array.of(0x40, 0, 2, 1, 116, 0, 120) })]
      yield* bob.log.admit([one])
      const parents = [suite.sha256(one)]
      yield* bob.log.admit([signed("eve", { seq: 2, lamport: 2, parents })])
      assert.deepStrictEqual(refusals(yield* bob.log.admit([other])), ["equivocation"])
      const [proof] = yield* bob.log.proofs
      assert.deepStrictEqual([proof?.seq, proof?.one, proof?.other], [1, one, other])
    })
  )

  it.effect("takes in a granted channel only operations of those who were let in, long after their grants too", () =>
    Effect.gen(function* () {
      const of = genesisOf("alice", "granted")
      const scope = (yield* writer("nobody", { of })).log.channel
      const grants = [grant("alice", "bob", { scope, role: 2, expires: 1_000 })]
      const [alice, bob] = [yield* writer("alice", { of }), yield* writer("bob", { of, grants })]
      const reader = yield* writer("carol", {
        of,
        grants: [grant("alice", "carol", { scope, role: 1, expires: 1_000 })]
      })
      const eve = yield* writer("eve", { of })
      for (const it of [bob, reader, eve]) yield* it.type("x")
      yield* TestClock.adjust("30 days")
      assert.strictEqual((yield* alice.log.admit(yield* bob.records)).taken, 1)
      for (const it of [reader, eve]) {
        assert.deepStrictEqual(refusals(yield* alice.log.admit(yield* it.records)), ["not granted"])
      }
    })
  )

  it.effect("finds all of it again when it is opened anew", () =>
    Effect.gen(function* () {
      const saved = new MemoryOpStore.SavedOps()
      const alice = yield* writer("alice")
      const heads = yield* Effect.scoped(
        Effect.gen(function* () {
          const bob = yield* writer("bob", { saved })
          yield* alice.type("a")
          yield* bob.type("b")
          yield* bob.log.admit(yield* alice.records)
          yield* bob.type("c", 2)
          return [bob.log.heads(), bob.text(), bob.replica.snapshot()]
        })
      )
      const bob = yield* writer("bob", { saved })
      assert.deepStrictEqual([bob.log.heads(), bob.text(), bob.replica.snapshot()], heads)
      yield* bob.type("d")
      assert.strictEqual((yield* alice.log.admit(yield* bob.records)).taken, 3)
      assert.strictEqual(alice.text(), bob.text())
    })
  )

  it.effect("says so when the disk refuses, and makes up for it with the next", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* writer("alice"), yield* writer("bob")]
      const { append } = bob.store
      let full = true
      const refusing = Object.assign(bob.store, {
        append: (...all: Parameters<typeof append>) =>
          Effect.suspend(() =>
            full ? Effect.fail(new StorageFailed({ operation: "x", cause: "full" })) : append(...all)
          )
      })
      assert.strictEqual(refusing, bob.store)
      yield* alice.type("a")
      assert.strictEqual((yield* Effect.flip(bob.log.admit(yield* alice.records)))._tag, "StorageFailed")
      assert.deepStrictEqual(yield* bob.records, [])
      full = false
      yield* bob.type("b")
      assert.lengthOf(yield* bob.records, 2)
    })
  )

  it.effect("names sixteen heads at most, and its own last always", () =>
    Effect.gen(function* () {
      const bob = yield* writer("bob")
      yield* bob.type("b")
      for (let n = 0; n < 30; n++) yield* bob.log.admit([signed(`author ${n}`)])
      assert.lengthOf(bob.log.heads(), 31)
      yield* bob.type("c")
      assert.lengthOf(bob.log.heads(), 16)
    })
  )

  it.effect("reads pages that fit an answer, parents first, from any number of authors", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* writer("alice"), yield* writer("bob")]
      for (let n = 0; n < 150; n++) {
        yield* alice.type("a")
        if (n % 3 === 0) yield* bob.log.admit(yield* alice.records)
        yield* bob.type("b")
      }
      yield* bob.log.admit(yield* alice.records)
      const carol = yield* writer("carol")
      let pages = 0
      while (carol.replica.document.text("t").length < 300) {
        const missing = bob.log
          .extents()
          .map(({ author, seq }) => ({
            author,
            from: carol.log.progress.seqOf(String.fromCharCode(...author)) + 1,
            to: seq
          }))
          .filter(({ from, to }) => from <= to)
        const page = yield* bob.log.read(missing)
        assert.isAtMost(
          page.reduce((sum, { length }) => sum + length + 5, 0),
          PAGE_BYTES
        )
        assert.deepStrictEqual(yield* carol.log.admit(page), { ...NOTHING, taken: page.length })
        pages++
      }
      assert.isAtMost(pages, 3)
      assert.strictEqual(carol.text(), bob.text())
    })
  )

  it.effect("puts a snapshot in the place of its operations, and goes on from there after it was closed", () =>
    Effect.gen(function* () {
      const saved = new MemoryOpStore.SavedOps()
      const alice = yield* writer("alice")
      const text = yield* Effect.scoped(
        Effect.gen(function* () {
          const bob = yield* writer("bob", { saved })
          for (const word of ["c", "b", "a"]) yield* bob.type(word)
          yield* alice.log.admit(yield* bob.records)
          yield* bob.log.compact
          assert.deepStrictEqual(yield* bob.records, [])
          yield* bob.type("x")
          assert.strictEqual((yield* alice.log.admit(yield* bob.records)).taken, 1)
          return bob.text()
        })
      )
      const bob = yield* writer("bob", { saved })
      assert.strictEqual(bob.text(), text)
      assert.deepStrictEqual(bob.replica.snapshot(), alice.replica.snapshot())
      yield* alice.type("y")
      assert.strictEqual((yield* bob.log.admit(yield* alice.records)).taken, 1)
    })
  )

  it.effect("takes over a snapshot that a member signed, with what is only here on top of it", () =>
    Effect.gen(function* () {
      const [alice, bob, carol] = [yield* writer("alice"), yield* writer("bob"), yield* writer("carol")]
      for (const word of ["c", "b", "a"]) yield* alice.type(word)
      yield* bob.type("own")
      const early = yield* alice.records
      const snapshot = yield* alice.log.compact
      yield* bob.log.adopt(snapshot)
      yield* alice.log.admit(yield* bob.records)
      assert.strictEqual(bob.text(), alice.text())
      assert.deepStrictEqual(bob.log.heads(), alice.log.heads())
      assert.strictEqual((yield* alice.log.admit(early)).known, 3)
      yield* carol.log.adopt(yield* alice.log.compact)
      assert.deepStrictEqual(carol.replica.snapshot(), alice.replica.snapshot())
      yield* carol.type("z")
      assert.strictEqual((yield* alice.log.admit(yield* carol.records)).taken, 1)
    })
  )

  it.effect("refuses a snapshot that is not what was signed, and has changed nothing then", () =>
    Effect.gen(function* () {
      const [alice, bob, eve] = [yield* writer("alice"), yield* writer("bob"), yield* writer("eve")]
      yield* alice.type("a")
      yield* bob.type("b")
      const { bytes, record } = yield* alice.log.compact
      const changed = (of: Uint8Array, at: number) => of.map((byte, n) => (n === at ? byte ^ 1 : byte))
      for (const bad of [
        { bytes: changed(bytes, bytes.length - 1), record },
        { bytes, record: changed(record, record.length - 1) },
        { bytes: bytes.subarray(1), record },
        { bytes, record: Uint8Array.of(1) },
        { bytes, record: (yield* eve.log.adopt({ bytes, record }).pipe(Effect.as(record))).subarray(2) }
      ]) {
        assert.strictEqual((yield* Effect.flip(bob.log.adopt(bad)))._tag, "SnapshotRefused")
      }
      assert.strictEqual(bob.text(), "b")
    })
  )

  it.effect("takes a parent that is only in the snapshot for one of it when nothing more is to come", () =>
    Effect.gen(function* () {
      const [alice, bob, dave] = [yield* writer("alice"), yield* writer("bob"), yield* writer("dave")]
      yield* alice.type("a")
      yield* dave.log.admit(yield* alice.records)
      yield* dave.type("d")
      for (const word of ["c", "b"]) yield* alice.type(word)
      yield* bob.log.adopt(yield* alice.log.compact)
      const late = (yield* dave.records).slice(-1)
      assert.strictEqual((yield* bob.log.admit(late)).waiting, 1)
      assert.strictEqual(yield* bob.log.settle, 1)
      assert.strictEqual((yield* alice.log.admit(late)).taken, 1)
      assert.strictEqual(bob.text(), alice.text())
    })
  )

  it.effect.prop(
    "agrees with everybody who has the same records, in whatever pieces and order they came",
    [
      Arbitrary.array(
        Arbitrary.schema(Schema.Struct({ who: Schema.Literals([0, 1, 2]), to: Schema.Literals([0, 1, 2]) })),
        {
          maxLength: 14
        }
      ),
      Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 }))), {
        minLength: 20,
        maxLength: 20
      })
    ],
    ([steps, drawn]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const all = [yield* writer("alice"), yield* writer("bob"), yield* writer("carol")]
          for (const [n, { to, who }] of steps.entries()) {
            yield* all[who]!.type(String(n), drawn[n]! % (all[who]!.text().length + 1))
            if (who !== to) yield* all[to]!.log.admit(yield* all[who]!.records)
          }
          const late = yield* writer("dave")
          const sources = [yield* all[0]!.records, yield* all[1]!.records, yield* all[2]!.records].flat()
          const order = sources.map((record, n) => [drawn[n % 20]!, record] as const).sort(([a], [b]) => a - b)
          for (const [, record] of order) yield* late.log.admit([record])
          for (const it of all) yield* it.log.admit(sources)
          const snapshots = [...all, late].map(({ replica }) => String(replica.snapshot()))
          assert.strictEqual(new Set(snapshots).size, 1)
          assert.strictEqual(new Set([...all, late].map(({ log }) => String(log.heads().map(({ id }) => id)))).size, 1)
        })
      ),
    { arbitrary: { runs: 20 } }
  )
})
