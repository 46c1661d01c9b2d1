/** What every Dht keeps, with a network behind it or without one. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { type Signer, signAnnouncement, signGrant, signName } from "#core/dht/signRecord"
import { suite } from "#layers/identity/NodeCrypto"
import { hexOf } from "#schemas/bytes/bytes"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
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
  /** Whose mutable records and names `dht` signs. */
  readonly author: PublicKey
  /** The network that they are signed for. */
  readonly networkId: Uint8Array
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
      "shows the latest entry under a name, each put with a higher seq, and none that was deleted",
      Effect.fnUntraced(function* ({ author, dht, now, reader }) {
        assert.strictEqual((yield* Effect.flip(reader.getName("fruit")))._tag, "NotFound")
        const begun = Math.floor((yield* now) / 1000)
        const first = yield* dht.putName("fruit", bytesOf(3, 1))
        const second = yield* dht.putName("fruit", bytesOf(4, 2), { lifetime: 1_000 })
        yield* dht.putName("Fruit", bytesOf(4, 3))
        assert.isAbove(second.seq, first.seq)
        const [entry, ...others] = yield* reader.getName("fruit")
        assert.deepInclude(entry, { value: bytesOf(4, 2), author, seq: second.seq, role: 0 })
        assert.isAtLeast(entry!.issued, begun)
        assert.strictEqual(entry!.expires, entry!.issued + 1_000)
        assert.deepStrictEqual(others, [])
        yield* dht.putName("fruit", new Uint8Array(0))
        assert.strictEqual((yield* Effect.flip(reader.getName("fruit")))._tag, "NotFound")
        yield* dht.putName("fruit", bytesOf(5))
        assert.deepStrictEqual((yield* reader.getName("fruit"))[0]?.value, bytesOf(5))
      })
    )

    law(
      "keeps entries of an authority apart from the open namespace, best role first, for as long as their grants live",
      Effect.fnUntraced(function* ({ advance, author, dht, networkId, now, reader }) {
        const issued = Math.floor((yield* now) / 1000)
        const root: Signer = { signing: suite.signingKey(sha256(bytesOf(1))), networkId }
        const authority = root.signing.publicKey as PublicKey
        const fields = { scope: authority, role: 3, issued, expires: issued + 600 }
        const grants = [signGrant(root, { subject: author, ...fields })]
        assert.strictEqual((yield* Effect.flip(dht.putName("n", bytesOf(1), { authority })))._tag, "InvalidRecord")
        assert.strictEqual((yield* Effect.flip(dht.putName("n", bytesOf(1), { grants })))._tag, "InvalidRecord")
        yield* dht.putName("n", bytesOf(1), { authority, grants })
        yield* dht.putName("n", bytesOf(2))
        const times = { seq: 1, issued, expires: issued + 900 }
        const digest = sha256(new TextEncoder().encode("n"))
        const own = signName(root, { authority, digest, value: bytesOf(9), grants: [], ...times })
        yield* dht.putRecord(RecordKind.Name, own)
        const found = yield* reader.getName("n", { authority })
        assert.deepStrictEqual(
          found.map((it) => [it.author, it.role, it.expires, it.value]),
          [
            [authority, 5, issued + 900, bytesOf(9)],
            [author, 3, issued + 600, bytesOf(1)]
          ]
        )
        assert.deepStrictEqual(
          (yield* reader.getName("n")).map((it) => it.value),
          [bytesOf(2)]
        )
        yield* advance(600_000)
        assert.deepStrictEqual(
          (yield* reader.getName("n", { authority })).map((it) => it.role),
          [5]
        )
      })
    )

    law(
      "refuses a name's value that is too long, and numbers concurrent puts under one name apart",
      Effect.fnUntraced(function* ({ dht, reader }) {
        assert.strictEqual((yield* Effect.flip(dht.putName("n", bytesOf(1_025))))._tag, "InvalidRecord")
        const puts = [1, 2, 3, 4].map((n) => Effect.map(dht.putName("n", bytesOf(2, n)), ({ seq }) => ({ n, seq })))
        const done = yield* Effect.all(puts, { concurrency: 4 })
        assert.strictEqual(new Set(done.map(({ seq }) => seq)).size, 4)
        const last = done.reduce((a, b) => (a.seq > b.seq ? a : b))
        assert.deepStrictEqual(
          (yield* reader.getName("n")).map((it) => it.value),
          [bytesOf(2, last.n)]
        )
      })
    )

    law(
      "stores finished records of others, shows all under a key, and refuses what nobody can judge",
      Effect.fnUntraced(function* ({ dht, networkId, now, reader }) {
        const issued = Math.floor((yield* now) / 1000)
        const others = [1, 2].map((n): Signer => ({ signing: suite.signingKey(sha256(bytesOf(n))), networkId }))
        const authority = new Uint8Array(32)
        const said = { authority, name: "relay", issued, expires: issued + 100, grants: [] }
        const records = others.map((signer) => signAnnouncement(signer, said))
        const keys = yield* Effect.forEach(records, (it) =>
          Effect.map(dht.putRecord(RecordKind.Announcement, it), ({ expires, key }) => ({ expires, key }))
        )
        assert.strictEqual(keys[0]?.expires, issued + 100)
        const found = yield* reader.getRecords(RecordKind.Announcement, keys[0]!.key)
        assert.deepStrictEqual(new Set(found.map(({ bytes }) => hexOf(bytes))), new Set(records.map(hexOf)))
        assert.deepStrictEqual(yield* reader.getRecords(RecordKind.Announcement, sha256(bytesOf(4))), [])
        const forged = records[0]!.slice()
        forged[forged.length - 1]! ^= 1
        const refused = [
          dht.putRecord(RecordKind.Announcement, forged),
          dht.putRecord(RecordKind.Snapshot, records[0]!),
          dht.putRecord(99, records[0]!)
        ]
        for (const put of refused) assert.strictEqual((yield* Effect.flip(put))._tag, "InvalidRecord")
      })
    )

    law(
      "refreshes what it holds: content for a fresh life, the own record under the next seq; and nothing else",
      Effect.fnUntraced(function* ({ advance, author, dht, reader }) {
        const block = yield* dht.putBlock(bytesOf(100), { lifetime: 100 })
        const before = yield* dht.putMutable(salt, bytesOf(3), { lifetime: 200 })
        yield* advance(50_000)
        const refreshed = yield* dht.refresh(RecordKind.Block, block.key)
        assert.isAtLeast(refreshed.expires, block.expires + 6 * DAY)
        yield* dht.refresh(RecordKind.Mutable, before.key)
        const after = yield* reader.getMutable(author, salt)
        assert.isAbove(after.seq, before.seq)
        assert.deepStrictEqual([after.value, after.expires - after.issued], [bytesOf(3), 200])
        yield* advance(150_000)
        assert.deepStrictEqual(yield* reader.getBlock(block.key), bytesOf(100))
        yield* reader.getMutable(author, salt)
        const missing = yield* Effect.flip(dht.refresh(RecordKind.Block, sha256(bytesOf(101))))
        assert.strictEqual(missing._tag, "NotFound")
      })
    )

    law(
      "does not bring back by a refresh what was deleted",
      Effect.fnUntraced(function* ({ author, dht, reader }) {
        const { key } = yield* dht.putMutable(salt, bytesOf(3))
        yield* dht.putMutable(salt, new Uint8Array(0))
        yield* dht.refresh(RecordKind.Mutable, key)
        assert.strictEqual((yield* Effect.flip(reader.getMutable(author, salt)))._tag, "NotFound")
      })
    )
  })
}
