/** Operations that nobody who is there has, from the network, and peers who cannot be joined. */
import { assert, describe, it } from "@effect/vitest"
import { Dht } from "allium"
import { Effect } from "effect"
import { Parted } from "#layers/crdt/Parted"
import { keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { OpLog } from "#services/crdt/OpLog"
import { agree, documentOn, notesOn, open, read, type } from "./notes.ts"

const logOf = (channel: Uint8Array) => Effect.map(OpLog, (logs) => logs.find(keyOf(channel))!)

/** The records of its first author, in order. */
const records = (channel: Uint8Array) =>
  Effect.gen(function* () {
    const log = yield* logOf(channel)
    const { author, seq } = log.extents()[0]!
    return yield* log.read([{ author, from: 1, to: seq }])
  })

const written = (storeFor: number | undefined) =>
  Effect.gen(function* () {
    const network = yield* notesOn(6, { opened: { storeFor, discover: false } })
    const channel = yield* documentOn(network, [0])
    for (const letter of "abc") yield* network.node(0).run(type(channel, letter))
    yield* network.advance("10 seconds")
    const all = yield* network.node(0).run(records(channel))
    yield* network.node(0).stop
    return { network, channel, all }
  })

describe("operations one by one", () => {
  it.effect("are found on the network by who has a later one, when nobody else has the document open", () =>
    Effect.gen(function* () {
      const { all, channel, network } = yield* written(3600)
      yield* network.node(4).run(open(channel))
      const admitted = yield* network.node(4).run(Effect.flatMap(logOf(channel), (log) => log.admit(all.slice(2))))
      assert.deepStrictEqual([admitted.taken, admitted.waiting], [0, 1])
      yield* agree(network, [4], channel, 3, "1 minute")
      assert.strictEqual(yield* network.node(4).run(read(channel)), "cba")
    })
  )

  it.effect("are not stored on the network unless the app says so", () =>
    Effect.gen(function* () {
      const { all, channel, network } = yield* written(undefined)
      yield* network.node(4).run(open(channel))
      yield* network.node(4).run(Effect.flatMap(logOf(channel), (log) => log.admit(all.slice(2))))
      const missing = yield* network.node(4).run(Effect.map(logOf(channel), (log) => log.missing(10)))
      assert.strictEqual(missing.length, 1)
      const found = Effect.flatMap(Dht, (dht) => dht.getRecords(RecordKind.Op, missing[0]!))
      assert.deepStrictEqual(yield* network.node(4).run(found), [])
      yield* network.advance("2 minutes")
      assert.strictEqual(yield* network.node(4).run(read(channel)), "")
    })
  )
})

describe("a peer whose log cannot be joined", () => {
  it("is passed over twice as often after each comparison that came to nothing, until one goes well", () => {
    const parted = new Parted()
    const turns = () => {
      let passed = 0
      while (parted.passes("a")) passed++
      return passed
    }
    const waits = Array.from({ length: 8 }, () => {
      parted.note("a")
      return turns()
    })
    assert.deepStrictEqual(waits, [2, 4, 8, 16, 32, 64, 64, 64])
    parted.forget("a")
    assert.strictEqual(turns(), 0)
    assert.isFalse(parted.passes("b"))
  })

  it("takes no more memory however many of them there are", () => {
    const parted = new Parted()
    for (let n = 0; n < 1_000; n++) parted.note(`${n}`)
    assert.strictEqual(parted.size, 64)
  })
})
