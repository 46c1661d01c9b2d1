/** Whom this node asks to do something for it, what it believes of their answers, and what it gives up. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { bitsOf } from "#core/dht/work"
import type { Contact } from "#core/identity/Contact"
import { compareBytes } from "#schemas/bytes/bytes"
import { LIFETIME, RecordKind } from "#schemas/dht/Record"
import { DHT_SERVER, ONION_RELAY } from "#schemas/identity/PeerRecord"
import { workRequired } from "#schemas/rpc/RpcFailure"
import {
  ANONYMOUS_LIFETIME,
  BLOCK_ANSWER,
  DELEGATES_ASKED,
  DOUBTED_DELEGATES,
  LARGE_ANSWER,
  SMALL_ANSWER
} from "#services/dht/Limits"
import { type Saying, showing } from "./crowd.ts"
import { withDelegates } from "./delegates.ts"
import { forged, mutable, mutableKey, name, nameKey, peer, suite } from "./fixtures.ts"

const block = (n: number) => new Uint8Array(100).fill(n)
const digest = (n: number) => suite.sha256(block(n))
const says =
  (...records: ReadonlyArray<Uint8Array>): Saying =>
  () =>
    showing(records)
const nothing = says()
const silent: Saying = () => undefined
const refuses =
  (tag: string): Saying =>
  () => ({ tag, detail: "", data: null })
const all = (saying: Saying, names = [..."abcdefgh"]) => Object.fromEntries(names.map((it) => [it, saying]))
const put = (n: number, lifetime = 100) => ({ kind: RecordKind.Block, key: digest(n), bytes: block(n), lifetime })
describe("a block", () => {
  it.effect("is taken from the first delegate that has it, which is asked anonymously and has room to answer", () =>
    withDelegates(
      all(says(block(1))),
      Effect.fnUntraced(function* (delegates, { asked }) {
        const { records } = yield* delegates.find(RecordKind.Block, digest(1))
        assert.deepStrictEqual(records[0]?.bytes, block(1))
        assert.deepStrictEqual(
          asked.map(({ options }) => options),
          [{ privacy: "anonymous", answerBytes: BLOCK_ANSWER }]
        )
      })
    )
  )

  it.effect("is not found when two delegates have none, and then nobody else is asked", () =>
    withDelegates(
      all(nothing),
      Effect.fnUntraced(function* (delegates, { asked }) {
        assert.deepStrictEqual(yield* delegates.find(RecordKind.Block, digest(1)), { records: [], asked: 2 })
        assert.strictEqual(new Set(asked.map(({ by }) => by)).size, 2)
      })
    )
  )

  it.effect("comes from another delegate where the first is silent, refuses, or forges it", () =>
    Effect.gen(function* () {
      for (const bad of [silent, refuses("Busy"), says(block(2)), says(new Uint8Array(0)), refuses("x".repeat(64))]) {
        let first: string | undefined
        const saying =
          (by: string): Saying =>
          (request) =>
            (first ??= by) === by ? bad(request) : showing([block(1)])
        yield* withDelegates(
          { a: saying("a"), b: saying("b"), c: saying("c") },
          Effect.fnUntraced(function* (delegates, { asked }) {
            const { records } = yield* delegates.find(RecordKind.Block, digest(1))
            assert.deepStrictEqual(records[0]?.bytes, block(1))
            assert.strictEqual(asked.length, 2)
          })
        )
      }
    })
  )

  it.effect("is asked for last, for an hour, of whoever was silent or lied", () => {
    const found = says(block(1))
    const liars: Record<string, Saying> = { a: says(block(2)), b: silent, c: found, d: found }
    return withDelegates(
      liars,
      Effect.fnUntraced(function* (delegates, { asked, bounds }) {
        const find = delegates.find(RecordKind.Block, digest(1))
        for (let n = 0; n < 40; n++) yield* find
        const early = asked.slice(-20).map(({ by }) => by)
        assert.deepStrictEqual(new Set(early), new Set(["c", "d"]))
        assert.deepStrictEqual(
          bounds().flatMap(({ limit, name, size }) => (name === "doubted delegates" ? [limit, size()] : [])),
          [DOUBTED_DELEGATES, 2]
        )
      })
    )
  })
})

describe("who is asked", () => {
  it.effect("is nobody twice in one operation, and so many at most", () =>
    withDelegates(
      all(silent),
      Effect.fnUntraced(function* (delegates, { asked }) {
        const failed = yield* Effect.flip(delegates.find(RecordKind.Block, digest(1)))
        assert.strictEqual(failed._tag, "PrivacyUnavailable")
        assert.match(failed.reason, /nobody answered/)
        assert.strictEqual(new Set(asked.map(({ by }) => by)).size, DELEGATES_ASKED)
        assert.strictEqual(asked.length, DELEGATES_ASKED)
      })
    )
  )

  it.effect("is a server with a current record: a neighbour only where there are few relays", () => {
    const client = peer("client", { capabilities: ONION_RELAY })
    const neighbour = peer("neighbour", { capabilities: DHT_SERVER })
    return Effect.gen(function* () {
      const saying = { ...all(says(block(1)), ["a", "stale"]), neighbour: says(block(1)), client: says(block(1)) }
      const asked = yield* withDelegates(
        saying,
        Effect.fnUntraced(function* (delegates, errands) {
          for (let n = 0; n < 30; n++) yield* delegates.find(RecordKind.Block, digest(1))
          return errands.asked
        }),
        { stale: ["stale"], neighbours: [neighbour, client] }
      )
      assert.deepStrictEqual(new Set(asked.map(({ by }) => by)), new Set(["a", "neighbour"]))
      const many = yield* withDelegates(
        { ...all(says(block(1))), neighbour: says(block(1)) },
        Effect.fnUntraced(function* (delegates, errands) {
          for (let n = 0; n < 60; n++) yield* delegates.find(RecordKind.Block, digest(1))
          return errands.asked
        }),
        { neighbours: [neighbour] }
      )
      assert.deepStrictEqual(new Set(many.map(({ by }) => by)), new Set("abcdefgh"))
    })
  })

  it.effect("without anybody to ask, or a route to them, it says so and what to do", () =>
    Effect.gen(function* () {
      const find = (delegates: {
        readonly find: (kind: 0, key: Uint8Array) => Effect.Effect<unknown, { readonly reason: string }>
      }) => Effect.flip(delegates.find(RecordKind.Block, digest(1)))
      const nobody = yield* withDelegates({}, find)
      assert.match(nobody.reason, /no other node is known .*: connect to more nodes/)
      const noRoute = yield* withDelegates(all(nothing), find, { noRoute: "2 relays are known and 3 are needed" })
      assert.strictEqual(noRoute.reason, "2 relays are known and 3 are needed")
    })
  )

  it.effect("is no relay where too few of them are left for a route", () =>
    withDelegates(
      all(says(block(1)), [..."abcd"]),
      Effect.fnUntraced(function* (delegates, { asked }) {
        for (let n = 0; n < 10; n++) yield* delegates.find(RecordKind.Block, digest(1))
        assert.isAtMost(asked.length, 20)
        assert.strictEqual(asked.filter(({ by }) => by === "d").length, 10)
      }),
      { allRelays: ["a", "b", "c"] }
    )
  )

  it.effect("is looked for where few are known", () =>
    Effect.gen(function* () {
      const times = (names: string) =>
        withDelegates(all(says(block(1)), [...names]), (delegates, { prepared }) =>
          Effect.map(delegates.find(RecordKind.Block, digest(1)), () => prepared.times)
        )
      assert.deepStrictEqual([yield* times("ab"), yield* times("abcdefgh")], [1, 0])
    })
  )

  it.effect("has its time; then another is asked besides, and whoever answers first is believed", () =>
    withDelegates(
      all(says(block(1)), ["a", "b"]),
      Effect.fnUntraced(function* (delegates, { asked }) {
        const finding = yield* Effect.forkChild(delegates.find(RecordKind.Block, digest(1)))
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(asked.length, 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(finding)).records.length, 1)
        assert.strictEqual(asked.length, 2)
      }),
      { stallsFirst: true }
    )
  )

  it.effect("has all of its time where there is nobody else", () =>
    withDelegates(
      all(says(block(1)), ["a"]),
      Effect.fnUntraced(function* (delegates) {
        const finding = yield* Effect.forkChild(Effect.flip(delegates.find(RecordKind.Block, digest(1))))
        yield* TestClock.adjust("29 seconds")
        assert.isUndefined(finding.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(finding))._tag, "PrivacyUnavailable")
      }),
      { stallsFirst: true }
    )
  )
})

describe("what changes", () => {
  const [old, newer] = [mutable("x", { seq: 1 }), mutable("x", { seq: 2 })]
  const find = (kind: RecordKind, key: Uint8Array, sayings: Record<string, Saying>) =>
    withDelegates(sayings, (delegates, { asked }) =>
      Effect.map(delegates.find(kind, key), (found) => ({ ...found, requests: asked }))
    )
  const seqs = (found: { readonly records: ReadonlyArray<{ readonly seq: number }> }) =>
    found.records.map(({ seq }) => seq)

  it.effect("is the newest that two delegates show, whoever shows it", () =>
    Effect.gen(function* () {
      const found = yield* find(RecordKind.Mutable, mutableKey("x"), { a: says(old), b: says(newer) })
      assert.deepStrictEqual([seqs(found), found.asked], [[2], 2])
      const single = yield* find(RecordKind.Mutable, mutableKey("x"), { a: nothing, b: says(newer) })
      assert.deepStrictEqual(seqs(single), [2])
    })
  )

  it.effect("is never what a delegate made up, or of another key", () =>
    Effect.gen(function* () {
      const forged = newer.slice()
      forged[forged.length - 1]! ^= 1
      for (const lie of [forged, mutable("y", { seq: 9 }), block(1), newer.subarray(0, 50)]) {
        const found = yield* find(RecordKind.Mutable, mutableKey("x"), { a: says(lie), b: says(old), c: says(old) })
        assert.deepStrictEqual([seqs(found), found.asked, found.requests.length], [[1], 2, 3])
      }
      const failed = yield* Effect.flip(find(RecordKind.Mutable, mutableKey("x"), all(says(forged))))
      assert.strictEqual(failed._tag, "PrivacyUnavailable")
      assert.match(String("reason" in failed && failed.reason), /did not tell the truth/)
    })
  )

  it.effect("is asked for with room for more where it did not fit", () => {
    const large = mutable("x", { value: new Uint8Array(20_000) })
    const tight: Saying = () => ({ tag: "TooLarge", detail: "", data: null })
    const firstTight = (): Saying => {
      let asked = 0
      return (request) => (asked++ === 0 ? tight(request) : showing([large]))
    }
    return Effect.gen(function* () {
      const found = yield* find(RecordKind.Mutable, mutableKey("x"), { a: firstTight(), b: firstTight() })
      assert.deepStrictEqual(found.records[0]?.bytes, large)
      const rooms = found.requests.map(({ options }) => options.answerBytes)
      assert.deepStrictEqual(rooms.sort(), [SMALL_ANSWER, SMALL_ANSWER, LARGE_ANSWER, LARGE_ANSWER].sort())
    })
  })

  it.effect("is merged, page by page, where there are many of it; one that has always more is left alone", () =>
    Effect.gen(function* () {
      const entries = [..."abcdefghij"].map((author, n) => name(author, "n", { issued: n }))
      const sorted = entries.toSorted((a, b) => compareBytes(suite.sha256(a), suite.sha256(b)))
      const paging: Saying = (request) => {
        if (request._tag !== "FindValue") return undefined
        const rest = sorted.filter(
          (it) => request.after.length === 0 || compareBytes(suite.sha256(it), request.after) > 0
        )
        return showing(rest.slice(0, 4), rest.length > 4)
      }
      const found = yield* find(RecordKind.Name, nameKey("n"), { a: paging, b: says(entries[0]!) })
      assert.strictEqual(found.records.length, 10)
      assert.strictEqual(found.requests.filter(({ by }) => by === "a").length, 3)
      const endless: Saying = () => showing(sorted.slice(0, 4), true)
      const bounded = yield* find(RecordKind.Name, nameKey("n"), { a: endless })
      assert.deepStrictEqual([bounded.records.length, bounded.requests.length], [4, 2])
    })
  )
})

describe("a put", () => {
  it.effect("shows its work, lives two days at most, and is told as the delegate tells it, within reason", () =>
    withDelegates(
      all(() => ({ _tag: "Stored", heldSeq: 0, expires: 1e12, placed: { reached: 1e6, factor: 0 } })),
      Effect.fnUntraced(function* (delegates, { asked }) {
        const receipt = yield* delegates.place(put(1, LIFETIME))
        assert.deepStrictEqual(receipt, { reached: 20, factor: 1, expires: ANONYMOUS_LIFETIME })
        const [{ request } = { request: undefined }] = asked
        assert.deepInclude(request, { _tag: "Store", kind: RecordKind.Block, ttl: ANONYMOUS_LIFETIME })
        assert.isTrue(request?._tag === "Store" && bitsOfRequest(request.work) >= 16)
      })
    )
  )

  it.effect("works more where more is asked, once, and never beyond the limit", () =>
    Effect.gen(function* () {
      const asking =
        (bits: number): Saying =>
        (request) =>
          request._tag === "Store" && bitsOfRequest(request.work) >= bits
            ? { _tag: "Stored", heldSeq: 0, expires: 1 }
            : workRequired(bits)
      const receipts = yield* withDelegates({ a: asking(17) }, (delegates) => delegates.place(put(1)))
      assert.deepStrictEqual(receipts, { reached: 1, factor: 1, expires: 1 })
      const refused = yield* Effect.flip(
        withDelegates(
          all(() => workRequired(16)),
          (delegates) => delegates.place(put(1))
        )
      )
      assert.strictEqual(refused._tag, "PutRefused")
    })
  )

  it.effect("goes to another delegate when one refuses or is silent, and says what they said in the end", () =>
    Effect.gen(function* () {
      let asked = 0
      const stored: Saying = () => ({ _tag: "Stored", heldSeq: 0, expires: 1, placed: { reached: 3, factor: 5 } })
      const third: Saying = (request) => [refuses("Busy"), silent, stored][asked++]?.(request)
      const receipt = yield* withDelegates(all(third), (delegates) => delegates.place(put(1)))
      assert.deepStrictEqual(receipt, { reached: 3, factor: 5, expires: 1 })
      const failed = yield* Effect.flip(withDelegates(all(refuses("Older")), (delegates) => delegates.place(put(1))))
      assert.deepInclude(failed, { _tag: "PutRefused", refusals: [{ reason: "Older", nodes: DELEGATES_ASKED }] })
    })
  )
})

describe("a node", () => {
  const [known, wanted] = [peer("a"), peer("wanted")]
  const names =
    (...contacts: ReadonlyArray<Contact>): Saying =>
    () => ({ _tag: "Nodes", peers: contacts.map((it) => it.bytes) })
  const find = (sayings: Record<string, Saying>) =>
    withDelegates(sayings, (delegates, { asked }) =>
      Effect.map(delegates.findNode(wanted.nodeId), (found) => ({ found, asked: asked.length }))
    )

  it.effect("is found by one who names it, and by nobody who forges its record", () =>
    Effect.gen(function* () {
      const one = yield* find({ a: names(known, wanted) })
      assert.deepStrictEqual([one.found?.key, one.asked], [wanted.key, 1])
      assert.isUndefined((yield* find({ a: names(known, forged(wanted)), b: names(known) })).found)
      assert.deepStrictEqual(yield* find(all(names(known))), { found: undefined, asked: 2 })
      assert.isUndefined((yield* find(all(silent))).found)
    })
  )
})

const bitsOfRequest = (work: Uint8Array) =>
  bitsOf(suite, { kind: RecordKind.Block, key: digest(1), digest: digest(1) }, 0, work)
