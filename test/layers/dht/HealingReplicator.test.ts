/** What keeps records alive, on whole nodes in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { compareDistance } from "#core/dht/distance"
import { Outcomes } from "#core/dht/Outcomes"
import { makeChallenging } from "#layers/dht/challenging"
import { cidOfDigest, cidText, RAW } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import { Blobs } from "#services/content/Blobs"
import { Dht } from "#services/dht/Dht"
import { Receipts } from "#services/dht/Receipts"
import { Replicator } from "#services/dht/Replicator"
import { RecordStore } from "#services/storage/RecordStore"
import { TestNetwork } from "#simulator/TestNetwork"
import type { TestNode } from "#simulator/TestNode"

const block = (n: number): Uint8Array => Uint8Array.of(n & 255, n >> 8, 42)
const putBlock = (n: number, options = {}) => Effect.flatMap(Dht, (dht) => dht.putBlock(block(n), options))
const closestTo = (key: Uint8Array, nodes: ReadonlyArray<TestNode<never>>, count: number) =>
  nodes
    .filter((node) => node.isUp)
    .toSorted((a, b) => compareDistance(key, a.nodeId, b.nodeId))
    .slice(0, count)

const networkOf = (nodes: number, options = {}) =>
  Effect.map(TestNetwork.make({ nodes, sessions: "plain", replicationFactor: 3, ...options }), (network) => ({
    network,
    nodes: Array.from({ length: nodes }, (_, n) => network.node(n))
  }))

const putMany = Effect.fnUntraced(function* (nodes: ReadonlyArray<TestNode<never>>, count: number) {
  const keys: Array<Uint8Array> = []
  for (let n = 0; n < count; n++) keys.push((yield* nodes[n % nodes.length]!.run(putBlock(n))).key)
  return keys
})

describe("neighbours", () => {
  it.effect("fill the disk of one that lost it, without anybody asking for a record", () =>
    Effect.gen(function* () {
      const { network, nodes } = yield* networkOf(12)
      const keys = yield* putMany(nodes, 60)
      const victim = nodes[5]!
      const due = keys.filter((key) => closestTo(key, nodes, 3).includes(victim))
      assert.isAbove(due.length, 5)
      yield* victim.crash({ disk: "lost" })
      yield* victim.start
      assert.isFalse(due.some((key) => victim.holds(RecordKind.Block, key)))
      yield* network.until(() => due.every((key) => victim.holds(RecordKind.Block, key)), { within: "5 minutes" })
    })
  )

  it.effect("hand a newcomer what is his, and for no longer than it would have lived", () =>
    Effect.gen(function* () {
      const { network, nodes } = yield* networkOf(12)
      const put = yield* nodes[0]!.run(putBlock(1_000, { lifetime: 5_000 }))
      const keys = yield* putMany(nodes, 100)
      const newcomer = yield* network.addNode()
      const all = [...nodes, newcomer]
      const due = [...keys, put.key].filter((key) => closestTo(key, all, 3).includes(newcomer))
      assert.isAbove(due.length, 5)
      yield* network.until(() => due.every((key) => newcomer.holds(RecordKind.Block, key)), { within: "5 minutes" })
      const expiryOf = (node: TestNode<never>) =>
        node.run(Effect.flatMap(RecordStore, (records) => records.get(RecordKind.Block, put.key)))
      for (const node of all) {
        const [held] = yield* expiryOf(node)
        if (held !== undefined) assert.approximately(held.expires, put.expires, 2)
      }
    })
  )

  it.effect("compare again when told, and count what went over", () =>
    Effect.gen(function* () {
      const { network, nodes } = yield* networkOf(4)
      const keys = yield* putMany(nodes, 20)
      const [first] = nodes as [TestNode<never>]
      const [lost] = keys as [Uint8Array]
      for (const node of nodes.slice(1))
        yield* node.run(Effect.flatMap(RecordStore, (records) => records.remove(RecordKind.Block, lost)))
      yield* first.run(Effect.flatMap(Replicator, ({ syncNow }) => syncNow))
      const holders = nodes.filter((node) => node.holds(RecordKind.Block, lost))
      assert.isAtLeast(holders.length, 3)
      const metrics = yield* first.run(Effect.flatMap(Replicator, (replicator) => replicator.metrics))
      assert.isAtLeast(metrics.sent, 2)
      assert.isNotNull(metrics.lastSync)
      const before = network.traffic.messages
      yield* first.run(Effect.flatMap(Replicator, ({ syncNow }) => syncNow))
      assert.isBelow(network.traffic.messages - before, 20, "what is equal costs a question for each neighbour")
    })
  )
})

describe("a damaged disk", () => {
  it.effect("is found by reading it through, and mended from the network", () =>
    Effect.gen(function* () {
      const { nodes } = yield* networkOf(4)
      yield* putMany(nodes, 12)
      const [first] = nodes as [TestNode<never>]
      const scrub = Effect.flatMap(Replicator, ({ scrubNow }) => scrubNow)
      assert.deepStrictEqual(yield* first.run(scrub), { damaged: 0, mended: 0 })
      assert.isTrue(yield* first.disk.flipBit)
      assert.deepStrictEqual(yield* first.run(scrub), { damaged: 1, mended: 1 })
      assert.deepStrictEqual(yield* first.run(scrub), { damaged: 0, mended: 0 })
      const metrics = yield* first.run(Effect.flatMap(Replicator, (replicator) => replicator.metrics))
      assert.deepInclude(metrics, { damaged: 1, mended: 1 })
    })
  )

  it.effect("is read through by itself within a day", () =>
    Effect.gen(function* () {
      const { network, nodes } = yield* networkOf(3, { tempo: "calm" })
      yield* putMany(nodes, 10)
      assert.isTrue(yield* nodes[1]!.disk.flipBit)
      const metrics = nodes[1]!.run(Effect.flatMap(Replicator, (replicator) => replicator.metrics))
      const isMended = Effect.orDie(Effect.map(metrics, ({ mended }) => mended === 1))
      yield* network.until(() => isMended, { within: "1 day" })
    })
  )
})

describe("promises", () => {
  it.effect("that are not kept are charged for, and what was promised is stored elsewhere", () =>
    Effect.gen(function* () {
      const { nodes } = yield* networkOf(10)
      const [putter] = nodes as [TestNode<never>]
      const { holders, key } = yield* putter.run(putBlock(1))
      const others = nodes.filter((node) => node !== putter && node.holds(RecordKind.Block, key))
      assert.isAtLeast(others.length, 2)
      const challenge = (to: TestNode<never>) =>
        to.run(
          Effect.gen(function* () {
            const challenging = yield* makeChallenging(yield* Receipts, new Outcomes(10))
            yield* challenging.round
            return challenging.broken()
          })
        )
      assert.strictEqual(yield* challenge(putter), 0)
      // Everybody who promised it drops it, so that no neighbour has it to give back.
      for (const node of others)
        yield* node.run(Effect.flatMap(RecordStore, (records) => records.remove(RecordKind.Block, key)))
      assert.isAtLeast(yield* challenge(putter), 1)
      assert.isAtLeast(nodes.filter((node) => node.holds(RecordKind.Block, key)).length, holders.length)
      assert.strictEqual(yield* challenge(putter), 0)
    })
  )
})

describe("content that is kept", () => {
  const status = (cid: Parameters<Replicator["Service"]["status"]>[0]) =>
    Effect.flatMap(Replicator, (replicator) => replicator.status(cid))

  it.effect("is refreshed before it dies, and not any more once it was removed", () =>
    Effect.gen(function* () {
      const { network, nodes } = yield* networkOf(3, { tempo: "calm" })
      const [first, second] = nodes as [TestNode<never>, TestNode<never>]
      const content = new Uint8Array(70_000).map((_, n) => n % 251)
      const put = Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.succeed(content)))
      const { blocks, cid } = yield* first.run(put)
      assert.strictEqual(blocks, 4)
      const other = yield* second.run(putBlock(1, { keep: false }))
      assert.deepInclude(yield* first.run(status(cid)), { target: 3, actual: 3, health: "healthy", local: true })
      yield* network.advance("10 days")
      const get = Effect.flatMap(Blobs, (blobs) => Stream.runCollect(blobs.get(cid)))
      const chunks = yield* second.run(get)
      assert.strictEqual(
        chunks.reduce((sum, it) => sum + it.length, 0),
        70_000
      )
      assert.isFalse(nodes.some((node) => node.holds(RecordKind.Block, other.key)))
      yield* first.run(Effect.flatMap(Replicator, (replicator) => replicator.removeContent(cid)))
      assert.strictEqual((yield* Effect.flip(first.run(status(cid))))._tag, "NotFound")
      yield* network.advance("8 days")
      assert.strictEqual((yield* Effect.flip(second.run(get)))._tag, "BlobIncomplete")
    })
  )

  it.effect("may be another's: it is fetched, and counted from then on", () =>
    Effect.gen(function* () {
      const { network, nodes } = yield* networkOf(5)
      const [first] = nodes as [TestNode<never>]
      const { key } = yield* first.run(putBlock(1, { lifetime: 86_400 }))
      const cid = cidOfDigest(RAW, key)
      const keeper = nodes.find((node) => !node.holds(RecordKind.Block, key))!
      const replicator = <A, E>(use: (it: Replicator["Service"]) => Effect.Effect<A, E>) =>
        keeper.run(Effect.flatMap(Replicator, use))
      yield* replicator((it) => it.addContent(cid, { factor: 2, priority: 4 }))
      assert.isTrue(keeper.holds(RecordKind.Block, key))
      const found = yield* replicator((it) => it.status(cid))
      assert.deepInclude(found, { cid: cidText(cid), target: 2, priority: 4, size: 3, local: true })
      assert.isAtLeast(found.actual, 2)
      assert.isNotNull(found.lastReprovided)
      assert.deepStrictEqual(yield* replicator((it) => it.list(10)), [found])
      assert.deepInclude(yield* replicator((it) => it.metrics), { keys: 1, providers: 0 })
      yield* replicator((it) => it.provideContent(cid))
      assert.deepInclude(yield* replicator((it) => it.metrics), { keys: 1, providers: 1 })
      yield* network.advance("2 hours")
      const [provider] = yield* first.run(Effect.flatMap(Replicator, (it) => it.findProviders(cid)))
      assert.deepStrictEqual(provider?.peer, keeper.nodeId)
      assert.isAbove(provider?.quality ?? 0, 0.5, "it has answered comparisons")
      assert.isNotNull(provider?.lastSeen)
    })
  )

  it.effect("is not to be had where nobody has it, which is said, and looked for again", () =>
    Effect.gen(function* () {
      const { nodes } = yield* networkOf(3)
      const [first] = nodes as [TestNode<never>]
      const cid = cidOfDigest(RAW, new Uint8Array(32).fill(9))
      const add = Effect.flatMap(Replicator, (it) => it.addContent(cid))
      assert.strictEqual((yield* Effect.flip(first.run(add)))._tag, "NotFound")
      assert.deepInclude(yield* first.run(status(cid)), { actual: 0, health: "unknown", local: false })
    })
  )
})
