import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemoryOutboxStore from "#layers/storage/MemoryOutboxStore"
import { cidOfDigest, RAW } from "#schemas/content/Cid"
import { LIFETIME, RecordKind } from "#schemas/dht/Record"
import { InvalidRecord, PutRefused } from "#services/dht/Dht"
import { dhtLaws } from "../../laws/dht.ts"
import { author, broken, inReachAgain, network, node, nodeOf, outOfReach, RETURNED } from "./hybrid.ts"

const { sha256 } = NodeCrypto.suite
const networkId = sha256(new Uint8Array(32))
const block = (n: number) => new Uint8Array(100).fill(n)
const salt = Uint8Array.of(1)
const subject = ({ dht }: Effect.Success<typeof node>) => ({
  dht,
  reader: dht,
  author,
  networkId,
  now: Clock.currentTimeMillis,
  advance: TestClock.adjust
})

dhtLaws("HybridDht in reach of a network", Effect.map(node, subject))
dhtLaws("HybridDht out of reach of it", Effect.map(Effect.tap(node, outOfReach), subject))
dhtLaws(
  "HybridDht of which the mock was chosen",
  Effect.map(
    Effect.tap(node, (it) => Effect.orDie(it.backends.select("mock"))),
    subject
  )
)

describe("HybridDht, while the network is in reach", () => {
  it.effect("stores there, and waits for nothing", () =>
    Effect.gen(function* () {
      const it = yield* node
      const receipt = yield* it.dht.putBlock(block(1))
      assert.deepInclude(receipt, { status: "stored", reached: 5 })
      const { active, backends, outbox } = yield* it.status
      assert.deepStrictEqual([active, outbox.waiting, backends[0]?.health], ["real", 0, "healthy"])
      assert.deepStrictEqual(yield* it.dht.getBlock(receipt.key), block(1))
    })
  )

  it.effect("asks there no more often than it is used, and looks after it when it is not", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* TestClock.adjust("5 minutes")
      const [real] = (yield* it.status).backends
      assert.isAtLeast(real!.checks, 7)
      assert.isAtMost(real!.checks, 11)
      for (let n = 0; n < 30; n++) {
        yield* it.dht.putBlock(block(n))
        yield* TestClock.adjust("10 seconds")
      }
      assert.strictEqual((yield* it.status).backends[0]?.checks, real!.checks + 30)
    })
  )

  it.effect("is degraded while it is slow, and goes on asking it", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* it.network.control.all({ latency: "8 seconds" })
      const puts = yield* Effect.forkChild(Effect.forEach([1, 2, 3, 4], (n) => it.dht.putBlock(block(n))))
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual(
        (yield* Fiber.join(puts)).map(({ status }) => status),
        ["stored", "stored", "stored", "stored"]
      )
      const [real] = (yield* it.status).backends
      assert.deepStrictEqual([real?.health, yield* it.active], ["degraded", "real"])
      assert.isAbove(real!.latencyMillis!, 5_000)
      yield* it.network.control.all({})
      for (let n = 0; n < 20; n++) yield* it.dht.putBlock(block(n))
      assert.strictEqual((yield* it.status).backends[0]?.health, "healthy")
    })
  )

  it.effect("gives up on an operation that never ends, and carries it out by itself", () =>
    Effect.gen(function* () {
      const it = yield* node
      const { key } = yield* it.dht.putBlock(block(1))
      yield* it.dht.getBlock(key)
      yield* it.network.control.all({ latency: Duration.infinity })
      const both = yield* Effect.forkChild(
        Effect.all([it.dht.getBlock(key), it.dht.putName("n", block(2))], { concurrency: 2 })
      )
      yield* TestClock.adjust("20 seconds")
      const [found, put] = yield* Fiber.join(both)
      assert.deepStrictEqual([found, put.status], [block(1), "queued"])
    })
  )

  it.effect("hands on what is refused for its own sake, and blames nobody", () =>
    Effect.gen(function* () {
      const it = yield* node
      const large = new Uint8Array(40_000)
      for (let n = 0; n < 5; n++) assert.strictEqual((yield* Effect.flip(it.dht.putBlock(large)))._tag, "InvalidRecord")
      for (let n = 0; n < 5; n++)
        assert.deepInclude(yield* Effect.flip(it.dht.getBlock(sha256(block(9)))), { _tag: "NotFound", asked: 4 })
      assert.deepInclude((yield* it.status).backends[0], { errors: 0, health: "healthy" })
    })
  )

  it.effect("never answers by itself what is anonymous", () =>
    Effect.gen(function* () {
      const it = yield* node
      const { key } = yield* it.dht.putBlock(block(1))
      const cid = cidOfDigest(RAW, key)
      const privacy = { privacy: "anonymous" } as const
      const refused = () =>
        Effect.all([
          Effect.flip(it.dht.putBlock(block(2), privacy)),
          Effect.flip(it.dht.getBlock(key, privacy)),
          Effect.flip(it.dht.putMutable(salt, block(1), privacy)),
          Effect.flip(it.dht.getMutable(author, salt, privacy)),
          Effect.flip(it.dht.provide(cid, privacy)),
          Effect.flip(it.dht.findProviders(cid, privacy)),
          Effect.flip(it.dht.putName("n", block(1), privacy)),
          Effect.flip(it.dht.getName("n", privacy)),
          Effect.flip(it.dht.getRecords(RecordKind.Block, key, privacy))
        ])
      for (const { _tag } of yield* refused()) assert.strictEqual(_tag, "PrivacyUnavailable")
      yield* outOfReach(it)
      for (const { _tag } of yield* refused()) assert.strictEqual(_tag, "PrivacyUnavailable")
      yield* it.backends.select("mock")
      for (const { _tag } of yield* refused()) assert.strictEqual(_tag, "PrivacyUnavailable")
      assert.strictEqual((yield* it.status).outbox.waiting, 0)
    })
  )
})

describe("HybridDht, when the network is lost", () => {
  it.effect("queues the very first write that nobody took, and its reader finds it", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* it.cut
      const receipt = yield* it.dht.putMutable(salt, block(1))
      assert.deepInclude(receipt, { status: "queued", reached: 1 })
      assert.deepStrictEqual(yield* it.active, "real")
      assert.deepStrictEqual((yield* it.dht.getMutable(author, salt)).seq, receipt.seq)
      assert.strictEqual((yield* it.status).outbox.waiting, 1)
    })
  )

  it.effect("stands in after three failures in a row, and asks nobody any more", () =>
    Effect.gen(function* () {
      const it = yield* node
      const { key } = yield* it.dht.putBlock(block(1))
      yield* it.dht.getBlock(key)
      yield* it.network.control.all({ failure: broken })
      for (let n = 0; n < 2; n++) yield* it.dht.getBlock(key)
      assert.deepStrictEqual([yield* it.active, (yield* it.status).backends[0]?.health], ["real", "degraded"])
      yield* it.dht.getBlock(key)
      const { active, backends } = yield* it.status
      assert.deepStrictEqual([active, backends[0]?.health], ["mock", "failed"])
      assert.deepInclude(backends[0], { errors: 3, consecutiveFailures: 3 })
      for (let n = 0; n < 10; n++) yield* it.dht.getBlock(key)
      assert.strictEqual((yield* it.status).backends[0]?.errors, 3)
      assert.isAbove((yield* it.status).backends[1]!.checks, 10)
    })
  )

  it.effect("lets nobody who waits for an answer find out whether it is back", () =>
    Effect.gen(function* () {
      const it = yield* node
      const { key } = yield* it.dht.putBlock(block(1))
      yield* TestClock.adjust("1 second")
      yield* it.network.control.all({ failure: broken })
      for (let n = 0; n < 3; n++) yield* it.dht.getBlock(key)
      // Its rest is over, and the next probe is still to come.
      yield* TestClock.adjust("7 seconds")
      yield* it.network.control.all({ latency: Duration.infinity })
      assert.deepStrictEqual(yield* it.dht.getBlock(key), block(1))
      assert.strictEqual((yield* it.dht.putBlock(block(2))).status, "queued")
      assert.strictEqual((yield* it.status).backends[0]?.errors, 3)
    })
  )

  it.effect("notices it by itself, and shows everything that was read or written before", () =>
    Effect.gen(function* () {
      const it = yield* node
      const { key } = yield* it.dht.putBlock(block(1))
      yield* it.network.dht.putBlock(block(2))
      yield* it.dht.getBlock(sha256(block(2)))
      yield* it.network.dht.putName("n", block(3))
      yield* it.dht.getName("n")
      yield* it.dht.provide(cidOfDigest(RAW, key))
      yield* outOfReach(it)
      assert.strictEqual(yield* it.active, "mock")
      // Nor has the own disk anything of it any more.
      for (const [kind, of] of [
        [RecordKind.Block, sha256(block(2))],
        [RecordKind.Name, (yield* it.dht.putName("n", block(4))).key]
      ] as const)
        it.network.forget(kind, of, kind === RecordKind.Name ? author : new Uint8Array(0))
      assert.deepStrictEqual(yield* it.dht.getBlock(sha256(block(2))), block(2))
      assert.deepStrictEqual((yield* it.dht.getName("n"))[0]?.value, block(4))
      assert.strictEqual((yield* it.dht.findProviders(cidOfDigest(RAW, key))).length, 1)
      assert.deepInclude(yield* Effect.flip(it.dht.getBlock(sha256(block(9)))), { _tag: "NotFound", asked: 0 })
    })
  )

  it.effect("says PutRefused when no more can wait, and is then as if it had not been asked", () =>
    Effect.gen(function* () {
      const saved = new MemoryOutboxStore.SavedWrites(1_400)
      const it = yield* nodeOf(yield* network, saved)
      yield* outOfReach(it)
      yield* it.dht.putMutable(salt, block(1))
      yield* it.dht.putMutable(salt, block(2))
      const full = yield* Effect.flip(it.dht.putMutable(Uint8Array.of(2), block(3)))
      assert.deepInclude(full, { _tag: "PutRefused", refusals: [{ reason: "OutboxFull", nodes: 1 }] })
      assert.strictEqual((yield* Effect.flip(it.dht.getMutable(author, Uint8Array.of(2))))._tag, "NotFound")
      assert.deepStrictEqual((yield* it.dht.getMutable(author, salt)).value, block(2))
    })
  )
})

describe("HybridDht, when the network is back", () => {
  it.effect("notices within the time that its schedules give it, and brings there what has waited, in its order", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* outOfReach(it)
      yield* TestClock.adjust("10 minutes")
      const put = yield* it.dht.putBlock(block(1))
      const first = yield* it.dht.putMutable(salt, block(2))
      yield* it.dht.putName("n", block(3))
      const second = yield* it.dht.putMutable(salt, block(4))
      assert.deepStrictEqual([put.status, first.status, second.status], ["queued", "queued", "queued"])
      assert.strictEqual((yield* it.status).outbox.waiting, 3)
      const before = yield* Clock.currentTimeMillis
      yield* it.heal
      while ((yield* it.active) !== "real") yield* TestClock.adjust("1 second")
      assert.isAtMost((yield* Clock.currentTimeMillis) - before, 40_000)
      yield* TestClock.adjust("5 seconds")
      const { outbox } = yield* it.status
      assert.deepInclude(outbox, { waiting: 0, refused: 0, oldest: null })
      assert.deepStrictEqual(yield* it.network.dht.getBlock(put.key), block(1))
      assert.deepInclude(yield* it.network.dht.getMutable(author, salt), { seq: second.seq, value: block(4) })
      assert.deepStrictEqual((yield* it.network.dht.getName("n"))[0]?.value, block(3))
      assert.deepStrictEqual(it.sent, [RecordKind.Block, RecordKind.Name, RecordKind.Mutable])
    })
  )

  it.effect("shows what was written meanwhile, and numbers what comes after behind it", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* it.dht.putMutable(salt, block(1))
      yield* outOfReach(it)
      const queued = yield* it.dht.putMutable(salt, block(2))
      yield* it.heal
      // In reach, and nothing replayed yet.
      yield* it.backends.select("real")
      assert.deepStrictEqual((yield* it.dht.getMutable(author, salt)).value, block(2))
      yield* it.backends.select("auto")
      const next = yield* it.dht.putMutable(salt, block(3))
      assert.deepStrictEqual([next.status, next.seq > queued.seq], ["queued", true])
      yield* TestClock.adjust(RETURNED)
      assert.deepInclude(yield* it.network.dht.getMutable(author, salt), { seq: next.seq, value: block(3) })
      assert.strictEqual((yield* it.dht.putMutable(salt, block(4))).status, "stored")
    })
  )

  it.effect("lines a write up behind an earlier one of its name that waits, and no other", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* it.cut
      yield* it.dht.putMutable(salt, block(1))
      yield* it.heal
      assert.strictEqual(yield* it.active, "real")
      const [behind, other] = [yield* it.dht.putMutable(salt, block(2)), yield* it.dht.putName("n", block(3))]
      assert.deepStrictEqual([behind.status, other.status], ["queued", "stored"])
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* it.network.dht.getMutable(author, salt), { seq: behind.seq, value: block(2) })
      assert.strictEqual((yield* it.dht.putMutable(salt, block(4))).status, "stored")
    })
  )

  it.effect("keeps what waits while it cannot be brought there, although others answer again", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* outOfReach(it)
      yield* it.dht.putBlock(block(1))
      yield* it.network.control.one("putRecord", { failure: broken })
      yield* inReachAgain(it)
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude((yield* it.status).outbox, { waiting: 1, refused: 0 })
      yield* it.network.control.all({})
      yield* TestClock.adjust(RETURNED)
      assert.strictEqual((yield* it.status).outbox.waiting, 0)
    })
  )

  it.effect("lets go of what was deleted meanwhile", () =>
    Effect.gen(function* () {
      const it = yield* node
      const { key } = yield* it.dht.putMutable(salt, block(1))
      yield* outOfReach(it)
      yield* it.dht.putMutable(salt, new Uint8Array(0))
      assert.strictEqual((yield* Effect.flip(it.dht.getMutable(author, salt)))._tag, "NotFound")
      yield* inReachAgain(it)
      assert.deepStrictEqual(it.released, [key])
      assert.strictEqual((yield* Effect.flip(it.network.dht.getMutable(author, salt)))._tag, "NotFound")
    })
  )

  it.effect("replays a write again that was on its way when the node died, and it is the same one", () =>
    Effect.gen(function* () {
      const world = yield* network
      const saved = new MemoryOutboxStore.SavedWrites()
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(nodeOf(world, saved), scope)
      yield* outOfReach(first)
      const put = yield* first.dht.putMutable(salt, block(1))
      yield* first.dht.putBlock(block(2))
      const waiting = saved.next(0, 9)
      yield* first.heal
      // The network has it, and the node dies before it has heard so.
      yield* world.dht.putRecord(RecordKind.Mutable, waiting[0]!.bytes)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(saved.status().waiting, 2)
      const second = yield* nodeOf(world, saved)
      assert.deepInclude(yield* second.dht.getMutable(author, salt), { seq: put.seq, value: block(1) })
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(saved.status().waiting, 0)
      assert.deepInclude(yield* world.dht.getMutable(author, salt), { seq: put.seq, value: block(1) })
      assert.deepStrictEqual(yield* world.dht.getBlock(sha256(block(2))), block(2))
    })
  )

  it.effect("sets aside what the network refuses for good, says why, and goes on", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* outOfReach(it)
      yield* it.dht.putMutable(salt, block(1))
      yield* it.network.control.one("putRecord", { failure: new InvalidRecord({ reason: "it has spots" }) })
      yield* inReachAgain(it)
      const { outbox } = yield* it.status
      assert.deepInclude(outbox, { waiting: 0, refused: 1, lastRefusal: "it has spots" })
      yield* it.network.control.all({})
      yield* it.backends.select("mock")
      yield* it.dht.putBlock(block(2))
      yield* it.backends.select("auto")
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude((yield* it.status).outbox, { waiting: 0, refused: 1 })
    })
  )

  it.effect("drops what is history by now: superseded elsewhere, or dead", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* outOfReach(it)
      yield* it.dht.putMutable(salt, block(1))
      yield* it.dht.putBlock(block(2), { lifetime: 30 })
      const older = new PutRefused({ key: salt, refusals: [{ reason: "Older", nodes: 4 }] })
      yield* it.network.control.one("putRecord", { failure: older })
      yield* TestClock.adjust("31 seconds")
      yield* inReachAgain(it)
      assert.deepInclude((yield* it.status).outbox, { waiting: 0, refused: 0 })
      assert.strictEqual((yield* Effect.flip(it.network.dht.getBlock(sha256(block(2)))))._tag, "NotFound")
    })
  )

  it.effect("keeps a write that others have no room for now, and asks them ever more rarely", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* outOfReach(it)
      yield* it.dht.putBlock(block(1))
      const busy = new PutRefused({ key: salt, refusals: [{ reason: "Busy", nodes: 4 }] })
      yield* it.network.control.one("putRecord", { failure: busy })
      yield* inReachAgain(it)
      yield* TestClock.adjust("2 hours")
      assert.deepInclude((yield* it.status).outbox, { waiting: 1, refused: 0 })
      assert.isAtMost(it.sent.length, 20)
      yield* it.network.control.all({})
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* it.status).outbox.waiting, 0)
      assert.deepStrictEqual(yield* it.network.dht.getBlock(sha256(block(1))), block(1))
    })
  )

  it.effect("sets aside what all refuse again and again, for what it is", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* outOfReach(it)
      yield* it.dht.putBlock(block(1))
      const refused = new PutRefused({ key: salt, refusals: [{ reason: "NotGranted", nodes: 4 }] })
      yield* it.network.control.one("putRecord", { failure: refused })
      yield* inReachAgain(it)
      assert.deepInclude((yield* it.status).outbox, { waiting: 1, refused: 0 })
      yield* TestClock.adjust("20 minutes")
      assert.deepInclude((yield* it.status).outbox, { waiting: 0, refused: 1, lastRefusal: "NotGranted (4)" })
      assert.strictEqual(it.sent.length, 8)
    })
  )

  it.effect("rests longer after each time that it was lost again soon, half a minute at most", () =>
    Effect.gen(function* () {
      const it = yield* node
      const rests: Array<number> = []
      for (let n = 0; n < 6; n++) {
        yield* it.network.control.all({ failure: broken })
        for (let failure = 0; failure < 3; failure++) yield* Effect.exit(it.dht.getBlock(salt))
        assert.strictEqual(yield* it.active, "mock")
        yield* it.network.control.all({})
        const since = yield* Clock.currentTimeMillis
        while ((yield* it.active) === "mock") yield* TestClock.adjust("1 second")
        rests.push((yield* Clock.currentTimeMillis) - since)
      }
      assert.isAtMost(rests[0]!, 10_000)
      assert.isAbove(rests[4]!, rests[0]!)
      assert.isAtMost(Math.max(...rests), 40_000)
      yield* TestClock.adjust("1 minute")
      yield* it.network.control.all({ failure: broken })
      for (let failure = 0; failure < 3; failure++) yield* Effect.exit(it.dht.getBlock(salt))
      yield* it.network.control.all({})
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* it.active, "real")
    })
  )
})

describe("HybridDht, switched by hand", () => {
  it.effect("asks only the one that was chosen, whatever becomes of it, and goes back to auto", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* it.backends.select("mock")
      const queued = yield* it.dht.putBlock(block(1))
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* it.status, { mode: "mock", active: "mock" })
      assert.deepStrictEqual([queued.status, (yield* it.status).outbox.waiting], ["queued", 1])
      yield* it.backends.select("real")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* it.status).outbox.waiting, 0)
      yield* it.network.control.all({ failure: broken })
      for (let n = 0; n < 5; n++) assert.strictEqual(yield* Effect.flip(it.dht.getBlock(queued.key)), broken)
      assert.strictEqual(yield* Effect.flip(it.dht.putBlock(block(2))), broken)
      assert.deepInclude(yield* it.status, { mode: "real", active: "real" })
      yield* it.backends.select("auto")
      assert.deepInclude(yield* it.status, { mode: "auto", active: "mock" })
      assert.deepStrictEqual(yield* it.dht.getBlock(queued.key), block(1))
    })
  )
})

describe("HybridDht's records of its own", () => {
  it.effect("are kept on the own disk too, so that what signs them anew goes on from the latest", () =>
    Effect.gen(function* () {
      const it = yield* node
      yield* outOfReach(it)
      yield* it.dht.putMutable(salt, block(1), { lifetime: LIFETIME })
      yield* it.dht.putBlock(block(1))
      assert.deepStrictEqual(it.kept, [RecordKind.Mutable])
    })
  )
})
