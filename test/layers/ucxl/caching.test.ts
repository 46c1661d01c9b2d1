/** What is answered from memory, for how long, and what puts an end to it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { TestClock } from "effect/testing"
import type { makeAge } from "#layers/ucxl/age"
import { keyOf, utf8 } from "#schemas/bytes/bytes"
import type { Dht, NameEntry, PutReceipt } from "#services/dht/Dht"
import type { AuditEntry } from "#services/ucxl/AuditLog"
import { ADDRESS, makeWorld, publicKeyOf, suite, threeRoles, until } from "./store.ts"

const setting = Effect.gen(function* () {
  const world = yield* makeWorld
  yield* world.publish(threeRoles)
  const dev = yield* world.node("dev", ["developer"])
  const arch = yield* world.node("arch", ["architect"])
  return { world, dev, arch }
})

const store = (node: Effect.Success<typeof setting>["dev"], words: string, address: string = ADDRESS) =>
  Effect.andThen(TestClock.adjust(1_000), node.store.store(address, utf8(words), "developer", "text/plain"))

/** In the place of age, where its time is nothing to the test. */
const none: typeof makeAge = () => ({
  encrypt: (_, plain) => Effect.succeed(new Uint8Array([...plain, 0])),
  encryptStream: (_, plain) => plain,
  decrypt: (_, file) => Effect.succeed(new Uint8Array(file.subarray(0, -1)))
})

/** In the place of a Dht that checks what it is given: maps, and a count of what is asked of them. */
class PlainDht {
  asked = 0
  readonly #blocks = new Map<string, Uint8Array>()
  readonly #names = new Map<string, NameEntry>()

  readonly service: Partial<Dht["Service"]> = {
    putBlock: (bytes) => {
      const key = suite.sha256(bytes)
      this.#blocks.set(keyOf(key), bytes)
      return Effect.succeed(this.#receipt(key))
    },
    getBlock: (digest) => {
      this.asked++
      return Effect.succeed(this.#blocks.get(keyOf(digest))!)
    },
    putName: (name, value) => {
      const author = publicKeyOf("dev")
      this.#names.set(name, { value, author, seq: 1, issued: 0, expires: 1_000, role: 2 })
      return Effect.succeed({ ...this.#receipt(suite.sha256(utf8(name))), seq: 1, author })
    },
    getName: (name) => {
      this.asked++
      const entry = this.#names.get(name)
      return Effect.succeed(entry === undefined ? [] : [entry])
    },
    provide: (cid) => Effect.succeed(this.#receipt(cid))
  }

  #receipt(key: Uint8Array): PutReceipt {
    const lookup = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }
    return { key, status: "stored", reached: 1, factor: 1, holders: [], expires: 1_000, lookup }
  }
}

describe("the cache of decrypted content", () => {
  it.effect("answers without a question to the network, until ten minutes after it was read", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      world.silent = true
      yield* store(dev, "words")
      yield* arch.store.retrieve(ADDRESS)
      yield* TestClock.adjust("9 minutes")
      const before = world.queries
      assert.isTrue((yield* arch.store.retrieve(ADDRESS)).cached)
      assert.strictEqual(world.queries, before)
      yield* TestClock.adjust("1 minute")
      assert.isFalse((yield* arch.store.retrieve(ADDRESS)).cached)
      assert.deepInclude(yield* arch.store.stats, { cacheHits: 1, cacheMisses: 2, retrieved: 3, decryptions: 4 })
    })
  )

  it.effect("is swept every five minutes, whether anybody asks or not", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      yield* store(dev, "words")
      yield* arch.store.retrieve(ADDRESS)
      yield* TestClock.adjust("14 minutes")
      assert.deepInclude(yield* arch.store.stats, { cachedItems: 1, cachedBytes: 5 })
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* arch.store.stats, { cachedItems: 0, cachedBytes: 0 })
    })
  )

  it.effect("holds no more bytes and items than it may, those used last", () =>
    Effect.gen(function* () {
      const { dev, world } = yield* setting
      const small = yield* world.node("arch", ["architect"], { cacheBytes: 100, cacheItems: 3 })
      const addresses = ["a", "b", "c", "d"].map((name) => `ucxl://a/b/c/d/${name}`)
      for (const address of addresses) yield* store(dev, "x".repeat(20), address)
      for (const address of addresses) yield* small.store.retrieve(address)
      assert.deepInclude(yield* small.store.stats, { cachedItems: 3, cachedBytes: 60, cacheLimit: 100 })
      assert.isFalse((yield* small.store.retrieve(addresses[0]!)).cached)
      assert.isTrue((yield* small.store.retrieve(addresses[3]!)).cached)
      yield* store(dev, "x".repeat(30))
      yield* small.store.retrieve(ADDRESS)
      assert.isFalse((yield* small.store.retrieve(ADDRESS)).cached)
    })
  )

  it.effect("forgets what was deleted here", () =>
    Effect.gen(function* () {
      const { dev } = yield* setting
      yield* store(dev, "words")
      yield* dev.store.remove(ADDRESS)
      assert.deepInclude(yield* dev.store.stats, { cachedItems: 0 })
    })
  )

  it.effect("forgets an older version when a newer one is told of, and a deleted one", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      yield* store(dev, "old")
      yield* arch.store.retrieve(ADDRESS)
      yield* store(dev, "new")
      yield* until(Effect.map(arch.store.stats, ({ cachedItems }) => cachedItems === 0))
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, utf8("new"))
      yield* dev.store.remove(ADDRESS)
      yield* until(Effect.map(arch.store.stats, ({ cachedItems, indexed }) => cachedItems + indexed === 0))
    })
  )

  it.effect("forgets everything when the roles are others", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      yield* store(dev, "words")
      yield* arch.store.retrieve(ADDRESS)
      yield* TestClock.adjust(1_000)
      yield* world.publish(threeRoles)
      yield* until(Effect.map(arch.store.stats, ({ cachedItems }) => cachedItems === 0))
    })
  )

  it.effect("has nothing more of an address whose content does not stand up to a look at it", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      world.silent = true
      yield* store(dev, "words")
      yield* arch.store.retrieve(ADDRESS)
      yield* TestClock.adjust("10 minutes")
      yield* world.spread(world.sign("dev", ADDRESS, "developer", utf8("nonsense"), Number.MAX_SAFE_INTEGER, 601))
      assert.strictEqual((yield* Effect.flip(arch.store.retrieve(ADDRESS)))._tag, "Tampered")
      assert.deepInclude(yield* arch.store.stats, { cachedItems: 0, cacheMisses: 2 })
    })
  )

  it.effect("spares four of five questions of ten thousand reads over a thousand addresses", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.publish(threeRoles)
      world.silent = true
      const dht = new PlainDht()
      const audit = { append: () => Effect.succeed({} as AuditEntry) }
      const plain = { dht: dht.service, encryption: none, audit }
      const dev = yield* world.node("dev", ["developer"], {}, plain)
      const addresses = Array.from({ length: 1_000 }, (_, index) => `ucxl://a/developer/c/d/n${index}`)
      yield* Effect.forEach(
        addresses,
        (address) => dev.store.store(address, utf8(address), "developer", "text/plain"),
        {
          ...{ discard: true, concurrency: 8 }
        }
      )
      // Zipf, s = 1: the n-th address is asked for as often as 1/n.
      const sums: Array<number> = []
      for (let rank = 1; rank <= addresses.length; rank++) sums.push((sums[rank - 2] ?? 0) + 1 / rank)
      const draw = Effect.map(Random.next, (chance) => {
        const wanted = chance * sums[sums.length - 1]!
        return addresses[sums.findIndex((sum) => sum >= wanted)]!
      })
      const reads = yield* Effect.forEach(Array.from({ length: 10_000 }), () => draw)
      const cached = yield* world.node("arch", ["architect"], { cacheItems: 500 }, plain)

      const one = dht.asked
      yield* cached.store.retrieve(reads[0]!)
      const ofOne = dht.asked - one
      const before = dht.asked
      for (const address of reads.slice(1)) {
        assert.deepStrictEqual((yield* cached.store.retrieve(address)).content, utf8(address))
      }
      const asked = ofOne + dht.asked - before
      // Without the cache every read is one of the network, of as many questions as the first.
      const without = ofOne * reads.length
      assert.isAtMost(asked / without, 0.2)
      assert.deepInclude(yield* cached.store.stats, { retrieved: reads.length, cachedItems: 500 })
    }).pipe(Random.withSeed("zipf"))
  )
})
