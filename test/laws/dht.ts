/** What every Dht keeps, with a network behind it or without one. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import type { NodeId } from "#schemas/identity/NodeId"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { Dht } from "#services/dht/Dht"

const DAY = 86_400
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest())
const bytesOf = (length: number, seed = 1) => Uint8Array.from({ length }, (_, at) => (at * 31 + seed) & 255)
const salt = Uint8Array.of(1, 2, 3)

export interface Subject {
  /** The node that puts. */
  readonly dht: Dht["Service"]
  /** Another node of the network, or the same where there is no other. */
  readonly reader: Dht["Service"]
  /** Whose mutable records `dht` signs. */
  readonly author: PublicKey
  /** Unix milliseconds, as `dht` sees them; and so much time goes by. */
  readonly now: Effect.Effect<number>
  readonly advance: (milliseconds: number) => Effect.Effect<void>
}

export const dhtLaws = (name: string, subject: Effect.Effect<Subject, never, Scope.Scope>) => {
  const law = <E>(what: string, body: (subject: Subject) => Effect.Effect<void, E>) =>
    it.effect(what, () => Effect.scoped(Effect.flatMap(subject, body)))

  describe(`${name} keeps the laws of Dht`, () => {
    law(
      "finds a block under its hash, byte for byte, the empty and the largest one too",
      Effect.fnUntraced(function* ({ dht, reader }) {
        for (const block of [bytesOf(0), bytesOf(1_000), bytesOf(32_768)]) {
          const receipt = yield* dht.putBlock(block)
          assert.deepStrictEqual(receipt.key, sha256(block))
          assert.isAtLeast(receipt.reached, 1)
          assert.strictEqual(receipt.holders.length, receipt.reached)
          assert.deepStrictEqual(yield* reader.getBlock(receipt.key), block)
        }
      })
    )

    law(
      "says NotFound for what nobody put",
      Effect.fnUntraced(function* ({ reader }) {
        const missing = yield* Effect.flip(reader.getBlock(sha256(bytesOf(5))))
        assert.deepInclude(missing, { _tag: "NotFound", key: sha256(bytesOf(5)) })
      })
    )

    law(
      "refuses a block, a salt and a value that are too large, and sends nothing",
      Effect.fnUntraced(function* ({ dht, reader }) {
        const large = bytesOf(32_769)
        assert.strictEqual((yield* Effect.flip(dht.putBlock(large)))._tag, "InvalidRecord")
        assert.strictEqual((yield* Effect.flip(reader.getBlock(sha256(large))))._tag, "NotFound")
        assert.strictEqual((yield* Effect.flip(dht.putMutable(bytesOf(65), bytesOf(1))))._tag, "InvalidRecord")
        assert.strictEqual((yield* Effect.flip(dht.putMutable(salt, bytesOf(61_440))))._tag, "InvalidRecord")
      })
    )

    law(
      "forgets a block when its lifetime is over",
      Effect.fnUntraced(function* ({ advance, dht, now, reader }) {
        const begun = yield* now
        const { expires, key } = yield* dht.putBlock(bytesOf(10), { lifetime: 60 })
        assert.strictEqual(expires, Math.floor(begun / 1000) + 60)
        yield* advance((expires - 1) * 1000 - (yield* now))
        yield* reader.getBlock(key)
        yield* advance(expires * 1000 - (yield* now))
        assert.strictEqual((yield* Effect.flip(reader.getBlock(key)))._tag, "NotFound")
      })
    )

    law(
      "keeps a block no longer than seven days, whatever was asked",
      Effect.fnUntraced(function* ({ dht, now }) {
        const begun = yield* now
        const { expires } = yield* dht.putBlock(bytesOf(10), { lifetime: 40 * DAY })
        assert.strictEqual(expires, Math.floor(begun / 1000) + 7 * DAY)
      })
    )

    law(
      "shows the latest version of a mutable record, each put with a higher seq",
      Effect.fnUntraced(function* ({ author, dht, reader }) {
        const first = yield* dht.putMutable(salt, bytesOf(3, 1))
        const second = yield* dht.putMutable(salt, bytesOf(3, 2))
        yield* dht.putMutable(Uint8Array.of(9), bytesOf(3, 3))
        assert.isAbove(second.seq, first.seq)
        const record = yield* reader.getMutable(author, salt)
        assert.deepStrictEqual(record.value, bytesOf(3, 2))
        assert.strictEqual(record.seq, second.seq)
      })
    )

    law(
      "numbers concurrent puts under one salt apart",
      Effect.fnUntraced(function* ({ author, dht, reader }) {
        const puts = [1, 2, 3, 4, 5].map((n) =>
          Effect.map(dht.putMutable(salt, bytesOf(2, n)), ({ seq }) => ({ n, seq }))
        )
        const done = yield* Effect.all(puts, { concurrency: 5 })
        assert.strictEqual(new Set(done.map(({ seq }) => seq)).size, 5)
        const last = done.reduce((a, b) => (a.seq > b.seq ? a : b))
        assert.deepStrictEqual((yield* reader.getMutable(author, salt)).value, bytesOf(2, last.n))
      })
    )

    law(
      "says NotFound for a deleted record, and shows one that was put after",
      Effect.fnUntraced(function* ({ author, dht, reader }) {
        yield* dht.putMutable(salt, bytesOf(3))
        yield* dht.putMutable(salt, new Uint8Array(0))
        assert.strictEqual((yield* Effect.flip(reader.getMutable(author, salt)))._tag, "NotFound")
        yield* dht.putMutable(salt, bytesOf(4))
        assert.deepStrictEqual((yield* reader.getMutable(author, salt)).value, bytesOf(4))
      })
    )

    law(
      "names who provides content until the announcement expires",
      Effect.fnUntraced(function* ({ advance, author, dht, reader }) {
        const cid = cidOfDigest(RAW, sha256(bytesOf(7)))
        assert.deepStrictEqual(yield* reader.findProviders(cid), [])
        yield* dht.provide(cid, { lifetime: 100 })
        const found = yield* reader.findProviders(cid)
        assert.deepStrictEqual(
          found.map((it) => it.publicKey),
          [author]
        )
        assert.deepStrictEqual(found[0]?.nodeId, sha256(author) as NodeId)
        yield* advance(100_000)
        assert.deepStrictEqual(yield* reader.findProviders(cid), [])
      })
    )

    law(
      "refuses to be anonymous where nothing can make it so",
      Effect.fnUntraced(function* ({ author, dht }) {
        const options = { privacy: "anonymous" } as const
        const cid = cidOfDigest(RAW, sha256(bytesOf(7)))
        const tags = yield* Effect.all([
          Effect.flip(dht.putBlock(bytesOf(1), options)),
          Effect.flip(dht.getBlock(sha256(bytesOf(1)), options)),
          Effect.flip(dht.putMutable(salt, bytesOf(1), options)),
          Effect.flip(dht.getMutable(author, salt, options)),
          Effect.flip(dht.provide(cid, options)),
          Effect.flip(dht.findProviders(cid, options))
        ])
        for (const { _tag } of tags) assert.strictEqual(_tag, "PrivacyUnavailable")
      })
    )
  })
}
