/**
 * A node that falls back, on a simulated network: cut off from all others for ten minutes, it goes on; and what it wrote
 * meanwhile is there for others afterwards.
 */
import { assert, describe, it } from "@effect/vitest"
import { NodeDown, TestNetwork, type TestNode } from "allium/testing"
import { Clock, Effect, Stream } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { Blobs } from "#services/content/Blobs"
import { Backends } from "#services/dht/Backends"
import { Dht } from "#services/dht/Dht"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { Node } from "#services/node/Node"
import { SessionManager } from "#services/session/SessionManager"
import { dhtLaws } from "../../laws/dht.ts"

const bytesOf = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 10) * 7 + seed) & 255)
const salt = Uint8Array.of(1)

const using = <A, E>(node: TestNode, method: (dht: Dht["Service"]) => Effect.Effect<A, E>) =>
  Effect.catchIf(
    node.run(Effect.flatMap(Dht, method)),
    (error) => error instanceof NodeDown,
    (error) => Effect.die(error)
  )
const backendsOf = (node: TestNode) =>
  Effect.map(Effect.orDie(node.run(Effect.flatMap(Backends, ({ status }) => status))), (status) => status!)
const authorOf = (node: TestNode) => Effect.map(Effect.orDie(node.run(Identity)), ({ publicKey }) => publicKey)
const read = (node: TestNode, cid: Parameters<Blobs["Service"]["get"]>[0]) =>
  node.run(
    Effect.flatMap(Blobs, (blobs) =>
      Stream.runFold(
        blobs.get(cid),
        () => 0,
        (sum, bytes) => sum + bytes.length
      )
    )
  )

const sessionsOf = (node: TestNode) =>
  Effect.orDie(node.run(Effect.map(SessionManager, (sessions) => sessions.stats().open)))

/** Of all nodes of this process together, by what stands behind "allium_dht_backend_". */
const metricsOf = (node: TestNode) =>
  Effect.map(Effect.orDie(node.run(PrometheusMetrics.format())), (text) => {
    const values = new Map<string, number>()
    for (const line of text.split("\n")) {
      const [, name, value] = /^allium_dht_backend_(\S+) (\S+)$/.exec(line) ?? []
      if (name !== undefined) values.set(name, Number(value))
    }
    return values
  })

/** As production has it: those who were retired are looked for after a minute (`DiscoveryPace`). */
const MET_AGAIN = "70 seconds"
/** `BackendRest` at its longest, one `BackendProbePace`, and the lookup of the probe. */
const SWITCHES_BACK = "45 seconds"

dhtLaws(
  "HybridDht over KademliaDht on six nodes",
  Effect.gen(function* () {
    const six = yield* TestNetwork.make({ nodes: 6, fallback: true })
    const [writer, reader] = [six.node(1), six.node(4)]
    const dhtOf = (node: TestNode) =>
      Dht.of({
        putBlock: (...of) => using(node, (dht) => dht.putBlock(...of)),
        getBlock: (...of) => using(node, (dht) => dht.getBlock(...of)),
        putMutable: (...of) => using(node, (dht) => dht.putMutable(...of)),
        getMutable: (...of) => using(node, (dht) => dht.getMutable(...of)),
        provide: (...of) => using(node, (dht) => dht.provide(...of)),
        findProviders: (...of) => using(node, (dht) => dht.findProviders(...of)),
        putName: (...of) => using(node, (dht) => dht.putName(...of)),
        getName: (...of) => using(node, (dht) => dht.getName(...of)),
        putRecord: (...of) => using(node, (dht) => dht.putRecord(...of)),
        refresh: (...of) => using(node, (dht) => dht.refresh(...of)),
        getRecords: (...of) => using(node, (dht) => dht.getRecords(...of))
      })
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

describe("a node that is cut off from all others for ten minutes", () => {
  it.effect("reads and writes on, loses nothing, is back in time, and tells all of it", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 8, fallback: true })
      const [alone, ...others] = network.nodes as [TestNode, ...Array<TestNode>]
      const other = others[3]!
      const author = yield* authorOf(alone)

      // Before: what it put, and what it has read of others.
      const own = yield* using(alone, (dht) => dht.putBlock(bytesOf(500, 1)))
      yield* using(alone, (dht) => dht.putMutable(salt, bytesOf(5, 1)))
      const theirs = yield* using(other, (dht) => dht.putBlock(bytesOf(500, 2)))
      yield* using(other, (dht) => dht.putName("fruit", bytesOf(5, 2)))
      yield* using(alone, (dht) => dht.getBlock(theirs.key))
      yield* using(alone, (dht) => dht.getName("fruit"))
      assert.deepInclude(yield* backendsOf(alone), { active: "real", mode: "auto" })

      const before = yield* metricsOf(alone)
      const mend = yield* network.partition([alone], others)
      const cutAt = network.now

      // From the first write on, whatever the node has noticed.
      const blocks: Array<Uint8Array> = []
      let last = 0
      while (network.now - cutAt < 600_000) {
        const n = blocks.length
        const put = yield* using(alone, (dht) => dht.putBlock(bytesOf(300, 100 + n)))
        blocks.push(put.key)
        const version = yield* using(alone, (dht) => dht.putMutable(salt, bytesOf(6, n)))
        last = version.seq
        assert.deepStrictEqual([put.status, version.status], ["queued", "queued"], `write ${n}`)
        assert.deepStrictEqual(yield* using(alone, (dht) => dht.getBlock(own.key)), bytesOf(500, 1))
        assert.deepStrictEqual(yield* using(alone, (dht) => dht.getBlock(theirs.key)), bytesOf(500, 2))
        assert.deepStrictEqual((yield* using(alone, (dht) => dht.getMutable(author, salt))).seq, last)
        assert.deepStrictEqual((yield* using(alone, (dht) => dht.getName("fruit")))[0]?.value, bytesOf(5, 2))
        yield* network.advance("30 seconds")
      }
      const named = yield* using(alone, (dht) => dht.putName("basket", bytesOf(9, 9)))
      const blob = yield* alone.run(Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.succeed(bytesOf(100_000, 3)))))
      assert.deepStrictEqual([named.status, blob.status], ["queued", "queued"])

      const during = yield* backendsOf(alone)
      assert.strictEqual(during.active, "mock")
      assert.strictEqual(during.backends[0]?.health, "failed")
      assert.isAbove(during.backends[0]!.consecutiveFailures, 3)
      // Every block, the last version, the name, the blob's five blocks and its announcement.
      assert.strictEqual(during.outbox.waiting, blocks.length + 1 + 1 + 5 + 1)
      const { fallback } = yield* alone.run(Effect.flatMap(Node, ({ status }) => status))
      assert.strictEqual(fallback?.active, "mock")
      for (const { limit, name, size } of yield* alone.run(Effect.map(Bounds, (bounds) => bounds.list())))
        assert.isAtMost(size(), limit, name)

      yield* mend
      const backAt = network.now
      yield* network.until(() => Effect.map(sessionsOf(alone), (open) => open > 0), { within: MET_AGAIN })
      const metAt = network.now
      const isBack = () => Effect.map(backendsOf(alone), ({ active }) => active === "real")
      yield* network.until(isBack, { within: SWITCHES_BACK })
      assert.isAtMost(network.now - backAt, 100_000, `met after ${metAt - backAt} ms`)
      const isEmpty = () => Effect.map(backendsOf(alone), ({ outbox }) => outbox.waiting === 0)
      yield* network.until(isEmpty, { within: "15 seconds" })

      for (const [n, key] of blocks.entries())
        assert.deepStrictEqual(yield* using(other, (dht) => dht.getBlock(key)), bytesOf(300, 100 + n))
      const latest = yield* using(other, (dht) => dht.getMutable(author, salt))
      assert.deepInclude(latest, { seq: last, value: bytesOf(6, blocks.length - 1) })
      assert.deepStrictEqual((yield* using(other, (dht) => dht.getName("basket")))[0]?.author, author)
      assert.strictEqual(yield* read(other, blob.cid), 100_000)

      const after = yield* backendsOf(alone)
      assert.deepInclude(after, { active: "real" })
      assert.strictEqual(after.backends[0]?.health, "healthy")
      assert.deepInclude(after.outbox, { waiting: 0, refused: 0, oldest: null })
      const told = yield* metricsOf(alone)
      const since = (name: string) => (told.get(name) ?? 0) - (before.get(name) ?? 0)
      assert.strictEqual(since('switches_total{to="mock"}'), 1)
      assert.strictEqual(since('switches_total{to="real"}'), 1)
      assert.strictEqual(since('replayed_total{outcome="stored"}'), during.outbox.waiting)
      assert.isAtLeast(since("queued_total"), during.outbox.waiting)
      assert.isAbove(since('operations_total{outcome="failed",backend="real"}'), 3)
      assert.strictEqual(told.get("waiting"), 0)
      assert.strictEqual((yield* using(alone, (dht) => dht.putBlock(bytesOf(300, 77)))).status, "stored")
    })
  )

  it.effect("brings to the network after a crash what it had written down before it", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 5, fallback: true, storage: "sqlite" })
      const [alone, ...others] = network.nodes as [TestNode, ...Array<TestNode>]
      const author = yield* authorOf(alone)
      yield* using(alone, (dht) => dht.putMutable(salt, bytesOf(5, 1)))
      const mend = yield* network.partition([alone], others)
      yield* network.advance("2 minutes")
      const block = yield* using(alone, (dht) => dht.putBlock(bytesOf(300, 1)))
      const version = yield* using(alone, (dht) => dht.putMutable(salt, bytesOf(5, 2)))
      assert.deepStrictEqual([block.status, version.status], ["queued", "queued"])
      yield* alone.crash({ disk: "kept", power: false })
      yield* mend
      yield* alone.start
      yield* network.until(() => Effect.map(backendsOf(alone), ({ outbox }) => outbox.waiting === 0))
      assert.deepStrictEqual(yield* using(others[1]!, (dht) => dht.getBlock(block.key)), bytesOf(300, 1))
      assert.strictEqual((yield* using(others[2]!, (dht) => dht.getMutable(author, salt))).seq, version.seq)
    })
  )
})
