/** What a reader believes, whom it charges, and what it gives to those who showed less than the newest. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { compareDistance } from "#core/dht/distance"
import { compareBytes, hexOf } from "#schemas/bytes/bytes"
import type { DhtRequest } from "#schemas/dht/DhtMessage"
import { LIFETIME, RecordKind } from "#schemas/dht/Record"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { CACHED_FOR } from "#services/dht/Limits"
import { type Asked, amidst, type Saying, showing, stored } from "./crowd.ts"
import { announcement, announcementKey, mutable, mutableKey, name, peer, signingOf, suite } from "./fixtures.ts"

const salt = Uint8Array.of(1)
const authorKey = (of: string) => signingOf(of).publicKey as PublicKey
const block = (n: number) => new Uint8Array(100).fill(n)

const saying =
  (records: ReadonlyArray<Uint8Array>): Saying =>
  (request) =>
    request._tag === "Store" || request._tag === "AddProvider" ? stored : showing(records)
const nothing = saying([])

const stores = (asked: ReadonlyArray<Asked>) =>
  asked.flatMap(({ by, request }) => (request._tag === "Store" ? [{ by, request }] : []))
/** Names of peers by their distance to a key, closest first. */
const byDistance = (key: Uint8Array, names: ReadonlyArray<string>) =>
  names.toSorted((a, b) => compareDistance(key, peer(a).nodeId, peer(b).nodeId))
const letters = [..."abcdefgh"]

describe("a mutable read", () => {
  it.effect("takes the highest seq of those who answer, and gives it to those who showed less", () => {
    const newest = mutable("x", { seq: 9, expires: 5_000 })
    const crowd = { a: saying([mutable("x", { seq: 7 })]), b: saying([newest]), c: saying([mutable("x", { seq: 8 })]) }
    return amidst(
      crowd,
      Effect.fnUntraced(function* ({ asked, dht, charged }) {
        assert.strictEqual((yield* dht.getMutable(authorKey("x"), salt)).seq, 9)
        yield* TestClock.adjust(1)
        const given = stores(asked)
        assert.deepStrictEqual(given.map(({ by }) => by).sort(), ["a", "c"])
        for (const { request } of given) {
          assert.deepInclude(request, { kind: RecordKind.Mutable, record: newest, ttl: 5_000 })
        }
        assert.deepStrictEqual(charged, [])
      })
    )
  })

  it.effect("gives the winner of a conflict to who showed the loser, and charges nobody for it", () => {
    const pair = [mutable("x", { value: block(1) }), mutable("x", { value: block(2) })]
    const [lower, higher] = pair.sort((a, b) => compareBytes(suite.sha256(a), suite.sha256(b)))
    return amidst(
      { a: saying([higher!]), b: saying([lower!]) },
      Effect.fnUntraced(function* ({ asked, charged, dht }) {
        yield* dht.getMutable(authorKey("x"), salt)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          stores(asked).map(({ by, request }) => [by, request.record]),
          [["a", lower]]
        )
        assert.deepStrictEqual(charged, [])
      })
    )
  })

  it.effect("hides what was deleted, and passes the deletion on", () => {
    const deletion = mutable("x", { seq: 2, value: new Uint8Array(0), expires: LIFETIME })
    return amidst(
      { a: saying([mutable("x", { seq: 1 })]), b: saying([deletion]) },
      Effect.fnUntraced(function* ({ asked, dht }) {
        assert.strictEqual((yield* Effect.flip(dht.getMutable(authorKey("x"), salt)))._tag, "NotFound")
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          stores(asked).map(({ by, request }) => [by, request.record]),
          [["a", deletion]]
        )
      })
    )
  })

  it.effect("mends this node's own copy", () =>
    amidst(
      { a: saying([mutable("x", { seq: 3 })]) },
      Effect.fnUntraced(function* ({ dht, records }) {
        yield* dht.putRecord(RecordKind.Mutable, mutable("x", { seq: 1 }))
        assert.strictEqual((yield* dht.getMutable(authorKey("x"), salt)).seq, 3)
        assert.strictEqual((yield* records.get(RecordKind.Mutable, mutableKey("x")))[0]?.seq, 3)
      })
    )
  )

  it.effect("is content with three holders", () => {
    const crowd = Object.fromEntries(letters.map((it) => [it, saying([mutable("x")])]))
    return amidst(
      crowd,
      Effect.fnUntraced(function* ({ asked, dht }) {
        yield* dht.getMutable(authorKey("x"), salt)
        assert.strictEqual(asked.length, 3)
      })
    )
  })
})

describe("a block read", () => {
  const key = suite.sha256(block(1))
  const order = byDistance(key, letters) as [string, string, ...Array<string>]

  it.effect("leaves one copy with the closest that had nothing, for a short time", () => {
    const crowd = Object.fromEntries(letters.map((it) => [it, it === order[2] ? saying([block(1)]) : nothing]))
    return amidst(
      crowd,
      Effect.fnUntraced(function* ({ asked, dht }) {
        assert.deepStrictEqual(yield* dht.getBlock(key), block(1))
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          stores(asked).map(({ by, request }) => [by, request.ttl]),
          [[order[0], CACHED_FOR]]
        )
      })
    )
  })

  it.effect("leaves none where the closest had it", () =>
    amidst(
      Object.fromEntries(letters.map((it) => [it, saying([block(1)])])),
      Effect.fnUntraced(function* ({ asked, dht }) {
        yield* dht.getBlock(key)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(stores(asked), [])
      })
    )
  )

  it.effect("charges who shows other bytes, asks on, and gives the liar no copy", () => {
    const crowd = Object.fromEntries(
      letters.map((it) => [it, it === order[0] ? saying([block(2)]) : it === order[1] ? saying([block(1)]) : nothing])
    )
    return amidst(
      crowd,
      Effect.fnUntraced(function* ({ asked, charged, dht }) {
        assert.deepStrictEqual(yield* dht.getBlock(key), block(1))
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(charged, [order[0]])
        assert.deepStrictEqual(stores(asked), [])
      })
    )
  })
})

describe("getRecords", () => {
  const key = announcementKey("relay")
  const said = (of: string, issued = 1) => announcement(of, "relay", { issued })

  it.effect("merges what several show: of each node the newest, latest first", () =>
    amidst(
      {
        a: saying([said("n1", 1), said("n2", 5)]),
        b: saying([said("n1", 3)]),
        c: saying([said("n3", 4), announcement("n3", "other")])
      },
      Effect.fnUntraced(function* ({ asked, charged, dht }) {
        const found = yield* dht.getRecords(RecordKind.Announcement, key)
        assert.deepStrictEqual(
          found.map(({ bytes }) => hexOf(bytes)),
          [said("n2", 5), said("n3", 4), said("n1", 3)].map(hexOf)
        )
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          stores(asked).map(({ by, request }) => [by, request.record]),
          [["a", said("n1", 3)]]
        )
        // what stands under another key has no place in an answer
        assert.deepStrictEqual(charged, ["c"])
      })
    )
  )

  it.effect("reads further pages of each holder, and no more than the kind allows", () => {
    const authority = new Uint8Array(32)
    const all = Array.from({ length: 16 }, (_, n) => name(`n${n}`, "big", { authority, value: new Uint8Array(1024) }))
    const sorted = all.toSorted((a, b) => compareBytes(suite.sha256(a), suite.sha256(b)))
    const paged: Saying = (request: DhtRequest) => {
      if (request._tag !== "FindValue") return stored
      const rest = sorted.filter((it) => compareBytes(suite.sha256(it), request.after) > 0)
      return showing(rest.slice(0, 5), rest.length > 5)
    }
    return amidst(
      { a: paged },
      Effect.fnUntraced(function* ({ asked, dht }) {
        const entries = yield* dht.getName("big")
        assert.strictEqual(entries.length, 16)
        assert.strictEqual(asked.length, 4)
      })
    )
  })

  it.effect("shows of a set that several nodes fill differently as many as it may have, the latest", () => {
    const entries = (first: number) =>
      Array.from({ length: 16 }, (_, n) => name(`n${first + n}`, "n", { issued: first + n }))
    return amidst(
      { a: saying(entries(1)), b: saying(entries(9)), c: saying(entries(21)) },
      Effect.fnUntraced(function* ({ dht }) {
        const found = yield* dht.getName("n")
        assert.deepStrictEqual(
          found.map(({ issued }) => issued),
          Array.from({ length: 16 }, (_, n) => 36 - n)
        )
      })
    )
  })

  it.effect("stops turning pages where a holder shows the same again and again", () => {
    const page = Array.from({ length: 5 }, (_, n) => name(`n${n}`, "big", { value: new Uint8Array(1024) }))
    return amidst(
      { a: () => showing(page, true) },
      Effect.fnUntraced(function* ({ asked, dht }) {
        assert.strictEqual((yield* dht.getName("big")).length, 5)
        assert.strictEqual(asked.length, 2)
      })
    )
  })

  it.effect("is empty for a kind that there is not, and asks nobody", () =>
    amidst(
      { a: nothing },
      Effect.fnUntraced(function* ({ asked, dht }) {
        assert.deepStrictEqual(yield* dht.getRecords(77, key), [])
        assert.deepStrictEqual(asked, [])
      })
    )
  )
})
