import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { CID } from "multiformats/cid"
import * as raw from "multiformats/codecs/raw"
import { sha256 } from "multiformats/hashes/sha2"
import * as DhtBlobs from "#layers/content/DhtBlobs"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import { concatBytes, keyOf } from "#schemas/bytes/bytes"
import { type Cid, cidOfDigest, cidText, DAG_CBOR, digestOf, RAW } from "#schemas/content/Cid"
import { LEAF_LENGTH, write } from "#schemas/content/DagNode"
import type { NodeId } from "#schemas/identity/NodeId"
import { Blobs, type Progress } from "#services/content/Blobs"
import { ANONYMOUS_BLOCKS_IN_FLIGHT, GET_READ_AHEAD, PUT_BLOCKS_IN_FLIGHT } from "#services/content/Limits"
import { Dht, NotFound, type PutOptions, type PutReceipt, PutRefused } from "#services/dht/Dht"
import { PinStore } from "#services/storage/PinStore"

const digest = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest())

/** A DHT of one process that counts what it is asked, and can lose blocks. */
class World {
  readonly blocks = new Map<string, Uint8Array>()
  readonly hints: Array<number> = []
  readonly provided: Array<string> = []
  readonly reached: Array<number> = []
  status: "stored" | "queued" = "stored"
  inFlight = 0
  mostInFlight = 0
  gets = 0
  /** Blocks that were to be kept one by one. */
  keptBlocks = 0
  provider: NodeId | undefined
  announcementRefused = false

  readonly receipt = (key: Uint8Array): PutReceipt => ({
    key,
    status: this.status,
    reached: this.reached.shift() ?? 5,
    factor: 5,
    // Whom the key is called after took it.
    holders: [key as NodeId],
    expires: 1_000,
    lookup: { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }
  })

  /** Lets other fibers run while it is counted, as a network would. */
  readonly counted = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight)
      return Effect.andThen(Effect.yieldNow, effect)
    }).pipe(Effect.ensuring(Effect.sync(() => this.inFlight--)))

  readonly layer = DhtBlobs.layer.pipe(
    Layer.provide(NodeCrypto.layer),
    Layer.provideMerge(MemoryPinStore.layer),
    Layer.provide(
      Layer.mock(Dht, {
        putBlock: (bytes, options) =>
          this.counted(
            Effect.sync(() => {
              if (options?.keep !== false) this.keptBlocks++
              const key = digest(bytes)
              this.blocks.set(keyOf(key), bytes)
              return this.receipt(key)
            })
          ),
        getBlock: (key, options) =>
          this.counted(
            Effect.suspend(() => {
              this.gets++
              this.hints.push(options?.hints?.length ?? 0)
              const block = this.blocks.get(keyOf(key))
              return block === undefined ? Effect.fail(new NotFound({ key, asked: 7 })) : Effect.succeed(block)
            })
          ),
        provide: (cid) =>
          Effect.suspend(() => {
            if (this.announcementRefused) return Effect.fail(new PutRefused({ key: digestOf(cid), refusals: [] }))
            this.provided.push(cidText(cid))
            return Effect.succeed(this.receipt(digestOf(cid)))
          }),
        findProviders: () =>
          Effect.sync(() =>
            this.provider === undefined
              ? []
              : [{ nodeId: this.provider, publicKey: new Uint8Array(32) as never, issued: 0, expires: 1 }]
          )
      })
    )
  )

  readonly run = <A, E>(effect: Effect.Effect<A, E, Blobs | PinStore>) => Effect.provide(effect, this.layer)
}

/** Bytes without repetition, so that every leaf is a block of its own. */
const bytesOf = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at + 4 <= length; at += 4) view.setUint32(at, Math.imul(at + 1, 2_654_435_761))
  return bytes
}

const put = (...pieces: ReadonlyArray<Uint8Array>) =>
  Effect.flatMap(Blobs, (blobs) => blobs.put(Stream.fromArray(pieces)))

const get = (cid: Cid) =>
  Effect.flatMap(Blobs, (blobs) => Effect.map(Stream.runCollect(blobs.get(cid)), (pieces) => concatBytes(pieces)))

const store = (world: World, codec: number, block: Uint8Array): Cid => {
  world.blocks.set(keyOf(digest(block)), block)
  return cidOfDigest(codec, digest(block))
}

describe("DhtBlobs", () => {
  it.effect("gives small content the raw sha2-256 CIDv1 that multiformats computes", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const bytes = new TextEncoder().encode("hello allium")
        const receipt = yield* put(bytes)
        const expected = CID.createV1(raw.code, yield* Effect.promise(async () => sha256.digest(bytes)))
        assert.strictEqual(cidText(receipt.cid), expected.toString())
        assert.deepStrictEqual([receipt.bytes, receipt.blocks, receipt.replicas, receipt.factor], [12, 1, 5, 5])
        assert.deepStrictEqual(world.provided, [cidText(receipt.cid)])
        assert.deepStrictEqual(yield* get(receipt.cid), bytes)
      })
    )
  })

  for (const length of [0, 1, LEAF_LENGTH, LEAF_LENGTH + 1, 3 * LEAF_LENGTH, 20_000_000]) {
    it.effect(`gives back ${length} bytes as they were put, however they were cut`, () => {
      const world = new World()
      return world.run(
        Effect.gen(function* () {
          const bytes = bytesOf(length)
          const middle = Math.floor(length / 3)
          const whole = yield* put(bytes)
          const parts = yield* put(bytes.subarray(0, middle), new Uint8Array(0), bytes.subarray(middle))
          assert.deepStrictEqual(parts.cid, whole.cid)
          assert.strictEqual(whole.bytes, length)
          assert.isTrue(Buffer.from(yield* get(whole.cid)).equals(bytes))
        })
      )
    })
  }

  it.effect("pins the root of what is to be kept, and no block of it by itself", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const pins = yield* PinStore
        const leaf = yield* put(bytesOf(100))
        world.reached.push(3)
        const tree = yield* put(bytesOf(LEAF_LENGTH + 1))
        const pinned = (cid: Cid) => pins.find(0, digestOf(cid))
        assert.deepInclude(yield* pinned(leaf.cid), { tree: false, size: 100, copies: 4, factor: 5, due: 500 })
        assert.deepInclude(yield* pinned(tree.cid), { tree: true, size: LEAF_LENGTH + 1, copies: 2 })
        assert.strictEqual(yield* pins.count, 2)
        assert.strictEqual(world.keptBlocks, 0)
        // Again, after somebody said how much he wants it.
        const before = yield* pinned(leaf.cid)
        yield* pins.put([{ ...before!, priority: 7, created: 3 }])
        yield* put(bytesOf(100))
        assert.deepInclude(yield* pinned(leaf.cid), { priority: 7, created: 3 })
      })
    )
  })

  it.effect("names those who took the root, also where that was full before the end", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        for (const length of [0, 10, 3 * LEAF_LENGTH, 512 * LEAF_LENGTH, 513 * LEAF_LENGTH]) {
          const { cid, holders } = yield* put(new Uint8Array(length))
          assert.deepStrictEqual(holders, [digestOf(cid) as NodeId], `${length}`)
        }
      })
    )
  })

  it.effect("pins nothing that has a lifetime, unless it is told to, nor what shall not be kept", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const pins = yield* PinStore
        const [blobs, content] = [yield* Blobs, Stream.succeed(bytesOf(100))]
        const count = (options: PutOptions) => Effect.andThen(blobs.put(content, options), pins.count)
        assert.strictEqual(yield* count({ lifetime: 60 }), 0)
        assert.strictEqual(yield* count({ keep: false }), 0)
        assert.strictEqual(yield* count({ lifetime: 60, keep: true }), 1)
        assert.strictEqual(world.keptBlocks, 0)
      })
    )
  })

  it.effect("keeps no more blocks in flight than its limits say, and uses that room", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const { cid } = yield* put(bytesOf(100 * LEAF_LENGTH))
        assert.strictEqual(world.mostInFlight, PUT_BLOCKS_IN_FLIGHT)
        world.mostInFlight = 0
        yield* get(cid)
        assert.strictEqual(world.mostInFlight, GET_READ_AHEAD)
      })
    )
  })

  it.effect("fetches no further ahead of a reader that stops than the read-ahead", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const { cid } = yield* put(bytesOf(400 * LEAF_LENGTH))
        world.gets = 0
        const blobs = yield* Blobs
        yield* blobs.get(cid).pipe(Stream.take(1), Stream.runDrain)
        assert.isAtMost(world.gets, 3 * GET_READ_AHEAD)
      })
    )
  })

  it.effect("asks a provider before it searches, once one is known", () => {
    const world = new World()
    world.provider = new Uint8Array(32).fill(9) as NodeId
    return world.run(
      Effect.gen(function* () {
        const { cid } = yield* put(bytesOf(100 * LEAF_LENGTH))
        yield* get(cid)
        assert.isAtLeast(world.hints.filter((count) => count === 1).length, 60)
      })
    )
  })

  it.effect("tells the fewest copies that a block reached", () => {
    const world = new World()
    world.reached.push(5, 2, 4)
    return world.run(
      Effect.gen(function* () {
        assert.strictEqual((yield* put(bytesOf(2 * LEAF_LENGTH))).replicas, 2)
      })
    )
  })

  it.effect("says that it is queued where any block of it is", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        assert.strictEqual((yield* put(bytesOf(10))).status, "stored")
        world.status = "queued"
        assert.strictEqual((yield* put(bytesOf(2 * LEAF_LENGTH))).status, "queued")
      })
    )
  })

  it.effect("has stored the content even where nobody took the announcement", () => {
    const world = new World()
    world.announcementRefused = true
    return world.run(
      Effect.gen(function* () {
        assert.strictEqual((yield* put(bytesOf(10))).replicas, 5)
      })
    )
  })

  it.effect(
    "announces and pins nothing that is put anonymously, nor asks who provides it, and keeps few under way",
    () => {
      const world = new World()
      world.provider = new Uint8Array(32) as NodeId
      const anonymously = { privacy: "anonymous" } as const
      return world.run(
        Effect.gen(function* () {
          const [blobs, pins] = [yield* Blobs, yield* PinStore]
          const bytes = bytesOf(40 * LEAF_LENGTH)
          const { cid, expires } = yield* blobs.put(Stream.make(bytes), anonymously)
          assert.deepStrictEqual([world.provided, yield* pins.count, world.keptBlocks, expires], [[], 0, 0, 1_000])
          const back = yield* Stream.runCollect(blobs.get(cid, anonymously))
          assert.deepStrictEqual(concatBytes(back), bytes)
          assert.isTrue(world.hints.every((hints) => hints === 0))
          assert.strictEqual(world.mostInFlight, ANONYMOUS_BLOCKS_IN_FLIGHT)
          const kept = yield* Effect.flip(blobs.put(Stream.make(bytes), { ...anonymously, keep: true }))
          assert.strictEqual(kept._tag, "PrivacyUnavailable")
        })
      )
    }
  )

  it.effect("reports progress up to the whole of it", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const blobs = yield* Blobs
        const seen: Array<Progress> = []
        const onProgress = (progress: Progress) => void seen.push(progress)
        const { cid } = yield* blobs.put(Stream.make(bytesOf(LEAF_LENGTH + 5)), { onProgress })
        assert.deepStrictEqual(seen.at(-1), { bytes: LEAF_LENGTH + 5, total: undefined, blocks: 3 })
        yield* Stream.runDrain(blobs.get(cid, { onProgress }))
        assert.deepStrictEqual(seen.at(-1), { bytes: LEAF_LENGTH + 5, total: LEAF_LENGTH + 5, blocks: 2 })
      })
    )
  })

  it.effect("names the block that nobody has, after asking again", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const bytes = bytesOf(3 * LEAF_LENGTH)
        const { cid } = yield* put(bytes)
        const lost = digest(bytes.subarray(LEAF_LENGTH, 2 * LEAF_LENGTH))
        world.blocks.delete(keyOf(lost))
        const reading = yield* Effect.forkChild(Effect.flip(get(cid)))
        // In steps: the second question is only put once the first was answered.
        yield* Effect.forEach(Array.from({ length: 30 }), () => TestClock.adjust("100 millis"), { discard: true })
        const error = yield* Fiber.join(reading)
        assert.deepInclude(error, {
          _tag: "BlobIncomplete",
          cid: cidText(cid),
          blockCid: cidText(cidOfDigest(RAW, lost)),
          at: LEAF_LENGTH,
          asked: 7
        })
      })
    )
  })

  it.effect("finds a block that comes back while it asks again", () => {
    const world = new World()
    return world.run(
      Effect.gen(function* () {
        const bytes = bytesOf(20)
        const { cid } = yield* put(bytes)
        world.blocks.clear()
        const reading = yield* Effect.forkChild(get(cid))
        yield* TestClock.adjust("10 millis")
        world.blocks.set(keyOf(digestOf(cid)), bytes)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.join(reading), bytes)
      })
    )
  })

  const leaf = bytesOf(LEAF_LENGTH)
  const leafCid = cidOfDigest(RAW, digest(leaf))
  const unreadable: ReadonlyArray<readonly [string, RegExp, (world: World) => Cid]> = [
    ["is no node at all", /root/, (world) => store(world, DAG_CBOR, Uint8Array.of(0xa0))],
    ["is of another codec", /0x70/, () => cidOfDigest(0x70, digest(leaf))],
    [
      "is a node over less than two leaves",
      /root/,
      (world) => store(world, DAG_CBOR, write({ children: [{ cid: leafCid, size: 9 }] }))
    ],
    [
      "claims lengths that leaves cannot have",
      /children/,
      (world) => store(world, DAG_CBOR, write({ children: [{ cid: leafCid, size: LEAF_LENGTH + 1 }] }))
    ],
    [
      "claims a leaf longer than it is",
      /leaf is not as long/,
      (world) => {
        const short = store(world, RAW, leaf.subarray(0, 100))
        store(world, RAW, leaf)
        const children = [
          { cid: short, size: LEAF_LENGTH },
          { cid: leafCid, size: LEAF_LENGTH }
        ]
        return store(world, DAG_CBOR, write({ children }))
      }
    ],
    [
      "has a node where its length asks for a leaf",
      /leaf stands/,
      (world) => {
        const inner = write({ children: [{ cid: leafCid, size: LEAF_LENGTH }] })
        const deeper = { cid: store(world, DAG_CBOR, inner), size: LEAF_LENGTH }
        return store(world, DAG_CBOR, write({ children: [deeper, deeper] }))
      }
    ],
    [
      "claims more bytes than numbers can count",
      /root/,
      (world) => {
        const huge = { cid: leafCid, size: Number.MAX_SAFE_INTEGER }
        return store(world, DAG_CBOR, write({ children: [huge, huge] }))
      }
    ]
  ]
  for (const [what, reason, make] of unreadable) {
    it.effect(`refuses content that ${what}`, () => {
      const world = new World()
      return world.run(
        Effect.gen(function* () {
          const error = yield* Effect.flip(get(make(world)))
          assert.strictEqual(error._tag, "BlobUnreadable")
          assert.match(error._tag === "BlobUnreadable" ? error.reason : "", reason)
        })
      )
    })
  }
})
