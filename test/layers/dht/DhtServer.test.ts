import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { compareBytes, hexOf } from "#schemas/bytes/bytes"
import { writeAnswer } from "#schemas/dht/DhtMessage"
import { RecordKind } from "#schemas/dht/Record"
import { INNER_LIMIT } from "#schemas/session/Frame"
import { mutable, mutableKey, name, nameKey, peer, provider, signingOf, suite } from "./fixtures.ts"
import { asValues, withServer } from "./serving.ts"

const asker = peer("asker")
const nothing = new Uint8Array(0)
/** A name's longest value. */
const FULL = { value: new Uint8Array(1024).fill(7) }

describe("DhtServer", () => {
  it.effect("names at most 20 nodes, never the one that asks nor one whose record has expired", () => {
    const stale = peer("stale", { expires: 0, issued: -0 })
    const known = [asker, stale, ...Array.from({ length: 30 }, (_, n) => peer(`n${n}`))]
    return withServer(
      known,
      Effect.fnUntraced(function* (ask) {
        const answer = yield* ask({ _tag: "FindNode", target: asker.nodeId }, asker)
        const peers = answer._tag === "Nodes" ? answer.peers : []
        assert.isAtMost(peers.length, 20)
        assert.isAtLeast(peers.length, 19)
        assert.isFalse(peers.includes(asker.bytes) || peers.includes(stale.bytes))
      })
    )
  })

  it.effect("stores, and then answers the record with its seq", () =>
    withServer(
      [peer("n")],
      Effect.fnUntraced(function* (ask) {
        const record = mutable("a", { seq: 3 })
        const stored = yield* ask({ _tag: "Store", kind: RecordKind.Mutable, record, ttl: 99, work: nothing }, asker)
        assert.deepStrictEqual(stored, { _tag: "Stored", heldSeq: 3, expires: 99 })
        const find = (minSeq: number) =>
          ask({ _tag: "FindValue", kind: RecordKind.Mutable, key: mutableKey("a"), minSeq, after: nothing }, asker)
        const found = asValues(yield* find(3))
        assert.deepStrictEqual(found.records, [record])
        assert.strictEqual(found.peers.length, 1)
        assert.deepStrictEqual(asValues(yield* find(4)).records, [])
      })
    )
  )

  it.effect("answers a block without naming anybody, for the search is over", () =>
    withServer(
      [peer("n")],
      Effect.fnUntraced(function* (ask) {
        const record = new Uint8Array(32_768).fill(1)
        yield* ask({ _tag: "Store", kind: RecordKind.Block, record, ttl: 99, work: nothing }, asker)
        const request = { _tag: "FindValue", kind: RecordKind.Block, key: suite.sha256(record), minSeq: 0 } as const
        const found = asValues(yield* ask({ ...request, after: nothing }, asker))
        assert.deepStrictEqual(found, { _tag: "Values", records: [record], peers: [], more: false })
      })
    )
  )

  it.effect("shows every provider once when paged by `after`, in ascending SHA-256", () =>
    withServer(
      [],
      Effect.fnUntraced(function* (ask) {
        const key = suite.sha256(Uint8Array.of(1))
        const offered = Array.from({ length: 9 }, (_, n) => provider(`p${n}`, key))
        for (const record of offered) yield* ask({ _tag: "AddProvider", record }, asker)
        const sorted = offered.toSorted((a, b) => compareBytes(suite.sha256(a), suite.sha256(b)))
        const all = asValues(yield* ask({ _tag: "GetProviders", key, after: nothing }, asker))
        assert.deepStrictEqual(all.records, sorted)
        const rest = asValues(yield* ask({ _tag: "GetProviders", key, after: suite.sha256(sorted[5]!) }, asker))
        assert.deepStrictEqual(rest.records, sorted.slice(6))
      })
    )
  )

  it.effect("fits every answer into a frame: peers are left out first, then records, and it says so", () =>
    withServer(
      Array.from({ length: 20 }, (_, n) => peer(`n${n}`, { addresses: [new Uint8Array(600)] })),
      Effect.fnUntraced(function* (ask, records) {
        const big = mutable("a", { value: new Uint8Array(61_000) })
        yield* ask({ _tag: "Store", kind: RecordKind.Mutable, record: big, ttl: 99, work: nothing }, asker)
        const request = { _tag: "FindValue", kind: RecordKind.Mutable, minSeq: 0, after: nothing } as const
        const one = asValues(yield* ask({ ...request, key: mutableKey("a") }, asker))
        assert.strictEqual(one.records.length, 1)
        assert.isAtLeast(one.peers.length, 1)
        assert.isAtMost(writeAnswer(one).length + 5, INNER_LIMIT)
        const key = nameKey("n")
        const row = (n: number) => ({ kind: RecordKind.Name, key, member: signingOf(`a${n}`).publicKey, seq: 1 })
        const put = (n: number) => ({ ...row(n), expires: 9, storedBy: key, bytes: name(`a${n}`, "n", FULL) })
        yield* records.put(Array.from({ length: 64 }, (_, n) => put(n)))
        const find = { _tag: "FindValue", kind: RecordKind.Name, key, minSeq: 0 } as const
        const seen = new Set<string>()
        let after: Uint8Array = nothing
        for (let more = true; more; ) {
          const found = asValues(yield* ask({ ...find, after }, asker))
          assert.isAtMost(writeAnswer(found).length + 5, INNER_LIMIT)
          assert.isAtLeast(found.records.length, 1)
          for (const record of found.records) seen.add(hexOf(record))
          after = suite.sha256(found.records.at(-1)!)
          more = found.more
        }
        assert.strictEqual(seen.size, 64)
      })
    )
  )

  it.effect("says NotClosest with the closer nodes as data, and other refusals by their word", () =>
    withServer(
      [peer("n")],
      Effect.fnUntraced(function* (ask) {
        const refused = (record: Uint8Array) =>
          Effect.flip(ask({ _tag: "Store", kind: RecordKind.Mutable, record, ttl: 99, work: nothing }, asker))
        assert.deepInclude(yield* refused(mutable("a")), { tag: "NotClosest", data: [peer("n").bytes] })
        assert.deepInclude(yield* refused(Uint8Array.of(1)), { tag: "Malformed", data: null })
      }),
      false
    )
  )

  it.effect("does not show a block that the disk has damaged, and drops it", () =>
    withServer(
      [peer("n")],
      Effect.fnUntraced(function* (ask, records) {
        const block = new Uint8Array(100).fill(1)
        const key = suite.sha256(block)
        yield* ask({ _tag: "Store", kind: RecordKind.Block, record: block, ttl: 99, work: nothing }, asker)
        const [row] = yield* records.get(RecordKind.Block, key)
        const damaged = block.slice()
        damaged[50] = 0
        yield* records.put([{ ...row!, bytes: damaged }])
        const find = { _tag: "FindValue", kind: RecordKind.Block, key, minSeq: 0, after: nothing } as const
        const found = asValues(yield* ask(find, asker))
        assert.deepStrictEqual([found.records.length, found.peers.length], [0, 1])
        assert.deepStrictEqual(yield* records.get(RecordKind.Block, key), [])
      })
    )
  )

  it.effect("does not show a record whose bytes are no longer what was signed, and drops it", () =>
    withServer(
      [],
      Effect.fnUntraced(function* (ask, records) {
        const record = mutable("a")
        const key = mutableKey("a")
        yield* ask({ _tag: "Store", kind: RecordKind.Mutable, record, ttl: 99, work: nothing }, asker)
        const [row] = yield* records.get(RecordKind.Mutable, key)
        const damaged = record.slice()
        damaged[damaged.length - 70]! ^= 4
        yield* records.put([{ ...row!, bytes: damaged }])
        const find = { _tag: "FindValue", kind: RecordKind.Mutable, key, minSeq: 0, after: nothing } as const
        assert.deepStrictEqual(asValues(yield* ask(find, asker)).records, [])
        assert.deepStrictEqual(yield* records.get(RecordKind.Mutable, key), [])
      })
    )
  )

  it.effect("does not show what nobody here can judge any more, and keeps it", () =>
    withServer(
      [],
      Effect.fnUntraced(function* (ask, records) {
        const row = { kind: RecordKind.Snapshot, key: nameKey("n"), member: nothing, seq: 1, expires: 99 }
        yield* records.put([{ ...row, storedBy: nameKey("n"), bytes: new Uint8Array(9) }])
        const find = { _tag: "FindValue", kind: RecordKind.Snapshot, key: row.key, minSeq: 0, after: nothing } as const
        assert.deepStrictEqual(asValues(yield* ask(find, asker)).records, [])
        assert.strictEqual((yield* records.get(RecordKind.Snapshot, row.key)).length, 1)
      })
    )
  )
})
