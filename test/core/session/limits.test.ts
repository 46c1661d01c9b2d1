import { assert, describe, it } from "@effect/vitest"
import { type DropReason, HalfOpen } from "#core/session/HalfOpen"
import { Reputation } from "#core/session/Reputation"
import { TokenBucket } from "#core/session/TokenBucket"

describe("TokenBucket", () => {
  it("lets a burst pass, then the rate, and says how long to wait", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0)
    assert.strictEqual(bucket.take(5, 0), 0)
    assert.strictEqual(bucket.take(1, 0), 100)
    assert.strictEqual(bucket.take(0, 100), 0)
    assert.strictEqual(bucket.take(5, 1_000_000), 0)
    assert.strictEqual(bucket.take(1, 1_000_000), 100, "rest is saved up to the burst only")
  })

  it("does not mind a clock that went back", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 1000)
    assert.strictEqual(bucket.take(5, 0), 0)
  })
})

describe("Reputation", () => {
  const rules = { bottom: 100, forgivenPerMinute: 10, banMillis: 60_000, limit: 3 }

  it("bans at the bottom, for a time, and forgives with time", () => {
    const reputation = new Reputation(rules)
    assert.isFalse(reputation.charge("a", 60, 0))
    assert.strictEqual(reputation.owing("a", 3 * 60_000), 30)
    assert.isFalse(reputation.charge("a", 60, 3 * 60_000))
    assert.isTrue(reputation.charge("a", 60, 3 * 60_000))
    assert.isTrue(reputation.isBanned("a", 4 * 60_000 - 1))
    assert.isFalse(reputation.isBanned("a", 4 * 60_000))
    assert.strictEqual(reputation.bans, 1)
    reputation.sweep(4 * 60_000)
    assert.strictEqual(reputation.bans, 0)
  })

  it("remembers no more peers than it may, the latest ones", () => {
    const reputation = new Reputation(rules)
    for (const key of ["a", "b", "c", "d"]) reputation.charge(key, 100, 0)
    assert.deepStrictEqual(
      ["a", "b", "c", "d"].map((key) => reputation.isBanned(key, 1)),
      [false, true, true, true]
    )
    for (const key of ["a", "b", "c", "d"]) reputation.charge(key, 5, 0)
    assert.deepStrictEqual([reputation.owing("a", 0), reputation.owing("d", 0)], [0, 5])
  })
})

describe("HalfOpen", () => {
  const setUp = (limit: number, perHost: number) => {
    const dropped: Array<string> = []
    const room = new HalfOpen(limit, perHost)
    const enter = (name: string, host: string, since = 0) => {
      const entry = { host, since, drop: (reason: DropReason) => dropped.push(`${name}: ${reason}`) }
      room.enter(entry)
      return () => room.leave(entry)
    }
    return { dropped, enter, room }
  }

  it("drops the oldest of all when it is full, never the newcomer", () => {
    const { dropped, enter, room } = setUp(2, 2)
    enter("first", "a")
    enter("second", "b")
    enter("third", "c")
    assert.deepStrictEqual([dropped, room.size], [["first: no room"], 2])
  })

  it("drops the oldest of a host that has too many, and leaves the others alone", () => {
    const { dropped, enter, room } = setUp(10, 2)
    enter("other", "b")
    const leave = enter("first", "a")
    enter("second", "a")
    leave()
    leave()
    enter("third", "a")
    enter("fourth", "a")
    assert.deepStrictEqual([dropped, room.size], [["second: no room"], 3])
  })

  it("drops those that are late", () => {
    const { dropped, enter, room } = setUp(10, 10)
    enter("first", "a", 0)
    enter("second", "a", 500)
    room.sweep(499)
    assert.deepStrictEqual([dropped, room.size], [["first: timeout"], 1])
    room.clear()
    assert.deepStrictEqual([dropped.at(-1), room.size, room.mostOfHost()], ["second: closed here", 0, 0])
  })
})
