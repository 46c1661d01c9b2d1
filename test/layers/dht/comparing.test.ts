/** What DhtServer answers to Challenge and Ranges. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { contentOf, proofOf } from "#core/dht/challenge"
import { divide, type KeyPrefix, WHOLE } from "#core/dht/keyPrefix"
import { RangeSums } from "#core/dht/rangeDigest"
import { makeComparing } from "#layers/dht/comparing"
import * as KindValidators from "#layers/dht/KindValidators"
import { makeProving, NOT_FOUND } from "#layers/dht/proving"
import { EVERYWHERE } from "#layers/dht/summing"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { hexOf, utf8 } from "#schemas/bytes/bytes"
import type { DhtAnswer } from "#schemas/dht/DhtMessage"
import type { RangeDigest } from "#schemas/dht/Ranges"
import { RecordKind } from "#schemas/dht/Record"
import { Identity } from "#services/identity/Identity"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { identity, mutable, mutableKey, peer, provider, suite } from "./fixtures.ts"

const { sha256 } = suite
const asker = peer("asker")
const none = new Uint8Array(0)
const nonce = new Uint8Array(32).fill(5)
const ZERO = new Uint8Array(32)

const row = (kind: number, key: Uint8Array, bytes: Uint8Array, fields: Partial<StoredRecord> = {}): StoredRecord => ({
  kind,
  key,
  bytes,
  member: none,
  seq: 0,
  expires: 10_000,
  storedBy: asker.nodeId,
  ...fields
})
const block = (n: number, fields: Partial<StoredRecord> = {}): StoredRecord => {
  const bytes = utf8(`block ${n}`)
  return row(RecordKind.Block, sha256(bytes), bytes, fields)
}

const answering = Effect.gen(function* () {
  const charged: Array<string> = []
  const sessions = Layer.succeed(SessionManager, {
    charge: (_, offence) => void charged.push(offence)
  } as SessionManager["Service"])
  const comparing = yield* Effect.provide(makeComparing, sessions)
  return { comparing, proving: yield* makeProving, records: yield* RecordStore, own: yield* Identity, charged }
})

const withAnswers = <A, E>(body: (parts: Effect.Success<typeof answering>) => Effect.Effect<A, E>) =>
  Effect.flatMap(answering, body).pipe(
    Effect.provide(
      Layer.mergeAll(MemoryRecordStore.layer(), KindValidators.layer).pipe(Layer.provideMerge(identity("me")))
    ),
    Effect.scoped
  )

const asking = (
  ranges: ReadonlyArray<KeyPrefix>,
  held: ReadonlyArray<StoredRecord> = []
): ReadonlyArray<RangeDigest> => {
  const sums = new RangeSums(sha256, ranges)
  const items = held.map((it) => ({ ...it, digest: sha256(it.bytes) }))
  for (const item of items.toSorted((a, b) => (hexOf(a.key) < hexOf(b.key) ? -1 : 1))) sums.add(item)
  return sums.sums.map(({ digest, range }) => ({ ...range, digest }))
}
const differences = (answer: DhtAnswer) => {
  if (answer._tag !== "Differences") return assert.fail(answer._tag)
  return answer
}
const tagOf = (failure: { readonly tag: string }) => failure.tag

describe("the answer to a challenge", () => {
  it.effect("is the hash over nonce, both ids and the record, as the specification says", () =>
    withAnswers(
      Effect.fnUntraced(function* ({ own, proving, records }) {
        const held = block(1)
        yield* records.put([held])
        const answer = yield* proving({ _tag: "Challenge", kind: 0, key: held.key, nonce }, asker)
        const whole = [utf8("allium/1 challenge"), nonce, asker.nodeId, own.nodeId, held.bytes].flatMap((it) => [...it])
        assert.deepStrictEqual(answer, { _tag: "Proof", proof: sha256(Uint8Array.from(whole)) })
      })
    )
  )

  it.effect("proves a set by its record of the lowest hash", () =>
    withAnswers(
      Effect.fnUntraced(function* ({ own, proving, records }) {
        const key = sha256(none)
        const set = ["a", "b", "c"].map((name) => provider(name, key))
        yield* records.put(set.map((bytes, n) => row(RecordKind.Provider, key, bytes, { member: Uint8Array.of(n) })))
        const answer = yield* proving({ _tag: "Challenge", kind: 2, key, nonce }, asker)
        const challenge = { nonce, asker: asker.nodeId, holder: own.nodeId }
        const lowest = set.toSorted((a, b) => (hexOf(sha256(a)) < hexOf(sha256(b)) ? -1 : 1))[0]!
        assert.deepStrictEqual(answer, { _tag: "Proof", proof: proofOf(sha256, challenge, lowest) })
        assert.strictEqual(contentOf(sha256, set), lowest)
      })
    )
  )

  it.effect("is a refusal for what is not held, has expired or was damaged", () =>
    withAnswers(
      Effect.fnUntraced(function* ({ proving, records }) {
        const [expired, damaged] = [block(1, { expires: 10 }), { ...block(2), bytes: utf8("block 3") }]
        const bytes = mutable("author")
        bytes[bytes.length - 1]! ^= 1
        yield* records.put([expired, damaged, row(RecordKind.Mutable, mutableKey("author"), bytes)])
        yield* TestClock.adjust("10 seconds")
        for (const [kind, key] of [
          [0, expired.key],
          [0, damaged.key],
          [0, sha256(none)],
          [1, mutableKey("author")]
        ] as const)
          assert.strictEqual(
            tagOf(yield* Effect.flip(proving({ _tag: "Challenge", kind, key, nonce }, asker))),
            NOT_FOUND
          )
      })
    )
  )
})

describe("the answer to ranges", () => {
  const held = Array.from({ length: 100 }, (_, n) => block(n))

  it.effect("names what is held where it differs and little is held, and divides where there is more", () =>
    withAnswers(
      Effect.fnUntraced(function* ({ comparing, records }) {
        yield* records.put(held)
        const all = divide(WHOLE, 1)
        const nothing = yield* comparing({ _tag: "Ranges", radius: EVERYWHERE, ranges: asking(all, held) }, asker)
        assert.deepStrictEqual(nothing, { _tag: "Differences", ranges: [], entries: [] })
        const [one, ...others] = held
        const some = yield* comparing({ _tag: "Ranges", radius: EVERYWHERE, ranges: asking(all, others) }, asker)
        const { entries, ranges } = differences(some)
        assert.deepStrictEqual(entries, [])
        assert.strictEqual(ranges.length, 8)
        const named = yield* comparing(
          { _tag: "Ranges", radius: EVERYWHERE, ranges: asking(divide(WHOLE, 4), others) },
          asker
        )
        const found = differences(named).entries.filter(({ digest }) => hexOf(digest) === hexOf(one!.key))
        assert.deepStrictEqual(found, [{ kind: 0, key: one!.key, digest: one!.key, expires: 10_000 }])
      })
    )
  )

  it.effect("leaves out what is too far away, and what does not live long enough to be handed on", () =>
    withAnswers(
      Effect.fnUntraced(function* ({ comparing, own, records }) {
        const [soon, late] = [block(1, { expires: 600 }), block(2, { expires: 601 })]
        yield* records.put([soon, late])
        const asked = { _tag: "Ranges", radius: EVERYWHERE, ranges: [{ ...WHOLE, digest: ZERO }] } as const
        const { entries } = differences(yield* comparing(asked, asker))
        assert.deepStrictEqual(
          entries.map(({ key }) => hexOf(key)),
          [hexOf(late.key)]
        )
        const farther = [own.nodeId, asker.nodeId]
          .map((id) => id.map((byte, at) => byte ^ late.key[at]!))
          .toSorted((a, b) => (hexOf(a) < hexOf(b) ? 1 : -1))[0]!
        const within = yield* comparing({ ...asked, radius: farther }, asker)
        assert.strictEqual(differences(within).entries.length, 1)
        const short = farther.slice()
        short[31]! ^= 1
        const radius = hexOf(short) < hexOf(farther) ? short : farther.with(30, farther[30]! - 1)
        assert.strictEqual(differences(yield* comparing({ ...asked, radius }, asker)).entries.length, 0)
      })
    )
  )

  it.effect("is a refusal of ranges that overlap, and a charge", () =>
    withAnswers(
      Effect.fnUntraced(function* ({ charged, comparing }) {
        const whole = { ...WHOLE, digest: ZERO }
        const asked = { _tag: "Ranges", radius: EVERYWHERE, ranges: [whole, whole] } as const
        assert.strictEqual(tagOf(yield* Effect.flip(comparing(asked, asker))), "Malformed")
        assert.deepStrictEqual(charged, ["malformed"])
      })
    )
  )

  it.effect("walks along so many rows for one peer, and then is busy for it until a while has passed", () =>
    withAnswers(
      Effect.fnUntraced(function* ({ comparing, records }) {
        yield* records.put(Array.from({ length: 2_000 }, (_, n) => block(n)))
        const asked = { _tag: "Ranges", radius: EVERYWHERE, ranges: [{ ...WHOLE, digest: ZERO }] } as const
        let answers = 0
        let refusal: string | undefined
        while (refusal === undefined && answers < 1_000)
          yield* Effect.match(comparing(asked, asker), {
            onFailure: ({ tag }) => {
              refusal = tag
            },
            onSuccess: () => answers++
          })
        assert.strictEqual(refusal, "Busy")
        assert.approximately(answers, 65, 2)
        yield* comparing(asked, peer("another"))
        yield* TestClock.adjust("5 seconds")
        yield* comparing(asked, asker)
      })
    )
  )
})
