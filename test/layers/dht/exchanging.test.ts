/** What two neighbours bring each other, and what of a neighbour's word is believed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { differencesOf } from "#core/dht/differences"
import { WHOLE } from "#core/dht/keyPrefix"
import { type Item, RangeSums } from "#core/dht/rangeDigest"
import * as CheckedStorePipeline from "#layers/dht/CheckedStorePipeline"
import { makeExchanging } from "#layers/dht/exchanging"
import * as KindValidators from "#layers/dht/KindValidators"
import { makeSumming } from "#layers/dht/summing"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { compareBytes, hexOf, keyOf, utf8 } from "#schemas/bytes/bytes"
import type { DhtAnswer, DhtRequest } from "#schemas/dht/DhtMessage"
import type { RangeEntry } from "#schemas/dht/Ranges"
import { RecordKind } from "#schemas/dht/Record"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { Rpc, type RpcError, RpcTimeout } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore, type StoredRecord } from "#services/storage/RecordStore"
import { identity, mutable, mutableKey, peer, provider, suite, table } from "./fixtures.ts"

const { sha256 } = suite
const neighbour = peer("neighbour")
const none = new Uint8Array(0)
const ZERO = new Uint8Array(32)
const LATE = 100_000

const row = (kind: number, key: Uint8Array, bytes: Uint8Array, fields: Partial<StoredRecord> = {}): StoredRecord => ({
  kind,
  key,
  bytes,
  member: none,
  seq: 0,
  expires: LATE,
  storedBy: neighbour.nodeId,
  ...fields
})
const block = (n: number, fields: Partial<StoredRecord> = {}): StoredRecord => {
  const bytes = utf8(`block ${n}`)
  return row(RecordKind.Block, sha256(bytes), bytes, fields)
}
const itemOf = ({ bytes, expires, key, kind }: StoredRecord): Item => ({ kind, key, digest: sha256(bytes), expires })

/** A neighbour that keeps the protocol and holds these; `say` may answer in its place. */
class Neighbour {
  readonly held: Array<StoredRecord>
  readonly asked: Array<DhtRequest> = []
  readonly say: (request: DhtRequest) => Effect.Effect<DhtAnswer, RpcError> | undefined

  constructor(held: ReadonlyArray<StoredRecord>, say: Neighbour["say"] = () => undefined) {
    this.held = [...held]
    this.say = say
  }

  answer(request: DhtRequest): Effect.Effect<DhtAnswer, RpcError> {
    this.asked.push(request)
    return this.say(request) ?? Effect.succeed(this.#properly(request))
  }

  of(tag: DhtRequest["_tag"]): ReadonlyArray<DhtRequest> {
    return this.asked.filter(({ _tag }) => _tag === tag)
  }

  #properly(request: DhtRequest): DhtAnswer {
    if (request._tag === "Ranges") {
      const sums = new RangeSums(sha256, request.ranges)
      const items = this.held.map(itemOf).sort((a, b) => compareBytes(a.key, b.key))
      for (const item of items) sums.add(item)
      return { _tag: "Differences", ...differencesOf(request.ranges, sums.sums) }
    }
    if (request._tag !== "FindValue") return { _tag: "Stored", heldSeq: 0, expires: LATE }
    const records = this.held
      .filter((it) => it.kind === request.kind && hexOf(it.key) === hexOf(request.key))
      .map(({ bytes }) => bytes)
    return { _tag: "Values", records, peers: [], more: false }
  }
}

const withNeighbour = <A, E>(
  held: ReadonlyArray<StoredRecord>,
  other: Neighbour,
  body: (parts: {
    readonly exchange: (
      mutual?: boolean
    ) => Effect.Effect<{ sent: number; fetched: number; answered: boolean }, unknown>
    readonly records: RecordStore["Service"]
    readonly charged: ReadonlyArray<string>
  }) => Effect.Effect<A, E>
) => {
  const charged: Array<string> = []
  const sessions = Layer.succeed(SessionManager, {
    charge: (_, offence) => void charged.push(offence)
  } as SessionManager["Service"])
  const rpc = Layer.mock(Rpc, {
    hello: () => undefined,
    roundTrip: () => undefined,
    dht: (_, request) => other.answer(request)
  })
  return Effect.gen(function* () {
    const records = yield* RecordStore
    yield* records.put(held)
    const summing = yield* makeSumming
    const run = yield* makeExchanging(summing)
    const exchange = Effect.fnUntraced(function* (mutual = true) {
      const { sums } = yield* summing.sum([WHOLE], { rows: Number.POSITIVE_INFINITY })
      const shared = sums.map((sum) => ({ ...sum.range, digest: sum.digest, mutual, rows: sum.count }))
      return yield* run(neighbour, shared)
    })
    return yield* body({ exchange, records, charged })
  }).pipe(
    Effect.provide(
      CheckedStorePipeline.layer.pipe(
        Layer.provideMerge(KindValidators.layer),
        Layer.provideMerge(table([])),
        Layer.provideMerge(MemoryRecordStore.layer()),
        Layer.provideMerge(Layer.merge(rpc, sessions)),
        Layer.provideMerge(identity("me"))
      )
    ),
    Effect.scoped
  )
}

describe("neighbours", () => {
  it.effect("bring each other what the other lacks, many records in few questions", () => {
    const both = Array.from({ length: 500 }, (_, n) => block(n))
    const other = new Neighbour([...both, ...[901, 902, 903].map((n) => block(n))])
    return withNeighbour(
      [...both, block(801), block(802)],
      other,
      Effect.fnUntraced(function* ({ exchange, records }) {
        assert.deepStrictEqual(yield* exchange(), { sent: 2, fetched: 3, answered: true })
        const stored = other.of("Store").map((it) => (it._tag === "Store" ? hexOf(sha256(it.record)) : ""))
        assert.sameMembers(
          stored,
          [block(801), block(802)].map(({ key }) => hexOf(key))
        )
        assert.strictEqual((yield* records.get(0, block(902).key)).length, 1)
        assert.isBelow(other.of("Ranges").length, 10)
      })
    )
  })

  it.effect("hand on what is left of a life and never more, and nothing that is about to end", () => {
    const other = new Neighbour([block(3, { expires: 5_000 }), block(4, { expires: 0 })])
    return withNeighbour(
      [block(1, { expires: 4_000 }), block(2, { expires: 600 })],
      other,
      Effect.fnUntraced(function* ({ exchange, records }) {
        yield* exchange()
        assert.deepStrictEqual(
          other.of("Store").map((it) => (it._tag === "Store" ? [it.ttl, hexOf(sha256(it.record))] : [])),
          [[4_000, hexOf(block(1).key)]]
        )
        const [fetched] = yield* records.get(0, block(3).key)
        assert.strictEqual(fetched?.expires, 5_000)
        // Of whose life nothing is said: it would begin a new one here.
        assert.deepStrictEqual(yield* records.get(0, block(4).key), [])
      })
    )
  })

  it.effect("settle on the newest version, and bring providers as what they are", () => {
    const key = mutableKey("author")
    const version = (seq: number) => row(RecordKind.Mutable, key, mutable("author", { seq, expires: LATE }), { seq })
    const content = sha256(none)
    const announced = row(RecordKind.Provider, content, provider("provider", content, 0, 80_000))
    const other = new Neighbour([version(2)])
    return withNeighbour(
      [version(1), announced],
      other,
      Effect.fnUntraced(function* ({ exchange, records }) {
        assert.deepStrictEqual(yield* exchange(), { sent: 1, fetched: 1, answered: true })
        assert.strictEqual((yield* records.get(RecordKind.Mutable, key))[0]?.seq, 2)
        assert.strictEqual(other.of("Store").length, 0, "the older version is not sent when the newer has come")
        assert.strictEqual(other.of("AddProvider").length, 1)
      })
    )
  })

  it.effect("only hand on where this node is not one of the closest", () => {
    const other = new Neighbour([block(2)])
    return withNeighbour(
      [block(1)],
      other,
      Effect.fnUntraced(function* ({ exchange }) {
        assert.deepStrictEqual(yield* exchange(false), { sent: 1, fetched: 0, answered: true })
      })
    )
  })

  it.effect("are not given what the disk has spoiled, which goes", () => {
    const other = new Neighbour([])
    return withNeighbour(
      [{ ...block(1), bytes: utf8("another block") }, block(2)],
      other,
      Effect.fnUntraced(function* ({ exchange, records }) {
        assert.strictEqual((yield* exchange()).sent, 1)
        assert.deepStrictEqual(yield* records.get(0, block(1).key), [])
      })
    )
  })
})

describe("a neighbour that does not keep the protocol", () => {
  const claims = (count: number): ReadonlyArray<RangeEntry> =>
    Array.from({ length: count }, (_, n) => {
      const key = sha256(utf8(`claim ${n}`))
      return { kind: 0 as const, key, digest: key, expires: LATE }
    })

  it.effect("is not asked on for what it names and has not, and is charged", () => {
    const other = new Neighbour([], (request) =>
      request._tag === "Ranges"
        ? Effect.succeed({ _tag: "Differences", ranges: [{ ...WHOLE, digest: ZERO }], entries: claims(400) })
        : undefined
    )
    return withNeighbour(
      [block(1)],
      other,
      Effect.fnUntraced(function* ({ charged, exchange }) {
        assert.deepInclude(yield* exchange(), { fetched: 0 })
        assert.isBelow(other.of("FindValue").length, 30)
        assert.include(charged, "useless answer")
      })
    )
  })

  it.effect("is charged for ranges that nobody asked about", () => {
    const other = new Neighbour([], () =>
      Effect.succeed({ _tag: "Differences", ranges: [], entries: claims(1) } satisfies DhtAnswer)
    )
    return withNeighbour(
      [block(1)],
      other,
      Effect.fnUntraced(function* ({ charged, exchange }) {
        yield* exchange()
        assert.deepStrictEqual(charged, ["useless answer"])
      })
    )
  })

  it.effect("has its records checked as those of any stranger", () => {
    const forged = mutable("author", { expires: LATE })
    forged[forged.length - 1]! ^= 1
    const other = new Neighbour([row(RecordKind.Mutable, mutableKey("author"), forged)])
    return withNeighbour(
      [],
      other,
      Effect.fnUntraced(function* ({ charged, exchange, records }) {
        assert.deepInclude(yield* exchange(), { fetched: 0 })
        assert.deepStrictEqual(yield* records.get(RecordKind.Mutable, mutableKey("author")), [])
        assert.deepStrictEqual(charged, ["bad record"])
      })
    )
  })

  it.effect("is asked so many questions and no more, whatever it answers", () => {
    // Each range differs for ever: its digest is another whenever it is named.
    let turn = 0
    const other = new Neighbour([], (request) => {
      if (request._tag !== "Ranges") return undefined
      turn++
      const ranges = request.ranges.map((range) => ({ ...range, digest: sha256(Uint8Array.of(turn)) }))
      return Effect.succeed({ _tag: "Differences", ranges, entries: [] })
    })
    return withNeighbour(
      Array.from({ length: 100 }, (_, n) => block(n)),
      other,
      Effect.fnUntraced(function* ({ exchange }) {
        yield* exchange()
        assert.isAtMost(other.of("Ranges").length, 64)
      })
    )
  })

  it.effect("is let alone when it is silent, and what was not sent waits", () => {
    const timeout = new RpcTimeout({ peer: "it", method: "Ranges", milliseconds: 1 })
    const other = new Neighbour([], () => Effect.fail(timeout))
    return withNeighbour(
      [block(1)],
      other,
      Effect.fnUntraced(function* ({ exchange }) {
        assert.deepStrictEqual(yield* exchange(), { sent: 0, fetched: 0, answered: false })
        assert.strictEqual(other.asked.length, 1)
      })
    )
  })

  it.effect("is brought no more once it has refused many records", () => {
    const full = new RpcFailure({ tag: "Quota", detail: "", data: null })
    const other = new Neighbour([], (request) => (request._tag === "Store" ? Effect.fail(full) : undefined))
    return withNeighbour(
      Array.from({ length: 400 }, (_, n) => block(n)),
      other,
      Effect.fnUntraced(function* ({ exchange }) {
        assert.deepStrictEqual(yield* exchange(), { sent: 0, fetched: 0, answered: true })
        assert.isAtMost(other.of("Store").length, 70)
      })
    )
  })

  it.effect("is taken at its word when it is busy", () => {
    const busy = new RpcFailure({ tag: "Busy", detail: "", data: null })
    const other = new Neighbour([], (request) => (request._tag === "Store" ? Effect.fail(busy) : undefined))
    return withNeighbour(
      Array.from({ length: 30 }, (_, n) => block(n)),
      other,
      Effect.fnUntraced(function* ({ exchange }) {
        assert.deepStrictEqual(yield* exchange(), { sent: 0, fetched: 0, answered: true })
        assert.isAtMost(other.of("Store").length, 5)
        assert.strictEqual(keyOf(neighbour.nodeId), neighbour.key)
      })
    )
  })
})
