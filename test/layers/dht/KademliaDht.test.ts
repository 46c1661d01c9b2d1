import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { compareDistance } from "#core/dht/distance"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { dhtLaws } from "../../laws/dht.ts"
import { mutable } from "./fixtures.ts"
import { live, type NetworkNode, settle, startNetwork } from "./network.ts"

const hub = Layer.build(MemoryTransport.hub)
const network = (count: number, factor?: number) =>
  Effect.flatMap(hub, (services) => Effect.provideContext(startNetwork(count, factor), services))

dhtLaws(
  "KademliaDht on six nodes",
  Effect.gen(function* () {
    const nodes = yield* network(6)
    const [writer, reader] = [nodes[1]!, nodes[4]!]
    return { dht: writer.dht, reader: reader.dht, author: writer.identity.publicKey }
  }).pipe(Effect.orDie)
)

const block = (n: number) => new Uint8Array(100).fill(n)
const closest = (nodes: ReadonlyArray<NetworkNode>, key: Uint8Array) =>
  nodes.toSorted((a, b) => compareDistance(key, a.identity.nodeId, b.identity.nodeId))
const keysOf = (nodes: ReadonlyArray<NetworkNode>) => nodes.map((it) => keyOf(it.identity.nodeId))
const holds = (kind: number, key: Uint8Array) => (node: NetworkNode) =>
  Effect.map(node.records.get(kind, key), (found) => found.length > 0)

describe("KademliaDht", () => {
  it.effect("keeps its own copy and places the others on the nodes closest to the key", () =>
    Effect.gen(function* () {
      const nodes = yield* network(10, 3)
      for (let n = 0; n < 10; n++) {
        const { factor, holders, key, reached } = yield* nodes[4]!.dht.putBlock(block(n))
        const wanted = new Set([...keysOf(closest(nodes, key).slice(0, 3)), keyOf(nodes[4]!.identity.nodeId)])
        assert.deepStrictEqual(new Set(holders.map(keyOf)), wanted)
        assert.deepStrictEqual([reached, factor], [wanted.size, 3])
        const holding = yield* Effect.filter(nodes, holds(RecordKind.Block, key))
        assert.deepStrictEqual(new Set(keysOf(holding)), wanted)
      }
    })
  )

  it.effect("goes on to the next closest where a node has gone, and finds the block although its putter has", () =>
    Effect.gen(function* () {
      const nodes = yield* network(8, 3)
      const putter = nodes[0]!
      const [first, ...others] = closest(nodes.slice(1), (yield* putter.dht.putBlock(block(1))).key)
      yield* first!.stop
      yield* settle
      const receipt = yield* live(putter.dht.putBlock(block(2), { factor: 7 }))
      assert.strictEqual(receipt.reached, 7)
      yield* putter.stop
      yield* settle
      assert.deepStrictEqual(yield* live(others[2]!.dht.getBlock(receipt.key)), block(2))
    })
  )

  it.effect("stores alone what nobody else is there to store", () =>
    Effect.gen(function* () {
      const [only] = yield* network(1)
      const { holders, key, reached } = yield* only!.dht.putBlock(block(1))
      assert.deepStrictEqual([reached, keyOf(holders[0]!)], [1, keyOf(only!.identity.nodeId)])
      assert.deepStrictEqual(yield* only!.dht.getBlock(key), block(1))
    })
  )

  it.effect("does not believe a node that answers with other bytes", () =>
    Effect.gen(function* () {
      const nodes = yield* network(8, 3)
      const { key } = yield* nodes[1]!.dht.putBlock(block(1))
      const liar = closest(nodes, key)[0]!
      const row = { kind: RecordKind.Block, key, member: new Uint8Array(0), seq: 0, expires: 9_999, storedBy: key }
      yield* liar.records.put([{ ...row, bytes: block(66) }])
      const reader = nodes.find((it) => !closest(nodes, key).slice(0, 3).includes(it) && it !== nodes[1])!
      assert.deepStrictEqual(yield* live(reader.dht.getBlock(key)), block(1))
    })
  )

  it.effect("finds a block elsewhere when its own copy has a bit turned over, and takes a good one in its place", () =>
    Effect.gen(function* () {
      const nodes = yield* network(8, 3)
      const { key } = yield* nodes[1]!.dht.putBlock(block(1))
      const holder = closest(nodes, key)[0]!
      const [good] = yield* holder.records.get(RecordKind.Block, key)
      const bytes = block(1)
      bytes[50] = 0
      yield* holder.records.put([{ ...good!, bytes }])
      assert.deepStrictEqual(yield* live(holder.dht.getBlock(key)), block(1))
      yield* nodes[1]!.dht.putBlock(block(1))
      assert.deepStrictEqual((yield* holder.records.get(RecordKind.Block, key))[0]?.bytes, block(1))
    })
  )

  it.effect("gives holders of an older version the newest one that a read has seen", () =>
    Effect.gen(function* () {
      const nodes = yield* network(8, 4)
      const salt = Uint8Array.of(5)
      const author = nodes[1]!
      const { key } = yield* author.dht.putMutable(salt, block(1))
      const holders = closest(nodes, key).slice(0, 4)
      const old = yield* Effect.forEach(holders, (it) => it.records.get(RecordKind.Mutable, key))
      yield* TestClock.adjust("10 millis")
      yield* author.dht.putMutable(salt, block(2))
      const stale = holders.find((it) => it !== author)!
      yield* stale.records.put(old[holders.indexOf(stale)]!)
      const reader = nodes.find((it) => !holders.includes(it) && it !== author)!
      const record = yield* live(reader.dht.getMutable(author.identity.publicKey, salt))
      assert.deepStrictEqual(record.value, block(2))
      yield* settle
      const [mended] = yield* stale.records.get(RecordKind.Mutable, key)
      assert.strictEqual(mended?.seq, record.seq)
    })
  )

  it.effect("serves a block to whoever was told that this node provides it, found nowhere else", () =>
    Effect.gen(function* () {
      const nodes = yield* network(6, 2)
      const { key } = yield* nodes[2]!.dht.putBlock(block(1))
      for (const node of nodes) if (node !== nodes[2]) yield* node.records.remove(RecordKind.Block, key)
      const hints = [nodes[2]!.identity.nodeId]
      assert.deepStrictEqual(yield* live(nodes[5]!.dht.getBlock(key, { hints })), block(1))
    })
  )

  it.effect("takes no record of somebody else's making for its author's", () =>
    Effect.gen(function* () {
      const nodes = yield* network(5, 3)
      const author = nodes[1]!.identity.publicKey
      const salt = Uint8Array.of(1)
      const { key } = yield* nodes[1]!.dht.putMutable(salt, block(1))
      const fake = mutable("thief", { author, seq: 2 ** 50, expires: 9_999 })
      const row = {
        kind: RecordKind.Mutable,
        key,
        member: new Uint8Array(0),
        seq: 2 ** 50,
        expires: 9_999,
        storedBy: key
      }
      const liar = closest(nodes, key).find((it) => it !== nodes[1])!
      yield* liar.records.put([{ ...row, bytes: fake }])
      const reader = nodes.find((it) => it !== liar && it !== nodes[1])!
      const record = yield* live(reader.dht.getMutable(author, salt))
      assert.isTrue(equalBytes(record.value, block(1)))
    })
  )
})
