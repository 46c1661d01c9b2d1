/** What a node asks of its delegates, and that nothing of it is seen or stays anywhere else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import { equalBytes, utf8 } from "#schemas/bytes/bytes"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import { LIFETIME, RecordKind, WEEK_LIFETIME } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { AnonymousPut, Delegates } from "#services/dht/Delegates"
import { ANONYMOUS_LIFETIME } from "#services/dht/Limits"
import { RecordValidators } from "#services/dht/RecordValidators"
import { Identity } from "#services/identity/Identity"
import { amidst, type CrowdParts, showing, stored } from "./crowd.ts"
import { grant, mutable, name, provider, signingOf, suite } from "./fixtures.ts"

const anonymously = { privacy: "anonymous" } as const
const salt = Uint8Array.of(1)
const block = (n: number) => new Uint8Array(100).fill(n)
const digest = (n: number) => suite.sha256(block(n))
const keyOfAuthor = (of: string) => signingOf(of).publicKey as PublicKey

interface Parts extends CrowdParts {
  /** What delegates were to place. */
  readonly placed: ReadonlyArray<AnonymousPut>
}

/** Peers that would answer anybody, and delegates that show these records and place everything. */
const withDelegates = <A, E, R = never>(
  records: ReadonlyArray<readonly [RecordKind, Uint8Array]>,
  body: (parts: Parts) => Effect.Effect<A, E, R>
) => {
  const placed: Array<AnonymousPut> = []
  let validators: RecordValidators["Service"] | undefined
  const delegates: Partial<Delegates["Service"]> = {
    find: (kind, key) =>
      Effect.sync(() => {
        const found = records.flatMap(([of, bytes]) => {
          const parsed = of === kind ? validators?.parse(kind, bytes, 0) : undefined
          return parsed !== undefined && Result.isSuccess(parsed) ? [parsed.success] : []
        })
        return { records: found.filter((it) => equalBytes(it.key, key)), asked: 2 }
      }),
    place: (put) =>
      Effect.sync(() => {
        placed.push(put)
        return { reached: 4, factor: 5, expires: ANONYMOUS_LIFETIME }
      })
  }
  return amidst(
    { a: (request) => (request._tag === "Store" ? stored : showing([])) },
    (parts) =>
      Effect.gen(function* () {
        validators = yield* RecordValidators
        const result = yield* body({ ...parts, placed })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(parts.asked, [])
        assert.strictEqual(yield* parts.pins.count, 0)
        return result
      }),
    delegates
  )
}

describe("anonymous reads", () => {
  it.effect("come from delegates, and leave nothing in the own store or with others", () => {
    const providing = provider("x", digest(1))
    return withDelegates(
      [
        [RecordKind.Block, block(1)],
        [RecordKind.Mutable, mutable("x", { seq: 3 })],
        [RecordKind.Name, name("x", "n")],
        [RecordKind.Provider, providing]
      ],
      Effect.fnUntraced(function* ({ dht, records }) {
        assert.deepStrictEqual(yield* dht.getBlock(digest(1), anonymously), block(1))
        assert.strictEqual((yield* dht.getMutable(keyOfAuthor("x"), salt, anonymously)).seq, 3)
        assert.strictEqual((yield* dht.getName("n", anonymously)).length, 1)
        const [info] = yield* dht.findProviders(cidOfDigest(RAW, digest(1)), anonymously)
        assert.deepStrictEqual(info?.publicKey, keyOfAuthor("x"))
        const found = yield* dht.getRecords(RecordKind.Provider, digest(1), anonymously)
        assert.deepStrictEqual(
          found.map(({ bytes }) => bytes),
          [providing]
        )
        assert.deepInclude(yield* Effect.flip(dht.getBlock(digest(2), anonymously)), { _tag: "NotFound", asked: 2 })
        const missing = yield* Effect.flip(dht.getMutable(keyOfAuthor("y"), salt, anonymously))
        assert.deepInclude(missing, { _tag: "NotFound", asked: 2 })
        assert.deepStrictEqual(yield* records.usage(), { records: 0, bytes: 0 })
      })
    )
  })

  it.effect("use what is held here, whichever is newer, and do not bring it up to date", () =>
    withDelegates(
      [
        [RecordKind.Mutable, mutable("x", { seq: 3 })],
        [RecordKind.Mutable, mutable("y", { seq: 3 })]
      ],
      Effect.fnUntraced(function* ({ dht, records, validators }) {
        const hold = (kind: RecordKind, bytes: Uint8Array) => {
          const { key, member, seq } = Result.getOrThrow(validators.parse(kind, bytes, 0))
          return records.put([{ kind, key, member, seq, expires: 9_999, storedBy: key, bytes }])
        }
        yield* hold(RecordKind.Block, block(1))
        yield* hold(RecordKind.Mutable, mutable("x", { seq: 2 }))
        yield* hold(RecordKind.Mutable, mutable("y", { seq: 4 }))
        assert.deepStrictEqual(yield* dht.getBlock(digest(1), anonymously), block(1))
        assert.strictEqual((yield* dht.getMutable(keyOfAuthor("x"), salt, anonymously)).seq, 3)
        assert.strictEqual((yield* dht.getMutable(keyOfAuthor("y"), salt, anonymously)).seq, 4)
        const x = suite.sha256(Mutable.keyPreimage(keyOfAuthor("x"), salt))
        assert.strictEqual((yield* records.get(RecordKind.Mutable, x))[0]?.seq, 2)
      })
    )
  )
})

describe("anonymous puts", () => {
  it.effect("go to a delegate, and nothing of them stays here", () =>
    withDelegates(
      [],
      Effect.fnUntraced(function* ({ dht, placed, records }) {
        const receipt = yield* dht.putBlock(block(1), anonymously)
        assert.deepInclude(receipt, { key: digest(1), reached: 4, factor: 5, holders: [], expires: ANONYMOUS_LIFETIME })
        yield* dht.putRecord(RecordKind.Mutable, mutable("x"), { ...anonymously, lifetime: 50 })
        assert.deepStrictEqual(
          placed.map(({ kind, lifetime }) => [kind, lifetime]),
          [
            [RecordKind.Block, WEEK_LIFETIME],
            [RecordKind.Mutable, 50]
          ]
        )
        assert.deepStrictEqual(yield* records.usage(), { records: 0, bytes: 0 })
      })
    )
  )

  it.effect("are signed by a pseudonym for each salt and name, which the receipt tells, under rising numbers", () =>
    withDelegates(
      [],
      Effect.fnUntraced(function* ({ dht, placed, validators }) {
        const { publicKey } = yield* Identity
        const said = [
          yield* dht.putMutable(salt, block(1), anonymously),
          yield* dht.putMutable(salt, block(2), anonymously),
          yield* dht.putMutable(Uint8Array.of(2), block(2), anonymously),
          yield* dht.putName("n", utf8("v"), anonymously),
          yield* dht.putName("m", utf8("v"), anonymously)
        ]
        const authors = said.map(({ author }) => author)
        assert.deepStrictEqual(authors[0], authors[1])
        assert.strictEqual(new Set([...authors, publicKey].map((it) => it.join())).size, 5)
        const seqs = said.map(({ seq }) => seq)
        assert.deepStrictEqual(
          seqs,
          seqs.toSorted((a, b) => a - b)
        )
        assert.strictEqual(new Set(seqs).size, 5)
        for (const { bytes, kind } of placed) {
          const record = Result.getOrThrow(validators.parse(kind, bytes, 0))
          assert.isTrue(Result.isSuccess(validators.verify(record, 0)))
          assert.strictEqual(record.expires, ANONYMOUS_LIFETIME)
        }
        const first = Result.getOrThrow(Mutable.read(placed[0]!.bytes))
        assert.deepStrictEqual([first.author, first.salt, first.value], [authors[0], salt, block(1)])
      })
    )
  )

  it.effect("delete for as long as anything lives", () =>
    withDelegates(
      [],
      Effect.fnUntraced(function* ({ dht, placed }) {
        yield* dht.putName("n", new Uint8Array(0), anonymously)
        const deletion = Result.getOrThrow(Name.read(placed[0]!.bytes))
        assert.isTrue(Name.isDeletion(deletion))
        assert.strictEqual(deletion.expires - deletion.issued, LIFETIME)
      })
    )
  )

  it.effect("are refused where they would say who this is, or could not be kept to", () =>
    withDelegates(
      [],
      Effect.fnUntraced(function* ({ dht, placed }) {
        yield* dht.putBlock(block(1), { lifetime: 10, ...anonymously })
        const authority = keyOfAuthor("root")
        const grants = [grant("root", "me")]
        const reasons = yield* Effect.all([
          Effect.flip(dht.putBlock(block(1), { ...anonymously, keep: true })),
          Effect.flip(dht.putMutable(salt, block(1), { ...anonymously, keep: true })),
          Effect.flip(dht.putName("n", block(1), { ...anonymously, authority, grants })),
          Effect.flip(dht.provide(cidOfDigest(RAW, digest(1)), anonymously)),
          Effect.flip(dht.refresh(RecordKind.Block, digest(1), anonymously))
        ])
        for (const error of reasons) {
          assert.strictEqual(error._tag, "PrivacyUnavailable")
          assert.isTrue("reason" in error && error.reason.length > 30)
        }
        const tooLong = yield* Effect.flip(dht.putBlock(new Uint8Array(40_000), anonymously))
        assert.strictEqual(tooLong._tag, "InvalidRecord")
        assert.strictEqual(placed.length, 1)
      })
    )
  )
})
