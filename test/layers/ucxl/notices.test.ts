/** Word of new content among nodes of one authority, and entries that follow its list. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { utf8 } from "#schemas/bytes/bytes"
import { cidOfText } from "#schemas/content/Cid"
import { topicPreimage, write } from "#schemas/ucxl/Notice"
import { ADDRESS, AUTHORITY, makeWorld, publicKeyOf, suite, threeRoles, until } from "./store.ts"

const topic = suite.sha256(topicPreimage(publicKeyOf(AUTHORITY)))
const words = utf8("words")

const setting = Effect.gen(function* () {
  const world = yield* makeWorld
  yield* world.publish(threeRoles)
  const dev = yield* world.node("dev", ["developer"])
  const arch = yield* world.node("arch", ["architect"])
  const guest = yield* world.node("guest", ["reader"])
  yield* TestClock.adjust(1_000)
  return { world, dev, arch, guest }
})

const cid = (text: string) => Result.getOrThrow(cidOfText(text))

describe("a notice", () => {
  it.effect("puts new content into the index of those who may read it, and of nobody else", () =>
    Effect.gen(function* () {
      const { arch, dev, guest, world } = yield* setting
      yield* dev.store.store(ADDRESS, words, "developer", "text/plain")
      yield* until(Effect.map(arch.store.stats, ({ indexed }) => indexed === 1))
      const [item] = yield* Stream.runCollect(arch.store.search({ project: "allium" }))
      assert.deepInclude(item, { address: ADDRESS, author: dev.did, own: false, recipients: "" })
      yield* until(Effect.sync(() => world.verdicts.length === 2))
      assert.deepStrictEqual(world.verdicts, ["accept", "accept"])
      assert.deepInclude(yield* guest.store.stats, { indexed: 0 })
      assert.isEmpty(yield* guest.audit)
    })
  )

  it.effect("is passed on only if it is one, by somebody who stores, and not from the future", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      const { cid: file, seq } = yield* dev.store.store(ADDRESS, words, "developer", "text/plain")
      const item = (yield* dev.index.find(ADDRESS))!
      yield* until(Effect.map(arch.store.stats, ({ indexed }) => indexed === 1))
      world.verdicts.length = 0
      const notice = { metadataCid: cid(item.metadataCid), cid: cid(file), seq, digest: suite.sha256(utf8(ADDRESS)) }
      yield* world.gossip("stranger", topic, write(notice))
      yield* world.gossip("guest", topic, write(notice))
      yield* world.gossip("dev", topic, write({ ...notice, seq: 2 ** 45 }))
      yield* world.gossip("dev", topic, utf8("nonsense"))
      assert.deepStrictEqual([...new Set(world.verdicts.slice(0, 5))], ["ignore"])
      assert.deepStrictEqual([...new Set(world.verdicts.slice(-2))], ["reject"])
    })
  )

  it.effect("changes nothing where it is of another address, by one who is not in the role, or older", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      yield* TestClock.adjust("1 hour")
      const { cid: file, seq } = yield* dev.store.store(ADDRESS, words, "developer", "text/plain")
      const item = (yield* dev.index.find(ADDRESS))!
      yield* until(Effect.map(arch.store.stats, ({ indexed }) => indexed === 1))
      const notice = {
        metadataCid: cid(item.metadataCid),
        cid: cid(file),
        seq: seq + 1,
        digest: suite.sha256(utf8(ADDRESS))
      }
      yield* world.publish({ ...threeRoles, other: { members: ["other"] } })
      yield* until(Effect.map(arch.store.stats, ({ cachedItems }) => cachedItems === 0))
      yield* world.gossip("other", topic, write(notice))
      yield* world.gossip("dev", topic, write({ ...notice, digest: suite.sha256(utf8("ucxl://a/b/c/d/e")) }))
      yield* world.gossip("dev", topic, write({ ...notice, seq: seq - 1 }))
      yield* world.gossip("dev", topic, write({ ...notice, cid: undefined, seq: seq - 1 }))
      yield* world.gossip("dev", topic, write({ ...notice, seq: seq + 2 }))
      yield* until(Effect.map(arch.index.find(ADDRESS), (row) => row?.seq === seq + 2))
      assert.deepInclude(yield* arch.index.find(ADDRESS), { author: dev.did, deleted: false })
    })
  )

  it.effect("of a lower role does not take the place of what a higher one stored", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.publish({ ...threeRoles, developer: { members: ["dev"], reads: ["architect"] } })
      const dev = yield* world.node("dev", ["developer"])
      const arch = yield* world.node("arch", ["architect"])
      const third = yield* world.node("third", ["architect"])
      yield* arch.store.store(ADDRESS, utf8("decided"), "architect", "text/plain")
      yield* until(Effect.map(third.store.stats, ({ indexed }) => indexed === 1))
      yield* TestClock.adjust("1 minute")
      yield* dev.store.store(ADDRESS, utf8("proposed"), "developer", "text/plain")
      yield* dev.store.store("ucxl://a/b/c/d/e", words, "developer", "text/plain")
      yield* until(Effect.map(third.store.stats, ({ indexed }) => indexed === 2))
      assert.deepInclude(yield* third.index.find(ADDRESS), { author: arch.did })
    })
  )
})

describe("entries of a node", () => {
  it.effect("are signed anew when it is given new grants, and outlive the old ones", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      yield* dev.store.store(ADDRESS, words, "developer", "text/plain")
      const before = (yield* dev.index.find(ADDRESS))!
      yield* TestClock.adjust("20 days")
      yield* world.publish(threeRoles)
      yield* until(Effect.map(dev.index.find(ADDRESS), (row) => row!.seq > before.seq))
      assert.deepStrictEqual({ ...(yield* dev.index.find(ADDRESS))!, seq: before.seq }, before)
      yield* TestClock.adjust("5 days")
      assert.lengthOf(yield* arch.dht.getName(ADDRESS, { authority: publicKeyOf(AUTHORITY) }), 1)
      yield* TestClock.adjust("10 days")
      const [entry] = yield* arch.dht.getName(ADDRESS, { authority: publicKeyOf(AUTHORITY) })
      assert.isAbove(entry!.expires, 35 * 86_400)
    })
  )
})
