/** An encrypted store among honest nodes: what it stores, gives out, finds, changes and takes back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Result, Stream } from "effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { TestClock } from "effect/testing"
import { utf8 } from "#schemas/bytes/bytes"
import { cidOfText, digestOf } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { ADDRESS, makeWorld, type RoleDraft, type StoreNode, threeRoles, until } from "./store.ts"

const text = utf8("We keep records for seven days.")
const counting = (length: number) => Uint8Array.from({ length }, (_, at) => Math.imul(at + 1, 2_654_435_761) >>> 24)

/** A world of three roles, and a node in each. */
const setting = Effect.gen(function* () {
  const world = yield* makeWorld
  yield* world.publish(threeRoles)
  const dev = yield* world.node("dev", ["developer"])
  const arch = yield* world.node("arch", ["architect"])
  const guest = yield* world.node("guest", ["reader"])
  return { world, dev, arch, guest }
})

const isPinned = ({ pins }: StoreNode, cid: string) =>
  Effect.map(pins.find(RecordKind.Block, digestOf(Result.getOrThrow(cidOfText(cid)))), (pin) => pin !== undefined)

/** A CID of which nobody has anything. */
const NOWHERE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

describe("AgeEncryptedStore", () => {
  it.effect("gives what a developer stored to the developer and to who reads everything, and to nobody else", () =>
    Effect.gen(function* () {
      const { arch, dev, guest } = yield* setting
      const stored = yield* dev.store.store(` ${ADDRESS.toUpperCase()}`, text, "developer", "text/plain")
      assert.deepInclude(stored, { address: ADDRESS, status: "stored", replicas: 1 })
      assert.match(stored.path, /^\/ALLIUM\/ucxl\/[A-Za-z0-9_-]{43}$/)
      assert.deepStrictEqual(stored.metadata.encryptedFor, ["developer", "architect"])
      assert.lengthOf(stored.metadata.holders, 1)

      const own = yield* dev.store.retrieve(ADDRESS)
      assert.deepStrictEqual([own.content, own.cached], [text, true])
      const read = yield* arch.store.retrieve(ADDRESS)
      assert.deepStrictEqual([read.content, read.cached, read.author], [text, false, dev.did])
      const refusal = yield* Effect.flip(guest.store.retrieve(ADDRESS))
      assert.deepInclude(refusal, { _tag: "NotForUs", held: ["reader"] })
    })
  )

  it.effect("encrypts what is large as it comes, and gives it out whole", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      const large = counting(2_500_000)
      const pieces = Stream.fromIterable([large.subarray(0, 700_000), large.subarray(700_000)])
      const stored = yield* dev.store.store(ADDRESS, pieces, "developer", "application/octet-stream")
      assert.strictEqual(stored.metadata.size, large.length)
      const { content } = yield* arch.store.retrieve(ADDRESS)
      assert.isTrue(Buffer.from(content).equals(large))
      assert.deepInclude(yield* dev.store.stats, { cachedItems: 0, stored: 1, encryptions: 2 })
    })
  )

  it.effect("tells what it does to whoever measures the node", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      yield* arch.store.retrieve(ADDRESS)
      yield* arch.store.retrieve(ADDRESS)
      yield* Effect.flip(dev.store.store(ADDRESS, text, "architect", "text/plain"))
      const told = yield* PrometheusMetrics.format()
      const names = ["stored", "retrieved", "denied", "cache_hits", "cache_misses", "encryptions", "decryptions"]
      for (const name of names) assert.match(told, new RegExp(`^allium_ucxl_${name}_total [1-9]`, "m"))
      for (const name of ["cached_items", "cached_bytes", "store_milliseconds_sum", "retrieve_milliseconds_count"]) {
        assert.match(told, new RegExp(`^allium_ucxl_${name} `, "m"))
      }
    })
  )

  it.effect("takes a small stream for the content that it is, and nothing for nothing", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      yield* dev.store.store(ADDRESS, Stream.fromIterable([utf8("in "), utf8("pieces")]), "developer", "text/plain")
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, utf8("in pieces"))
      yield* TestClock.adjust(1_000)
      yield* dev.store.store(ADDRESS, Stream.empty, "developer", "text/plain")
      yield* until(Effect.map(arch.store.retrieve(ADDRESS), ({ content }) => content.length === 0))
    })
  )

  it.effect("gives out copies: what a caller does to them changes nothing for others", () =>
    Effect.gen(function* () {
      const { dev } = yield* setting
      const mine = text.slice()
      yield* dev.store.store(ADDRESS, mine, "developer", "text/plain")
      mine.fill(0)
      ;(yield* dev.store.retrieve(ADDRESS)).content.fill(0)
      assert.deepStrictEqual((yield* dev.store.retrieve(ADDRESS)).content, text)
    })
  )

  it.effect("links each version to the one before, whoever stored it, and gives out no other by its CID", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      for (const words of ["first", "second"]) {
        yield* dev.store.store(ADDRESS, utf8(words), "developer", "text/plain")
        yield* TestClock.adjust("1 minute")
      }
      yield* arch.store.store(ADDRESS, utf8("third"), "architect", "text/plain")
      const versions = yield* Stream.runCollect(arch.store.history(ADDRESS))
      assert.deepStrictEqual(
        versions.map(({ metadata }) => metadata.creatorRole),
        ["architect", "developer", "developer"]
      )
      const first = yield* arch.store.retrieveVersion(ADDRESS, versions[2]!.metadataCid)
      assert.deepInclude(first, { cached: false, author: arch.did })
      assert.deepStrictEqual(first.content, utf8("first"))

      const other = yield* dev.store.store("ucxl://a/b/c/d/e", text, "developer", "text/plain")
      const [elsewhere] = yield* Stream.runCollect(dev.store.history(other.address))
      const refusal = yield* Effect.flip(arch.store.retrieveVersion(ADDRESS, elsewhere!.metadataCid))
      assert.strictEqual(refusal._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(arch.store.retrieveVersion(ADDRESS, "nonsense")))._tag, "BlobUnreadable")
    })
  )

  it.effect("refuses nobody by a list of roles that is behind", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.publish({})
      const empty = yield* Effect.fromNullishOr(world.roles.directory)
      /** Sees the next list only when it is told to look. */
      const slow = () => {
        let seen = empty
        const isBehind = (seq: number) =>
          Effect.sync(() => {
            seen = world.roles.directory ?? seen
            return seen.seq > seq
          })
        return { directory: { current: Effect.sync(() => seen), isBehind } }
      }
      const dev = yield* world.node("dev", ["developer"], {}, slow())
      const arch = yield* world.node("arch", ["architect"], {}, slow())
      const refused = yield* Effect.flip(dev.store.store(ADDRESS, text, "developer", "text/plain"))
      assert.strictEqual(refused._tag, "UnknownRole")
      yield* world.publish(threeRoles)
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, text)
      const outcomes = (yield* arch.audit).map(({ operation, outcome }) => `${operation} ${outcome}`)
      assert.deepStrictEqual(outcomes, ["retrieve done"])
    })
  )

  it.effect("prefers the entry of the higher role, also to one of its own", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      yield* arch.store.store(ADDRESS, utf8("decided"), "architect", "text/plain")
      yield* TestClock.adjust("1 minute")
      yield* dev.store.store(ADDRESS, utf8("proposed"), "developer", "text/plain")
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, utf8("decided"))
      assert.strictEqual((yield* Effect.flip(dev.store.retrieve(ADDRESS)))._tag, "NotForUs")
    })
  )

  it.effect("deletes its own entry, shows that of others again, and lets go of what it kept", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      const one = yield* dev.store.store(ADDRESS, utf8("one"), "developer", "text/plain")
      yield* TestClock.adjust("1 minute")
      const two = yield* dev.store.store(ADDRESS, utf8("two"), "developer", "text/plain")
      yield* arch.store.store(ADDRESS, utf8("three"), "architect", "text/plain")
      assert.isTrue((yield* isPinned(dev, one.cid)) && (yield* isPinned(dev, two.cid)))
      yield* arch.store.remove(ADDRESS)
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, utf8("two"))
      const denial = yield* Effect.flip(arch.store.remove(ADDRESS))
      assert.deepInclude(denial, { _tag: "Denied", reason: "NotAuthor" })

      yield* dev.store.remove(ADDRESS)
      for (const { store } of [dev, arch]) {
        yield* until(Effect.isFailure(store.retrieve(ADDRESS)))
        assert.strictEqual((yield* Effect.flip(store.retrieve(ADDRESS)))._tag, "NotFound")
      }
      assert.isFalse((yield* isPinned(dev, one.cid)) || (yield* isPinned(dev, two.cid)))
      assert.strictEqual((yield* Effect.flip(dev.store.remove(ADDRESS)))._tag, "NotFound")
      assert.isEmpty(yield* Stream.runCollect(dev.store.search({})))
    })
  )

  it.effect("shares with one role more, which reads that version and those after no more than others", () =>
    Effect.gen(function* () {
      const { arch, dev, guest } = yield* setting
      const before = yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(dev.store.share(ADDRESS, "nobody")))._tag, "UnknownRole")
      assert.deepInclude(yield* Effect.flip(arch.store.share(ADDRESS, "reader")), {
        _tag: "Denied",
        reason: "NotAuthor"
      })
      const shared = yield* dev.store.share(ADDRESS, "reader")
      assert.deepStrictEqual(shared.metadata.sharedWith, ["reader"])
      assert.deepStrictEqual(shared.metadata.encryptedFor, ["developer", "architect", "reader"])
      assert.strictEqual(shared.metadata.timestamp, before.metadata.timestamp)
      assert.deepStrictEqual((yield* guest.store.retrieve(ADDRESS)).content, text)
      assert.isFalse(yield* isPinned(dev, before.cid))
      assert.isTrue(yield* isPinned(dev, shared.cid))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* dev.store.share(ADDRESS, "architect")).metadata.sharedWith, ["reader"])
    })
  )

  it.effect("lists and searches what it may read, by words too, in pages that nobody sees", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      for (let index = 0; index < 300; index++) {
        yield* dev.index.put({
          ...{
            address: `ucxl://a/b/c/d/n${index}` as UcxlAddress,
            creatorRole: "developer",
            encryptedFor: [],
            contentType: "text/plain"
          },
          ...{ timestamp: index, size: 1, sha256: "", cid: "", metadataCid: "", author: "x", seq: 1, own: false },
          ...{ holders: [], replicationFactor: 5, recipients: "", deleted: false }
        })
      }
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      assert.lengthOf(yield* Stream.runCollect(dev.store.search({})), 301)
      assert.lengthOf(yield* Stream.runCollect(Stream.take(dev.store.search({}), 3)), 3)
      assert.lengthOf(yield* dev.store.listByRole("developer", 290), 290)
      const found = yield* Stream.runCollect(dev.store.search({ text: "seven day*" }))
      assert.deepStrictEqual(
        found.map(({ address }) => address),
        [ADDRESS]
      )
      assert.isEmpty(yield* Stream.runCollect(arch.store.search({ text: "seven" })))
      yield* arch.store.retrieve(ADDRESS)
      assert.lengthOf(yield* Stream.runCollect(arch.store.search({ text: "seven" })), 1)
    })
  )

  it.effect("announces what it serves, and finds who does", () =>
    Effect.gen(function* () {
      const { arch, dev } = yield* setting
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      assert.lengthOf(yield* arch.store.discover(ADDRESS), 1)
      yield* TestClock.adjust("1 minute")
      yield* arch.store.announce(ADDRESS)
      assert.lengthOf(yield* dev.store.discover(ADDRESS), 2)
      assert.strictEqual((yield* Effect.flip(dev.store.discover("ucxl://a/b/c/d/e")))._tag, "NotFound")
    })
  )

  it.effect("encrypts anew what is a role's when its recipients are others, and goes on where it was cut short", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      const addresses = ["a", "b", "c"].map((name) => `ucxl://a/b/c/d/${name}` as UcxlAddress)
      for (const address of addresses) yield* dev.store.store(address, utf8(address), "developer", "text/plain")
      yield* TestClock.adjust("1 minute")
      yield* dev.store.share(addresses[2]!, "reader")
      assert.isEmpty(
        (yield* Stream.runCollect(dev.store.rotate("developer"))).filter(({ address }) => address !== addresses[2])
      )

      yield* TestClock.adjust("1 minute")
      const roles: Record<string, RoleDraft> = {
        ...threeRoles,
        architect: { ...threeRoles.architect, key: "architect/2" }
      }
      yield* world.publish(roles)
      const begun = yield* Stream.runCollect(Stream.take(dev.store.rotate("developer"), 1))
      assert.deepInclude(begun[0], { done: 1, total: 3, failed: 0, address: addresses[0]!, reason: "" })
      const rest = yield* Stream.runCollect(dev.store.rotate("developer"))
      assert.deepStrictEqual(
        rest.map(({ address, done, total }) => [address, done, total]),
        [
          [addresses[1], 1, 2],
          [addresses[2], 2, 2]
        ]
      )
      assert.deepInclude(yield* dev.store.stats, { stored: 7 })
      for (const address of addresses) {
        assert.strictEqual((yield* Effect.flip(arch.store.retrieve(address)))._tag, "NotForUs")
      }
      const renewed = yield* world.node("arch", ["architect/2"])
      for (const address of addresses)
        assert.deepStrictEqual((yield* renewed.store.retrieve(address)).content, utf8(address))
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(dev.store.rotate("nobody"))))._tag, "UnknownRole")
    })
  )

  it.effect("loses nothing to one that cannot be encrypted anew, and says which at the end", () =>
    Effect.gen(function* () {
      const { dev, world } = yield* setting
      const addresses = ["a", "b", "c"].map((name) => `ucxl://a/b/c/d/${name}` as UcxlAddress)
      for (const address of addresses) yield* dev.store.store(address, utf8(address), "developer", "text/plain")
      const row = yield* dev.index.find(addresses[1] as UcxlAddress)
      yield* dev.index.put({ ...row!, metadataCid: NOWHERE })
      yield* world.publish({ ...threeRoles, architect: { ...threeRoles.architect, key: "architect/2" } })
      yield* TestClock.adjust("1 minute")
      const seen: Array<string> = []
      const rotation = Stream.runForEach(dev.store.rotate("developer"), ({ reason }) =>
        Effect.sync(() => seen.push(reason.split(":")[0]!))
      )
      const incomplete = yield* Effect.flip(rotation)
      assert.deepInclude(incomplete, { _tag: "RotationIncomplete", done: 2, failed: 1, address: addresses[1]! })
      assert.deepStrictEqual(seen, ["", "BlobIncomplete", ""])
    })
  )

  it.effect("stores one version at a time under an address, and others meanwhile", () =>
    Effect.gen(function* () {
      const { dev } = yield* setting
      const [reading, go] = [yield* Latch.make(), yield* Latch.make()]
      const slow = Stream.concat(
        Stream.fromEffect(Effect.as(Effect.andThen(reading.open, go.await), utf8("slow"))),
        Stream.empty
      )
      const first = yield* Effect.forkChild(dev.store.store(ADDRESS, slow, "developer", "text/plain"))
      yield* reading.await
      const second = yield* Effect.forkChild(dev.store.store(ADDRESS, utf8("second"), "developer", "text/plain"))
      yield* dev.store.store("ucxl://a/b/c/d/e", text, "developer", "text/plain")
      assert.isUndefined(second.pollUnsafe())
      yield* go.open
      const [before, after] = [yield* Fiber.join(first), yield* Fiber.join(second)]
      assert.isAbove(after.seq, before.seq)
      assert.deepStrictEqual(
        after.metadata.previous?.cid && (yield* Stream.runCollect(dev.store.history(ADDRESS))).length,
        2
      )
    })
  )

  it.effect("ends a stream that goes on for ever, and keeps nothing of it", () =>
    Effect.gen(function* () {
      const { world } = yield* setting
      const contentLimit = 4 * 1024 * 1024
      const dev = yield* world.node("dev", ["developer"], { contentLimit })
      const ended = yield* Latch.make()
      let given = 0
      const piece = new Uint8Array(1024 * 1024)
      const endless = Stream.forever(
        Stream.sync(() => {
          given++
          return piece
        })
      )
      const failure = yield* Effect.flip(
        dev.store.store(ADDRESS, Stream.ensuring(endless, ended.open), "developer", "application/octet-stream")
      )
      yield* ended.await
      assert.deepInclude(failure, { _tag: "ContentTooLarge", limit: contentLimit })
      assert.isAtMost(given * piece.length, contentLimit + 2 * piece.length)
      assert.deepInclude(
        yield* Effect.flip(dev.store.store(ADDRESS, new Uint8Array(contentLimit + 1), "developer", "")),
        {
          ...{ _tag: "ContentTooLarge", bytes: contentLimit + 1 }
        }
      )
      assert.strictEqual(yield* dev.pins.count, 0)
      assert.strictEqual((yield* Effect.flip(dev.store.retrieve(ADDRESS)))._tag, "NotFound")
    })
  )
})
