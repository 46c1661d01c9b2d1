import { assert, describe, it } from "@effect/vitest"
import { Blobs, Bootstrap, Dht, Node, Rpc } from "allium"
import { invariants, NodeDown, RecordKind, TestNetwork } from "allium/testing"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Random, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"

const bytes = (n: number) => new Uint8Array(100).fill(n)
const put = (n: number) => Effect.flatMap(Dht, (dht) => dht.putBlock(bytes(n)))
const get = (key: Uint8Array) => Effect.flatMap(Dht, (dht) => dht.getBlock(key))
const small = (options = {}) => TestNetwork.make({ nodes: 3, settled: false, ...options })

describe("TestNetwork", () => {
  it.effect("starts nodes that have joined, whose effects run under a clock of their own", () =>
    Effect.gen(function* () {
      const network = yield* small({ nodes: 4 })
      assert.deepStrictEqual(
        network.nodes.map(({ isUp, number }) => [number, isUp]),
        [0, 1, 2, 3].map((number) => [number, true])
      )
      assert.strictEqual(new Set(network.nodes.map(({ did }) => did)).size, 4)
      const { did, joined } = yield* network.node(2).run(Effect.flatMap(Node, (node) => node.status))
      assert.deepStrictEqual([did, joined], [network.node(2).did, true])
      const before = network.now
      yield* network.node(1).run(Effect.sleep("90 seconds"))
      assert.strictEqual(network.now - before, 90_000)
      assert.strictEqual(yield* Clock.currentTimeMillis, 0, "the test's own clock stands still")
    })
  )

  it("works in plain Effect.runPromise as well", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const network = yield* small()
          const { key } = yield* network.node(1).run(put(1))
          assert.deepStrictEqual(yield* network.node(2).run(get(key)), bytes(1))
        })
      )
    ))

  it.effect("does the same for the same seed, and something else for another", () =>
    Effect.gen(function* () {
      const runOf = Effect.fnUntraced(function* (seed: number) {
        const network = yield* small({ seed })
        yield* network.node(1).run(Effect.andThen(Random.next, put(1)))
        const restore = yield* network.partition([network.node(0)])
        yield* network.node(2).crash({ disk: "lost" })
        yield* network.node(2).start
        yield* network.advance("2 minutes")
        yield* restore
        yield* Effect.all([network.node(0).run(put(2)), network.node(1).run(put(3))], { concurrency: 2 })
        yield* network.converged()
        return { hash: network.traceHash, did: network.node(0).did }
      }, Effect.scoped)
      const [first, other] = [yield* runOf(1), yield* runOf(2)]
      assert.match(first.hash, /^[0-9a-f]{16}$/)
      assert.deepStrictEqual(yield* runOf(1), first)
      assert.notStrictEqual(other.hash, first.hash)
      assert.notStrictEqual(other.did, first.did)
    })
  )

  it.effect("takes in another node that has joined", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const { key } = yield* network.node(0).run(put(1))
      const fourth = yield* network.addNode()
      assert.deepStrictEqual([fourth.number, network.nodes.length, network.node(3)], [3, 4, fourth])
      assert.deepStrictEqual(yield* fourth.run(get(key)), bytes(1))
    })
  )

  it.effect("fails to take in a node that finds nobody, and says so", () =>
    Effect.gen(function* () {
      const network = yield* small()
      for (const node of network.nodes) yield* node.pause
      const error = yield* Effect.flip(network.addNode())
      assert.deepInclude(error, { _tag: "NotConverged", sentence: "node 3 has not joined" })
      assert.include(error.lastEvents.join("\n"), "node 2 is paused")
      for (const node of network.nodes.slice(0, 3)) yield* node.resume
      yield* network.converged()
      assert.deepStrictEqual(yield* network.node(3).run(Effect.map(Bootstrap, (it) => it.isBootstrapped())), true)
    })
  )

  it.effect("lets time pass until a condition holds, be it a look or an effect, and fails when it never does", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const begun = network.now
      yield* network.until(() => network.now >= begun + 5_000)
      assert.isBelow(network.now - begun, 10_000)
      let looks = 0
      yield* network.until(() => Effect.sync(() => ++looks === 4))
      const joined = Effect.map(Bootstrap, (it) => it.isBootstrapped())
      yield* network.until(() => network.node(1).run(joined))
      const before = network.now
      for (const never of [() => false, () => Effect.succeed(false)]) {
        const error = yield* Effect.flip(network.until(never, { within: "3 minutes" }))
        assert.deepInclude(error, { _tag: "NotConverged", seconds: 180 })
        assert.match(error.message, /^what was waited for does not hold after 180 s of virtual time\nLast events/)
      }
      assert.strictEqual(network.now - before, 360_000)
    })
  )

  it.effect("parts groups of nodes until the partition is ended, and all others from them", () =>
    Effect.gen(function* () {
      const network = yield* small({ nodes: 5 })
      const [a, b, c, d, e] = network.nodes.map((node) => node)
      const end = yield* network.partition([a!, b!], [c!])
      const { key } = yield* a!.run(put(1))
      assert.deepStrictEqual(yield* b!.run(get(key)), bytes(1))
      for (const node of [c!, d!, e!]) assert.strictEqual((yield* Effect.flip(node.run(get(key))))._tag, "NotFound")
      const second = yield* e!.run(put(2))
      assert.isTrue(d!.holds(RecordKind.Block, second.key))
      assert.isFalse(c!.holds(RecordKind.Block, second.key))
      yield* end
      yield* network.converged()
      assert.deepStrictEqual(yield* c!.run(get(key)), bytes(1))
    })
  )

  it.effect("does not converge while it is parted, and heals all at once", () =>
    Effect.gen(function* () {
      const network = yield* small({ nodes: 4 })
      yield* network.partition([network.node(0), network.node(1)])
      yield* network.cut([network.node(2)], [network.node(3)])
      const error = yield* Effect.flip(network.converged({ within: "2 minutes" }))
      assert.match(error.sentence, /^node \d (does not find node \d|has not joined|knows nobody)$/)
      assert.include(error.lastEvents.join("\n"), "a cut begins")
      yield* network.heal
      yield* network.converged()
    })
  )

  it.effect("cuts one way: what one sends does not arrive, what it is sent does", () =>
    Effect.gen(function* () {
      const network = yield* small({ nodes: 2 })
      const [a, b] = [network.node(0), network.node(1)]
      const end = yield* network.cut([a], [b])
      const asked: Array<string> = []
      const hear = { name: "hear", request: Schema.String, response: Schema.Null }
      for (const node of [a, b]) {
        const answer = (request: string) =>
          Effect.as(
            Effect.sync(() => asked.push(request)),
            null
          )
        yield* node.run(Effect.flatMap(Rpc, (rpc) => rpc.handle(hear, answer)))
      }
      const ask = (from: typeof a, to: typeof a) =>
        from.run(Effect.flatMap(Rpc, (rpc) => Effect.flip(rpc.call(to, hear, `${from.number} to ${to.number}`))))
      assert.strictEqual((yield* ask(b, a))._tag, "RpcTimeout", "whose answer is lost")
      assert.deepStrictEqual(asked, ["1 to 0"])
      yield* ask(a, b)
      assert.deepStrictEqual(asked, ["1 to 0"])
      yield* end
      yield* network.converged()
      assert.strictEqual((yield* b.run(put(3))).reached, 2)
    })
  )

  it.effect("makes the links of some nodes slower for as long as it is told", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const took = (from: number, to: number) =>
        Effect.gen(function* () {
          const before = network.now
          yield* network.node(from).run(Effect.flatMap(Dht, (dht) => Effect.flip(dht.getBlock(bytes(to).slice(0, 32)))))
          return network.now - before
        })
      const fast = yield* took(0, 1)
      const end = yield* network.degrade({ nodes: [network.node(0)], latency: "300 millis" })
      assert.isAbove(yield* took(0, 2), fast + 500)
      yield* end
      assert.isBelow(yield* took(0, 3), fast + 300)
    })
  )

  it.effect("has a node misbehave as a plan's fault says", () =>
    Effect.gen(function* () {
      const network = yield* small()
      yield* network.apply({ _tag: "Turn", node: 1, behaviour: "silent" })
      yield* network.advance("1 minute")
      const { holders } = yield* network.node(0).run(put(1))
      assert.strictEqual(holders.length, 2)
      assert.throws(() => Effect.runSync(network.apply({ _tag: "FlipBit", node: 9 })), /there is no node 9/)
    })
  )

  it.effect("tells how much went over the wires, and what happened last", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const before = network.traffic
      yield* network.node(0).run(put(1))
      assert.isAbove(network.traffic.bytes, before.bytes + 100)
      assert.isAbove(network.traffic.messages, before.messages)
      yield* network.node(1).crash()
      assert.match(network.lastEvents.at(-1) ?? "", /^\d+\.\d{3} s {2}node 1 crashes, disk kept$/)
    })
  )

  it.effect("has the shared invariants look", () =>
    Effect.gen(function* () {
      const network = yield* small()
      yield* network.watch(...invariants)
      yield* network.node(1).run(put(1))
      yield* network.node(2).stop
      yield* network.advance("10 minutes")
      yield* network.check
    })
  )

  it.effect("tells which invariant did not hold", () =>
    Effect.gen(function* () {
      const network = yield* small()
      let looks = 0
      yield* network.watch({
        name: "no-third-look",
        sentence: "Nobody looks three times.",
        every: 10,
        check: () => (++looks < 3 ? [] : [`look ${looks}`])
      })
      yield* network.check
      yield* network.advance("25 seconds")
      const error = yield* Effect.flip(network.check)
      assert.deepInclude(error.violations[0], { invariant: "no-third-look", detail: "look 3" })
      assert.include(error.message, "Nobody looks three times. (no-third-look)")
    })
  )

  it.effect("keeps records in real database files where it is told to", () =>
    Effect.gen(function* () {
      const network = yield* small({ nodes: 2, storage: "sqlite" })
      const { key } = yield* network.node(0).run(put(1))
      yield* network.node(1).crash()
      assert.isTrue(network.node(1).holds(RecordKind.Block, key))
      yield* network.node(1).start
      yield* network.converged()
      assert.deepStrictEqual(yield* network.node(1).run(get(key)), bytes(1))
    })
  )

  it.effect("refuses nodes that are none of it, or in two groups", () =>
    Effect.gen(function* () {
      const [network, other] = [yield* small(), yield* small({ nodes: 2 })]
      assert.throws(() => network.node(3), "there is no node 3: they are numbered from 0 to 2")
      const stranger = yield* Effect.exit(network.partition([other.node(1)]))
      assert.include(String(stranger), "node 1 is none of this network")
      const twice = yield* Effect.exit(network.partition([network.node(1)], [network.node(1)]))
      assert.include(String(twice), "node 1 is in two groups of one partition")
    })
  )
})

describe("TestNode", () => {
  it.effect("fails with NodeDown where the program does not run, or goes down meanwhile", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const node = network.node(1)
      for (const down of [node.crash(), node.stop]) {
        const running = yield* Effect.forkChild(Effect.flip(node.run(Effect.never)), { startImmediately: true })
        yield* network.advance("1 second")
        const before = network.now
        yield* down
        assert.deepStrictEqual(yield* Fiber.join(running), new NodeDown({ node: 1, reason: "went down meanwhile" }))
        assert.isBelow(network.now - before, 1_000, "it is told at once")
        assert.isFalse(node.isUp)
        for (const verb of [node.run(put(1)), node.fork(put(1)), node.pause, node.resume, node.skew("1 second")])
          assert.deepStrictEqual(
            yield* Effect.flip(verb as typeof node.pause),
            new NodeDown({ node: 1, reason: "is not running" })
          )
        yield* node.crash()
        yield* node.stop
        yield* node.start
        assert.isTrue(node.isUp)
        yield* node.start
      }
    })
  )

  it.effect("keeps its disk in a crash, or loses it, and is still itself", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const node = network.node(1)
      const { key } = yield* network.node(0).run(put(1))
      yield* node.crash({ power: true })
      assert.isTrue(node.holds(RecordKind.Block, key))
      yield* node.start
      yield* node.crash({ disk: "lost" })
      assert.isFalse(node.holds(RecordKind.Block, key))
      yield* node.start
      const { did } = yield* node.run(Effect.flatMap(Node, (it) => it.status))
      assert.strictEqual(did, node.did)
    })
  )

  it.effect("lets failures and defects of an effect through as they are", () =>
    Effect.gen(function* () {
      const network = yield* small()
      assert.strictEqual(yield* Effect.flip(network.node(0).run(Effect.fail("typed" as const))), "typed")
      const exit = yield* Effect.exit(network.node(0).run(Effect.die("a defect")))
      assert.deepStrictEqual(exit, Exit.die("a defect"))
    })
  )

  it.effect("gives up on an effect that does not end, with a sentence and the last events", () =>
    Effect.gen(function* () {
      const network = yield* small()
      let cleaned = false
      const endless = Effect.onInterrupt(Effect.never, () =>
        Effect.andThen(
          Effect.sleep("1 second"),
          Effect.sync(() => {
            cleaned = true
          })
        )
      )
      const before = network.now
      const exit = yield* Effect.exit(network.node(0).run(endless, { patience: "1 minute" }))
      assert.include(String(exit), "node 0 has not done what it was to do within 1m of virtual time")
      assert.include(String(exit), "Last events")
      assert.deepStrictEqual([cleaned, network.now - before], [true, 61_000])
      yield* network.node(1).pause
      const paused = yield* Effect.exit(network.node(1).run(Effect.void))
      assert.include(String(paused), "within 10m of virtual time: it is paused")
    })
  )

  it.effect("runs effects of several fibers in the same virtual time", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const before = network.now
      const slow = (seconds: number) => Effect.as(Effect.sleep(seconds * 1000), seconds)
      const done = yield* Effect.all(
        [network.node(0).run(slow(30)), network.node(1).run(slow(10)), network.node(0).run(slow(20))],
        { concurrency: 3 }
      )
      assert.deepStrictEqual([done, network.now - before], [[30, 10, 20], 30_000])
      const times: Array<number> = []
      const step = (n: number) =>
        Effect.andThen(
          network.node(n).run(slow(10)),
          Effect.sync(() => times.push(network.now))
        )
      yield* Effect.all([Effect.andThen(step(1), step(1)), network.advance("1 hour"), step(2)], { concurrency: 3 })
      assert.deepStrictEqual(
        times.map((at) => at - before),
        [40_000, 40_000, 50_000],
        "the next step begins when the last one has ended, not when the hour has"
      )
    })
  )

  it.effect("hands a value from one node's effect to another's through the test", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const handed = yield* Deferred.make<Uint8Array>()
      const [value] = yield* Effect.all(
        [
          network.node(1).run(Effect.flatMap(Deferred.await(handed), get)),
          network.node(0).run(Effect.flatMap(put(1), ({ key }) => Deferred.succeed(handed, key)))
        ],
        { concurrency: 2 }
      )
      assert.deepStrictEqual(value, bytes(1))
    })
  )

  it.effect("interrupts the effect when the one who waits is interrupted, and cleans up after it", () =>
    Effect.gen(function* () {
      const network = yield* small()
      let cleaned = 0
      const endless = Effect.onInterrupt(Effect.never, () => Effect.sync(() => cleaned++))
      const waiting = yield* Effect.forkChild(network.node(0).run(endless), { startImmediately: true })
      yield* network.advance("1 second")
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(cleaned, 1)
      // Before it has begun.
      const early = yield* Effect.forkChild(network.node(0).run(Effect.sync(() => cleaned++)), {
        startImmediately: true
      })
      yield* Fiber.interrupt(early)
      yield* network.advance("1 second")
      assert.strictEqual(cleaned, 1)
    })
  )

  it.effect("goes on with what was forked while others do something, and ends it with the node", () =>
    Effect.gen(function* () {
      const network = yield* small()
      let ticks = 0
      const tick = Effect.forever(
        Effect.delay(
          Effect.sync(() => ticks++),
          "1 second"
        )
      )
      const errand = yield* network.node(1).fork(tick)
      yield* network.advance("10500 millis")
      assert.strictEqual(ticks, 10)
      yield* errand.interrupt
      yield* network.advance("10 seconds")
      assert.strictEqual(ticks, 10)
      const slow = yield* network.node(2).fork(Effect.as(Effect.sleep("5 seconds"), "done"))
      assert.strictEqual(yield* slow.join("1 minute"), "done")
      let cleaned = false
      const again = yield* network.node(1).fork(Effect.onInterrupt(tick, () => Effect.sync(() => (cleaned = true))))
      yield* network.advance("1 second")
      yield* network.node(1).stop
      assert.isTrue(cleaned)
      assert.strictEqual((yield* Effect.flip(again.join("1 minute")))._tag, "NodeDown")
      yield* network.node(0).fork(Effect.fail("for nobody to hear"))
      yield* network.advance("1 second")
      assert.include(network.lastEvents.join("\n"), "node 0 failed at what it was to do: Error: for nobody to hear")
    })
  )

  it.effect("keeps open what an effect acquires until the node stops", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const said: Array<string> = []
      yield* network.node(1).run(Effect.addFinalizer(() => Effect.sync(() => said.push("closed"))))
      yield* network.advance("1 minute")
      assert.deepStrictEqual(said, [])
      yield* network.node(1).stop
      assert.deepStrictEqual(said, ["closed"])
    })
  )

  it.effect("stands still while it is paused, and goes on", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const node = network.node(1)
      yield* node.pause
      let ran = false
      const running = yield* Effect.forkChild(node.run(Effect.sync(() => (ran = true))), { startImmediately: true })
      yield* network.advance("2 minutes")
      assert.deepStrictEqual([ran, node.isUp], [false, true])
      yield* node.resume
      yield* Fiber.join(running)
      yield* network.converged()
    })
  )

  it.effect("has a clock that can be wrong, and a disk that can be slow and full and can rot", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const [node, other] = [network.node(1), network.node(2)]
      const difference = Effect.gen(function* () {
        return (yield* node.run(Clock.currentTimeMillis)) - (yield* other.run(Clock.currentTimeMillis))
      })
      yield* node.skew("-2 minutes")
      assert.strictEqual(yield* difference, -120_000)
      yield* node.skew(0)
      assert.strictEqual(yield* difference, 0)

      const timed = (n: number) =>
        Effect.gen(function* () {
          const before = network.now
          yield* node.run(put(n))
          return network.now - before
        })
      const fast = yield* timed(1)
      yield* node.disk.slow("2 seconds")
      assert.isAtLeast(yield* timed(2), 2_000)
      yield* node.disk.slow(0)
      assert.isBelow(yield* timed(3), fast + 500)

      yield* node.disk.full(true)
      const { holders } = yield* other.run(put(4))
      assert.strictEqual(holders.length, 2)
      yield* node.disk.full(false)
      assert.isTrue(yield* node.disk.flipBit)
    })
  )

  it.effect("runs the app's layer on every node, and offers what it offers", () =>
    Effect.gen(function* () {
      class Notes extends Context.Service<
        Notes,
        { readonly add: (note: string) => Effect.Effect<number>; readonly beats: () => number }
      >()("test/Notes") {}
      const app = Layer.effect(
        Notes,
        Effect.gen(function* () {
          const blobs = yield* Blobs
          let beats = 0
          yield* Effect.forkScoped(
            Effect.forever(
              Effect.delay(
                Effect.sync(() => beats++),
                "1 minute"
              )
            )
          )
          return Notes.of({
            add: (note) =>
              Effect.orDie(Effect.map(blobs.put(Stream.encodeText(Stream.make(note))), (it) => it.replicas)),
            beats: () => beats
          })
        })
      )
      const network = yield* TestNetwork.make({ nodes: 3, app })
      const node = network.node(1)
      assert.strictEqual(yield* node.run(Effect.flatMap(Notes, (notes) => notes.add("milk"))), 3)
      yield* network.advance("1 hour")
      const beats = Effect.map(Notes, (notes) => notes.beats())
      assert.isAtLeast(yield* node.run(beats), 60)
      yield* node.crash()
      yield* node.start
      assert.strictEqual(yield* node.run(beats), 0)
    })
  )

  it.effect("says why a node's program was not built", () =>
    Effect.gen(function* () {
      const app = Layer.effectDiscard(Effect.fail(new Error("no such table")))
      const exit = yield* Effect.exit(small({ app }))
      assert.include(String(exit), "node 0 did not start: Error: no such table")
    })
  )

  it.effect("does not let a node's own program drive the network that it is a part of", () =>
    Effect.gen(function* () {
      const network = yield* small()
      const exit = yield* Effect.exit(network.node(0).run(network.advance("1 second")))
      assert.include(String(exit), "a part of the world cannot drive it")
      yield* TestClock.adjust("1 hour")
    })
  )
})
