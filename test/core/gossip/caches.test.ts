import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { Backoffs, LONGEST, SLACK } from "#core/gossip/Backoffs"
import { MessageCache } from "#core/gossip/MessageCache"
import { SeenCache } from "#core/gossip/SeenCache"
import { Wanted } from "#core/gossip/Wanted"

const Small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const commandsOf = <T extends Schema.Top>(command: T) =>
  Arbitrary.array(Arbitrary.schema(command), { minLength: 1, maxLength: 200 })

describe("SeenCache", () => {
  const Command = Schema.Struct({ id: Small(40), refused: Schema.Boolean, pass: Small(30) })

  it.prop(
    "knows an id for its lifetime, at most a fifth longer, and what came of it",
    [commandsOf(Command)],
    ([all]) => {
      const seen = new SeenCache(1_000, 100)
      const model = new Map<string, { at: number; refused: boolean }>()
      let now = 0
      for (const { id, pass, refused } of all) {
        now += pass
        seen.add(`${id}`, refused ? "refused" : "taken", now)
        model.set(`${id}`, { at: now, refused })
        for (const [other, { at, refused }] of model) {
          const found = seen.find(other, now)
          if (now - at < 100) assert.strictEqual(found, refused ? "refused" : "taken")
          if (now - at >= 120) assert.isUndefined(found)
        }
        assert.isAtMost(seen.size, model.size)
      }
    }
  )

  it("never holds more than its limit, and lets the oldest go", () => {
    const seen = new SeenCache(100, 100)
    for (let id = 0; id < 1_000; id++) {
      seen.add(`${id}`, "taken", id / 10)
      assert.isAtMost(seen.size, 100)
      assert.strictEqual(seen.find(`${id}`, id / 10), "taken")
    }
    assert.isUndefined(seen.find("0", 99))
  })
})

describe("MessageCache", () => {
  const Command = Schema.Struct({ id: Small(60), topic: Small(2), bytes: Small(120), beats: Small(1) })

  it.prop("keeps what fits, the newest, for five heartbeats, and tells of three", [commandsOf(Command)], ([all]) => {
    const cache = new MessageCache({ messages: 8, bytes: 500 })
    let model: Array<{ id: string; topic: string; bytes: number; beat: number }> = []
    let beat = 0
    const size = () => model.reduce((sum, it) => sum + it.bytes, 0)
    for (const { beats, bytes, id, topic } of all) {
      if (beats > 0) {
        cache.shift()
        beat++
        model = model.filter((it) => it.beat > beat - 5)
      }
      cache.put(`${id}`, `${topic}`, new Uint8Array(bytes))
      if (!model.some((it) => it.id === `${id}`)) {
        while (model.length >= 8 || size() + bytes > 500) model.shift()
        model.push({ id: `${id}`, topic: `${topic}`, bytes, beat })
      }
      assert.strictEqual(cache.size, model.length)
      assert.strictEqual(cache.bytes, size())
      for (const it of model) assert.strictEqual(cache.get(it.id)?.length, it.bytes)
      const told = [...cache.recent()].flatMap(([name, ids]) => ids.map((it) => [name, it]))
      const expected = model.filter((it) => it.beat > beat - 3).map((it) => [it.topic, it.id])
      assert.sameDeepMembers(told, expected)
    }
  })

  it("does not empty itself for a message that would never fit", () => {
    const cache = new MessageCache({ messages: 8, bytes: 500 })
    cache.put("a", "t", new Uint8Array(400))
    cache.put("b", "t", new Uint8Array(501))
    assert.deepStrictEqual([...cache.recent().values()], [["a"]])
  })
})

describe("Backoffs", () => {
  it("hold the neighbour until they end, this node a little longer, and are never shortened", () => {
    const backoffs = new Backoffs(10)
    backoffs.set("p", "t", 60_000, 0)
    backoffs.set("p", "t", 1_000, 10)
    assert.isTrue(backoffs.holds("p", "t", 59_999))
    assert.isFalse(backoffs.holds("p", "t", 60_000))
    assert.isTrue(backoffs.holdsHere("p", "t", 60_000 + SLACK - 1))
    assert.isFalse(backoffs.holdsHere("p", "t", 60_000 + SLACK))
    assert.isFalse(backoffs.holds("p", "u", 1))
    backoffs.set("q", "t", 2 ** 40, 0)
    assert.isFalse(backoffs.holds("q", "t", LONGEST))
  })

  it("are forgotten when they have ended, and never more than their limit", () => {
    const backoffs = new Backoffs(10)
    for (let peer = 0; peer < 1_000; peer++) backoffs.set(`${peer}`, "t", 1_000, peer)
    assert.strictEqual(backoffs.size, 10)
    assert.isTrue(backoffs.holds("999", "t", 1_000))
    backoffs.sweep(999 + 1_000 + SLACK)
    assert.strictEqual(backoffs.size, 0)
  })
})

describe("Wanted", () => {
  it("asks the first who told, and the others one after the other when that does not keep its word", () => {
    const wanted = new Wanted(10, 10, 3_000)
    assert.isTrue(wanted.told("a", "m", 0))
    assert.isFalse(wanted.told("a", "m", 1))
    assert.isFalse(wanted.told("b", "m", 2))
    assert.isFalse(wanted.told("c", "m", 3))
    assert.deepStrictEqual(wanted.sweep(2_999), { again: [], broken: new Set<string>() })
    assert.deepStrictEqual(wanted.sweep(3_000), { again: [{ peer: "b", id: "m" }], broken: new Set(["a"]) })
    assert.deepStrictEqual(wanted.sweep(6_000), { again: [{ peer: "c", id: "m" }], broken: new Set(["b"]) })
    assert.deepStrictEqual(wanted.sweep(9_000), { again: [], broken: new Set(["c"]) })
    assert.strictEqual(wanted.size, 0)
  })

  it("blames nobody for what came from somebody else, and nobody who has left", () => {
    const wanted = new Wanted(10, 10, 3_000)
    wanted.told("a", "m", 0)
    wanted.told("a", "n", 0)
    wanted.told("b", "n", 0)
    wanted.arrived("m")
    wanted.peerDown("a")
    assert.deepStrictEqual(wanted.sweep(1), { again: [{ peer: "b", id: "n" }], broken: new Set<string>() })
  })

  const Command = Schema.Struct({
    _tag: Schema.Literals(["told", "told", "told", "arrived", "down", "sweep"]),
    peer: Small(4),
    id: Small(40),
    pass: Small(2_000)
  })

  it.prop("stays within its limits and asks a neighbour again for what it may ask", [commandsOf(Command)], ([all]) => {
    const wanted = new Wanted(12, 4, 3_000)
    const asked = new Map<string, string>()
    let now = 0
    for (const { _tag, id, pass, peer } of all) {
      now += pass
      if (_tag === "told" && wanted.told(`${peer}`, `${id}`, now)) {
        assert.isFalse(asked.has(`${id}`))
        asked.set(`${id}`, `${peer}`)
        assert.isAtMost([...asked.values()].filter((it) => it === `${peer}`).length, 12)
      }
      if (_tag === "arrived") {
        wanted.arrived(`${id}`)
        asked.delete(`${id}`)
      }
      if (_tag === "down") wanted.peerDown(`${peer}`)
      if (_tag === "sweep") {
        const { again, broken } = wanted.sweep(now)
        for (const { id, peer } of again) {
          assert.notStrictEqual(asked.get(id), peer)
          asked.set(id, peer)
        }
        assert.isAtMost(broken.size, 5)
        for (const id of [...asked.keys()])
          if (wanted.size < asked.size && !again.some((it) => it.id === id)) asked.delete(id)
      }
      assert.isAtMost(wanted.size, 12)
    }
  })
})
