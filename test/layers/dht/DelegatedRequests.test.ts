/** What a node does for those who are anonymous, what it asks of them, and where it stops. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"
import { TestClock } from "effect/testing"
import { compareDistance } from "#core/dht/distance"
import { Search } from "#core/dht/work"
import { bitsFor } from "#layers/dht/delegatedStores"
import { compareBytes } from "#schemas/bytes/bytes"
import type { DhtRequest } from "#schemas/dht/DhtMessage"
import { LIFETIME, RecordKind } from "#schemas/dht/Record"
import { dayOf } from "#schemas/dht/Work"
import { requestBody } from "#schemas/router/Question"
import {
  ANONYMOUS_BYTES,
  ANONYMOUS_LIFETIME,
  ANONYMOUS_LOOKUPS,
  ANONYMOUS_STORE_RATE,
  NODE_QUOTA,
  STORE_RATE
} from "#services/dht/Limits"
import { ANONYMOUS_ID } from "#services/dht/StorePipeline"
import { Identity } from "#services/identity/Identity"
import { type Saying, showing, stored } from "./crowd.ts"
import { delegatedTo } from "./delegated.ts"
import { mutable, mutableKey, name, nameKey, peer, provider, suite } from "./fixtures.ts"

const NOTHING = new Uint8Array(0)
const block = (n: number, length = 100) => new Uint8Array(length).fill(n)
const digest = (n: number, length = 100) => suite.sha256(block(n, length))
const numbers = Array.from({ length: 100 }, (_, n) => n)
const letters = [..."abcdefgh"]
const all = (saying: Saying, names = letters) => Object.fromEntries(names.map((it) => [it, saying]))
const says =
  (...records: ReadonlyArray<Uint8Array>): Saying =>
  (request) =>
    request._tag === "Store" ? { ...stored, expires: LIFETIME } : showing(records)

const find = (kind: RecordKind, key: Uint8Array, after: Uint8Array = NOTHING): DhtRequest => ({
  _tag: "FindValue",
  kind,
  key,
  minSeq: 0,
  after
})

/** The first nonce of so many bits. */
const workOn = (kind: RecordKind, key: Uint8Array, record: Uint8Array, bits: number): Uint8Array => {
  const search = new Search(suite, { kind, key, digest: suite.sha256(record) }, dayOf(0), bits)
  for (;;) {
    const nonce = search.step(1_000)
    if (nonce !== undefined) return nonce
  }
}
const storing = (n: number, bits = 16, ttl = 1e9) => {
  const [record, key] = [block(n), digest(n)]
  return {
    _tag: "Store",
    kind: RecordKind.Block,
    record,
    ttl,
    work: bits === 0 ? NOTHING : workOn(RecordKind.Block, key, record, bits)
  } as const
}

describe("lookups for others", () => {
  it.effect("brings a block from whoever has it, and says that it found none", () =>
    delegatedTo(
      { ...all(says(), letters.slice(1)), a: says(block(1)) },
      Effect.fnUntraced(function* ({ ask }) {
        assert.deepStrictEqual(yield* ask(find(RecordKind.Block, digest(1))), showing([block(1)]))
        assert.deepStrictEqual(yield* ask(find(RecordKind.Block, digest(2))), showing([]))
      })
    )
  )

  it.effect("brings the newest of what changes, checked, and who provides something", () => {
    const key = suite.sha256(block(1))
    const providing = provider("x", key, 0, 500)
    const crowd: Record<string, Saying> = {
      a: says(mutable("x", { seq: 1 })),
      b: says(mutable("y", { seq: 9 })),
      c: (request) => (request._tag === "GetProviders" ? showing([providing]) : says(mutable("x", { seq: 2 }))(request))
    }
    return delegatedTo(
      crowd,
      Effect.fnUntraced(function* ({ ask }) {
        const found = yield* ask(find(RecordKind.Mutable, mutableKey("x")))
        assert.deepStrictEqual(found, showing([mutable("x", { seq: 2 })]))
        const providers = yield* ask({ _tag: "GetProviders", key, after: NOTHING })
        assert.deepStrictEqual(providers, showing([providing]))
      })
    )
  })

  it.effect("cuts a set into pages that the reply blocks carry, and says where even one record is too much", () => {
    const entries = [..."abcdef"].map((author, n) => name(author, "n", { issued: n, value: block(1, 900) }))
    return delegatedTo(
      all(says(...entries)),
      Effect.fnUntraced(function* ({ ask }) {
        const got: Array<Uint8Array> = []
        for (let after: Uint8Array = NOTHING, pages = 0; ; pages++) {
          const page = yield* ask(find(RecordKind.Name, nameKey("n"), after), { room: 3_000 })
          if (!("records" in page)) return assert.fail("no page")
          got.push(...page.records)
          after = suite.sha256(page.records.at(-1) ?? NOTHING)
          if (page.more) continue
          assert.isAbove(pages, 1)
          break
        }
        assert.deepStrictEqual(got.toSorted(compareBytes), entries.toSorted(compareBytes))
        const tight = yield* ask(find(RecordKind.Name, nameKey("n")), { room: 500 })
        assert.deepInclude(tight, { tag: "TooLarge" })
      })
    )
  })

  it.effect("names nodes, as many as there is room for", () =>
    delegatedTo(
      all(says()),
      Effect.fnUntraced(function* ({ ask }) {
        const target = peer("a").nodeId
        const some = yield* ask({ _tag: "FindNode", target }, { room: 320 })
        assert.deepStrictEqual(some, { _tag: "Nodes", peers: [peer("a").bytes] })
        const many = yield* ask({ _tag: "FindNode", target })
        assert.strictEqual("peers" in many && many.peers.length, letters.length)
      })
    )
  )

  it.effect("has a rate for all of them together, refuses what is beyond it, and recovers", () =>
    delegatedTo(
      all(says(), ["a"]),
      Effect.fnUntraced(function* ({ ask, asked }) {
        const request = find(RecordKind.Block, digest(1))
        for (let n = 0; n < ANONYMOUS_LOOKUPS.burst; n++) assert.deepStrictEqual(yield* ask(request), showing([]))
        const before = asked.length
        for (let n = 0; n < 10; n++) assert.deepInclude(yield* ask(request), { tag: "Busy" })
        assert.strictEqual(asked.length, before)
        yield* TestClock.adjust("1 second")
        for (let n = 0; n < ANONYMOUS_LOOKUPS.perSecond; n++) assert.deepStrictEqual(yield* ask(request), showing([]))
        assert.deepInclude(yield* ask(request), { tag: "Busy" })
      })
    )
  )
})

describe("stores for others", () => {
  it.effect("are placed with the work that was done, for two days at most, and a copy stays here for nobody", () =>
    delegatedTo(
      all(says()),
      Effect.fnUntraced(function* ({ ask, asked, pins, records }) {
        const { nodeId } = yield* Identity
        const closer = (n: number, names: ReadonlyArray<string>) =>
          names.filter((it) => compareDistance(digest(n), peer(it).nodeId, nodeId) < 0).length
        const n = numbers.find((it) => closer(it, letters) < 3) ?? 0
        const request = storing(n)
        assert.deepStrictEqual(yield* ask(request), {
          _tag: "Stored",
          heldSeq: 0,
          expires: ANONYMOUS_LIFETIME,
          placed: { reached: 3, factor: 3 }
        })
        const stores = asked.flatMap((it) => (it.request._tag === "Store" ? [it.request] : []))
        const placed = { ...request, ttl: ANONYMOUS_LIFETIME }
        for (const store of stores) assert.deepStrictEqual(store, placed)
        const held = yield* records.get(RecordKind.Block, digest(n))
        assert.deepStrictEqual(
          held.map(({ expires, storedBy }) => [expires, storedBy]),
          [[ANONYMOUS_LIFETIME, ANONYMOUS_ID]]
        )
        assert.strictEqual(stores.length, 2)
        yield* ask(storing(numbers.find((it) => closer(it, ["a", "b", "c"]) === 3) ?? 0))
        assert.strictEqual((yield* records.usage()).records, 1)
        assert.strictEqual(yield* pins.count, 0)
      })
    )
  )

  it.effect("cost work, once for each time, and nothing is placed without", () =>
    delegatedTo(
      all(says()),
      Effect.fnUntraced(function* ({ ask, asked }) {
        for (const bits of [0, 1, 15])
          assert.deepInclude(yield* ask(storing(1, bits)), { tag: "WorkRequired", data: 16 })
        const wrong = { ...storing(1), work: storing(2).work }
        assert.deepInclude(yield* ask(wrong), { tag: "WorkRequired", data: 16 })
        const added = yield* ask({ _tag: "AddProvider", record: provider("x", digest(1)) })
        assert.deepInclude(added, { tag: "WorkRequired", data: 16 })
        assert.strictEqual(asked.length, 0)
        assert.include(yield* ask(storing(1)), { _tag: "Stored" })
        const again = yield* ask(storing(1))
        if (!("tag" in again) || typeof again.data !== "number") return assert.fail("placed for the same work")
        assert.isAbove(again.data, 16)
      })
    )
  )

  it.effect("are refused when they are no records, or of no use to anybody", () =>
    delegatedTo(
      all(says()),
      Effect.fnUntraced(function* ({ ask, asked }) {
        yield* TestClock.adjust("2000 seconds")
        const of = (kind: RecordKind, record: Uint8Array, ttl = 100) =>
          Effect.map(ask({ _tag: "Store", kind, record, ttl, work: NOTHING }), (it) =>
            "tag" in it ? it.tag : "stored"
          )
        assert.strictEqual(yield* of(RecordKind.Mutable, block(1)), "Malformed")
        assert.strictEqual(yield* of(RecordKind.Mutable, mutable("x")), "Expired")
        assert.strictEqual(yield* of(RecordKind.Block, block(1), 0), "Expired")
        const unsigned = mutable("x", { expires: 9_000 })
        unsigned[unsigned.length - 1]! ^= 1
        const work = workOn(RecordKind.Mutable, mutableKey("x"), unsigned, 16)
        const forged = yield* ask({ _tag: "Store", kind: RecordKind.Mutable, record: unsigned, ttl: 100, work })
        assert.deepInclude(forged, { tag: "BadSignature" })
        assert.strictEqual(asked.length, 0)
      })
    )
  )

  it.effect("say why nobody took them", () =>
    delegatedTo(
      all(
        (request) => (request._tag === "Store" ? { tag: "Quota", detail: "", data: null } : showing([])),
        ["a", "b", "c", "d"]
      ),
      Effect.fnUntraced(function* ({ ask, asked, records }) {
        // This node is no judge of itself: a full disk is the others' word, and a copy here alone is one.
        const said = yield* ask(storing(1))
        const held = yield* records.get(RecordKind.Block, digest(1))
        if (held.length === 0) assert.deepInclude(said, { tag: "Quota" })
        else assert.deepInclude(said, { placed: { reached: 1, factor: 3 } })
        assert.isAbove(asked.length, 0)
      })
    )
  )

  it("grow dearer as the budget runs out, and the budget is a fifth", () => {
    assert.deepStrictEqual([1, 0.5, 0.49, 0.25, 0.24, 0].map(bitsFor), [16, 16, 18, 18, 20, 20])
    assert.deepStrictEqual(ANONYMOUS_STORE_RATE, { perSecond: STORE_RATE.perSecond / 5, burst: STORE_RATE.burst / 5 })
    assert.strictEqual(ANONYMOUS_BYTES.burst, NODE_QUOTA / 5)
  })
})

describe("whoever asks", () => {
  it.effect("is not served by a client, nor with what is between neighbours, nor in what is no request", () =>
    delegatedTo(
      all(says()),
      Effect.fnUntraced(function* ({ ask, asked, become, bring }) {
        const proof = { _tag: "Challenge", kind: RecordKind.Block, key: digest(1), nonce: digest(1) } as const
        assert.deepInclude(yield* ask(proof), { tag: "UnknownMethod" })
        assert.deepInclude(yield* ask({ _tag: "Ranges", radius: digest(1), ranges: [] }), { tag: "UnknownMethod" })
        const junk = yield* bring({ type: "DHT", body: requestBody(block(1)) })
        yield* Queue.take(junk)
        for (const body of [NOTHING, Uint8Array.of(0), Uint8Array.of(1, 0, 0, 0, 0, 1), Uint8Array.of(7, 7)]) {
          const answers = yield* bring({ type: "DHT", body })
          yield* TestClock.adjust(1)
          assert.strictEqual(Queue.sizeUnsafe(answers), 0)
        }
        become("client")
        assert.deepInclude(yield* ask(find(RecordKind.Block, digest(1))), { tag: "NotServed" })
        assert.strictEqual(asked.length, 0)
      })
    )
  )

  it.effect("is not served where nobody would hear the answer, or where a neighbour asks for itself", () =>
    delegatedTo(
      all(says()),
      Effect.fnUntraced(function* ({ asked, bring }) {
        const envelope = { type: "DHT", body: requestBody(Uint8Array.of(0x82, 1, 0x40)) } as const
        for (const by of [{ room: 0 }, { from: peer("a") }]) {
          const answers = yield* bring(envelope, by)
          yield* TestClock.adjust(1)
          assert.strictEqual(Queue.sizeUnsafe(answers), 0)
        }
        assert.strictEqual(asked.length, 0)
      })
    )
  )
})
