import { assert, describe, it } from "@effect/vitest"
import { NodeDown, TestNetwork, type TestNode } from "allium/testing"
import { Clock, Effect } from "effect"
import { compareDistance } from "#core/dht/distance"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"
import { Dht } from "#services/dht/Dht"
import { Identity } from "#services/identity/Identity"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"
import { dhtLaws } from "../../laws/dht.ts"
import { mutable } from "./fixtures.ts"

const network = (nodes: number, replicationFactor = 5) => TestNetwork.make({ nodes, replicationFactor })

/** A node's Dht, to be called from the test. */
const dhtOf = (node: TestNode): Dht["Service"] => {
  const call = <A, E>(method: (dht: Dht["Service"]) => Effect.Effect<A, E>) =>
    Effect.catchIf(
      node.run(Effect.flatMap(Dht, method)),
      (error) => error instanceof NodeDown,
      (error) => Effect.die(error)
    )
  return Dht.of({
    putBlock: (...of) => call((dht) => dht.putBlock(...of)),
    getBlock: (...of) => call((dht) => dht.getBlock(...of)),
    putMutable: (...of) => call((dht) => dht.putMutable(...of)),
    getMutable: (...of) => call((dht) => dht.getMutable(...of)),
    provide: (...of) => call((dht) => dht.provide(...of)),
    findProviders: (...of) => call((dht) => dht.findProviders(...of)),
    putName: (...of) => call((dht) => dht.putName(...of)),
    getName: (...of) => call((dht) => dht.getName(...of)),
    putRecord: (...of) => call((dht) => dht.putRecord(...of)),
    refresh: (...of) => call((dht) => dht.refresh(...of)),
    getRecords: (...of) => call((dht) => dht.getRecords(...of))
  })
}
const onDisk = <A, E>(node: TestNode, use: (records: RecordStore["Service"]) => Effect.Effect<A, E>) =>
  node.run(Effect.flatMap(RecordStore, use))
const authorOf = (node: TestNode) => Effect.map(node.run(Identity), ({ publicKey }) => publicKey)

dhtLaws(
  "KademliaDht on six nodes",
  Effect.gen(function* () {
    const six = yield* network(6)
    const [writer, reader] = [six.node(1), six.node(4)]
    return {
      dht: dhtOf(writer),
      reader: dhtOf(reader),
      author: yield* authorOf(writer),
      networkId: (yield* writer.run(Identity)).networkId,
      now: Effect.orDie(writer.run(Clock.currentTimeMillis)),
      advance: (milliseconds: number) => six.advance(milliseconds)
    }
  }).pipe(Effect.orDie)
)

/** Unix seconds, beyond the days of the simulated nodes. */
const LATER = 4_000_000_000
const block = (n: number) => new Uint8Array(100).fill(n)
const closest = (nodes: ReadonlyArray<TestNode>, key: Uint8Array) =>
  nodes.toSorted((a, b) => compareDistance(key, a.nodeId, b.nodeId))
const keysOf = (nodes: ReadonlyArray<TestNode>) => nodes.map((it) => keyOf(it.nodeId))

describe("KademliaDht", () => {
  it.effect("keeps its own copy and places the others on the nodes closest to the key", () =>
    Effect.gen(function* () {
      const { nodes } = yield* network(10, 3)
      for (let n = 0; n < 10; n++) {
        const { factor, holders, key, reached } = yield* dhtOf(nodes[4]!).putBlock(block(n))
        const wanted = new Set([...keysOf(closest(nodes, key).slice(0, 3)), keyOf(nodes[4]!.nodeId)])
        assert.deepStrictEqual(new Set(holders.map(keyOf)), wanted)
        assert.deepStrictEqual([reached, factor], [wanted.size, 3])
        const holding = nodes.filter((it) => it.holds(RecordKind.Block, key))
        assert.deepStrictEqual(new Set(keysOf(holding)), wanted)
      }
    })
  )

  it.effect("goes on to the next closest where a node has gone, and finds the block although its putter has", () =>
    Effect.gen(function* () {
      const { nodes } = yield* network(8, 3)
      const putter = nodes[0]!
      const [first, ...others] = closest(nodes.slice(1), (yield* dhtOf(putter).putBlock(block(1))).key)
      yield* first!.stop
      const receipt = yield* dhtOf(putter).putBlock(block(2), { factor: 7 })
      assert.strictEqual(receipt.reached, 7)
      yield* putter.stop
      assert.deepStrictEqual(yield* dhtOf(others[2]!).getBlock(receipt.key), block(2))
    })
  )

  it.effect("stores alone what nobody else is there to store", () =>
    Effect.gen(function* () {
      const only = (yield* network(1)).node(0)
      const { holders, key, reached } = yield* dhtOf(only).putBlock(block(1))
      assert.deepStrictEqual([reached, keyOf(holders[0]!)], [1, keyOf(only.nodeId)])
      assert.deepStrictEqual(yield* dhtOf(only).getBlock(key), block(1))
    })
  )

  it.effect("asks on where a holder's block is damaged: it is not shown, and a good one takes its place", () =>
    Effect.gen(function* () {
      const eight = yield* network(8, 3)
      const { nodes } = eight
      const { key } = yield* dhtOf(nodes[1]!).putBlock(block(1))
      const damaged = closest(nodes, key)[0]!
      const row = { kind: RecordKind.Block, key, member: new Uint8Array(0), seq: 0, expires: LATER, storedBy: key }
      yield* onDisk(damaged, (records) => records.put([{ ...row, bytes: block(66) }]))
      const reader = nodes.find((it) => !closest(nodes, key).slice(0, 3).includes(it) && it !== nodes[1])!
      assert.deepStrictEqual(yield* dhtOf(reader).getBlock(key), block(1))
      yield* eight.advance("2 seconds")
      const held = yield* onDisk(damaged, (records) => records.get(RecordKind.Block, key))
      assert.isFalse(held.some(({ bytes }) => !equalBytes(bytes, block(1))))
      const sessions = yield* damaged.run(SessionManager)
      assert.isDefined(sessions.find(keyOf(reader.nodeId)))
    })
  )

  it.effect("shows the entries of all who say something under a plain name, to each his own first", () =>
    Effect.gen(function* () {
      const { nodes } = yield* network(6, 3)
      const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
      yield* dhtOf(a).putName("fruit", block(1))
      yield* dhtOf(b).putName("fruit", block(2))
      const values = (node: TestNode) =>
        Effect.map(dhtOf(node).getName("fruit"), (entries) => entries.map(({ value }) => value))
      assert.deepStrictEqual((yield* values(a))[0], block(1))
      assert.deepStrictEqual((yield* values(b))[0], block(2))
      assert.strictEqual((yield* values(c)).length, 2)
      yield* dhtOf(b).putName("fruit", new Uint8Array(0))
      assert.deepStrictEqual(yield* values(c), [block(1)])
    })
  )

  it.effect("finds a block elsewhere when its own copy has a bit turned over, and takes a good one in its place", () =>
    Effect.gen(function* () {
      const { nodes } = yield* network(8, 3)
      const { key } = yield* dhtOf(nodes[1]!).putBlock(block(1))
      const holder = closest(nodes, key)[0]!
      const [good] = yield* onDisk(holder, (records) => records.get(RecordKind.Block, key))
      const bytes = block(1)
      bytes[50] = 0
      yield* onDisk(holder, (records) => records.put([{ ...good!, bytes }]))
      assert.deepStrictEqual(yield* dhtOf(holder).getBlock(key), block(1))
      yield* dhtOf(nodes[1]!).putBlock(block(1))
      const [mended] = yield* onDisk(holder, (records) => records.get(RecordKind.Block, key))
      assert.deepStrictEqual(mended?.bytes, block(1))
    })
  )

  it.effect("gives holders of an older version the newest one that a read has seen", () =>
    Effect.gen(function* () {
      const eight = yield* network(8, 4)
      const { nodes } = eight
      const salt = Uint8Array.of(5)
      const author = nodes[1]!
      const { key } = yield* dhtOf(author).putMutable(salt, block(1))
      const holders = closest(nodes, key).slice(0, 4)
      const old = yield* Effect.forEach(holders, (it) => onDisk(it, (records) => records.get(RecordKind.Mutable, key)))
      yield* dhtOf(author).putMutable(salt, block(2))
      const stale = holders.find((it) => it !== author)!
      yield* onDisk(stale, (records) => records.put(old[holders.indexOf(stale)]!))
      const reader = nodes.find((it) => !holders.includes(it) && it !== author)!
      const record = yield* dhtOf(reader).getMutable(yield* authorOf(author), salt)
      assert.deepStrictEqual(record.value, block(2))
      yield* eight.advance("2 seconds")
      const [mended] = yield* onDisk(stale, (records) => records.get(RecordKind.Mutable, key))
      assert.strictEqual(mended?.seq, record.seq)
    })
  )

  it.effect("serves a block to whoever was told that this node provides it, found nowhere else", () =>
    Effect.gen(function* () {
      const { nodes } = yield* network(6, 2)
      const { key } = yield* dhtOf(nodes[2]!).putBlock(block(1))
      for (const node of nodes)
        if (node !== nodes[2]) yield* onDisk(node, (records) => records.remove(RecordKind.Block, key))
      const hints = [nodes[2]!.nodeId]
      assert.deepStrictEqual(yield* dhtOf(nodes[5]!).getBlock(key, { hints }), block(1))
    })
  )

  it.effect("takes no record of somebody else's making for its author's", () =>
    Effect.gen(function* () {
      const { nodes } = yield* network(5, 3)
      const author = yield* authorOf(nodes[1]!)
      const salt = Uint8Array.of(1)
      const { key } = yield* dhtOf(nodes[1]!).putMutable(salt, block(1))
      const fake = mutable("thief", { author, seq: 2 ** 50, expires: LATER })
      const row = {
        kind: RecordKind.Mutable,
        key,
        member: new Uint8Array(0),
        seq: 2 ** 50,
        expires: LATER,
        storedBy: key
      }
      const liar = closest(nodes, key).find((it) => it !== nodes[1])!
      yield* onDisk(liar, (records) => records.put([{ ...row, bytes: fake }]))
      const reader = nodes.find((it) => it !== liar && it !== nodes[1])!
      const record = yield* dhtOf(reader).getMutable(author, salt)
      assert.isTrue(equalBytes(record.value, block(1)))
    })
  )
})
