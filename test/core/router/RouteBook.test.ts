import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import type { TableNode } from "#core/dht/TableEntry"
import { GUARDS_AMONG } from "#core/router/FirstHops"
import { clash } from "#core/router/pickRelays"
import { RELAYS } from "#core/router/RelayTable"
import { HOPS, RELAYS_WANTED, RouteBook } from "#core/router/RouteBook"
import { chanceOf, DAY, HOUR, relay } from "./relays.ts"

const MINUTE = 60_000
const FRESH = 90 * MINUTE
const ROUTE_FOR = 10 * MINUTE
const SUSPECT = { path: MINUTE, culprit: 10 * MINUTE }
const OWN = relay(999)

const make = (seed = 1, isDiverse = true) => {
  const book = new RouteBook<TableNode>({
    own: OWN.key,
    isDiverse,
    chance: chanceOf(seed),
    freshFor: FRESH,
    routeFor: ROUTE_FOR,
    suspectFor: SUSPECT,
    limit: () => RELAYS,
    guards: { keptFor: 28 * DAY, goneAfter: 3 * DAY, standInGoneAfter: HOUR, triedAfter: MINUTE }
  })
  book.isSearched = true
  return book
}

/** One that knows relays 0 to `count`, each in a network of its own. */
const knowing = (count: number, seed = 1) => {
  const book = make(seed)
  for (let n = 0; n < count; n++) book.admit(relay(n), true, 0, 0)
  return book
}

const keysOf = (path: { readonly relays: ReadonlyArray<TableNode> }) => path.relays.map(({ key }) => key)
const lackOf = (picked: ReturnType<RouteBook<TableNode>["pick"]>) =>
  Result.isFailure(picked) ? picked.failure.lack : "nothing"
const shares = (a: TableNode, b: TableNode) => {
  const placed = (it: TableNode) => ({
    key: it.key,
    networks: it.addresses.map(({ host }) => host.split(".", 2).join("."))
  })
  return clash(placed(a), placed(b))
}

const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 15 }))
const Command = Schema.Union([
  Schema.Struct({ _tag: Schema.Literals(["admit", "admit", "admit", "missed"]), n: Index }),
  Schema.Struct({ _tag: Schema.Literals(["to", "back"]), n: Index, fails: Schema.Boolean }),
  Schema.Struct({ _tag: Schema.Literal("wait"), minutes: Schema.Literals([1, 11, 89]) })
])

const first = Array.from({ length: 8 }, (_, n): typeof Command.Type => ({ _tag: "admit", n }))

describe("RouteBook", () => {
  it.prop(
    "gives only paths of three fresh relays of three networks, with a guard nearest, never itself nor the recipient",
    [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 60 }), Schema.Literals([1, 2, 3])],
    ([commands, seed]) => {
      const book = make(seed)
      book.admit(OWN, true, 0, 0)
      const confirmed = new Map<string, number>()
      let now = 0
      for (const command of [...first, ...commands]) {
        if (command._tag === "wait") now += command.minutes * MINUTE
        else if (command._tag === "missed") {
          book.missed(relay(command.n).key, now)
          confirmed.delete(relay(command.n).key)
        } else if (command._tag === "admit") {
          // Two of each network, at most.
          book.admit(relay(command.n, [command.n >> 1]), true, now, now)
          confirmed.set(relay(command.n).key, now)
        } else {
          const { key } = relay(command.n)
          const answer = command._tag === "to" ? book.routeTo(key, now) : book.routeBack([key], now)
          if (Result.isFailure(answer)) continue
          const { relays, until } = answer.success
          assert.strictEqual(relays.length, HOPS)
          assert.isTrue(until > now && until <= now + ROUTE_FOR)
          for (const [at, it] of relays.entries()) {
            assert.isAbove(confirmed.get(it.key) ?? -FRESH, now - FRESH)
            assert.isFalse(it.key === key || it.key === OWN.key)
            assert.isFalse(relays.slice(at + 1).some((other) => shares(it, other)))
          }
          const nearest = command._tag === "to" ? relays[0]! : relays.at(-1)!
          assert.isDefined(book.guards.find(nearest.key))
          if ("fails" in command && command.fails) book.failed(answer.success, undefined, now)
          else book.succeeded(answer.success, 400, now)
        }
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it("begins with the same three for weeks, whatever fails, before and after a restart", () => {
    const book = knowing(40)
    const firsts = new Set<string>()
    let again = make(2)
    for (let hour = 0; hour < 20 * 24; hour += 5) {
      const now = hour * HOUR
      if (hour === 300) again.guards.restore(book.guards.all())
      const used = hour < 300 ? book : again
      for (let n = 0; n < 40; n++) used.admit(relay(n), true, now, now)
      const path = Result.getOrThrow(used.routeTo(`recipient ${hour}`, now))
      firsts.add(keysOf(path)[0]!)
      used.failed(path, undefined, now)
    }
    assert.strictEqual(firsts.size, 3)
    again = make(3)
    again.guards.restore(book.guards.all())
    for (let n = 0; n < 40; n++) if (!firsts.has(relay(n).key)) again.admit(relay(n), true, 0, 0)
    assert.strictEqual(lackOf(again.routeTo("anybody", 0)), "guards", "none of them was met in this run")
  })

  it("goes on with another guard while one is out of reach, and with a fourth only while all three are", () => {
    const book = knowing(20)
    const guards = () => book.guards.all().map(({ key }) => key)
    Result.getOrThrow(book.routeTo("a", 0))
    const three = guards()
    const firstOf = (recipient: string, now: number) => keysOf(Result.getOrThrow(book.routeTo(recipient, now)))[0]!
    book.missed(three[0]!, 1)
    book.missed(three[1]!, 1)
    for (let n = 0; n < 10; n++) assert.strictEqual(firstOf(`${n}`, 2), three[2])
    assert.deepStrictEqual(guards(), three)
    book.missed(three[2]!, 3)
    const fourth = firstOf("0", 4)
    assert.notInclude(three, fourth)
    assert.deepStrictEqual(guards(), [...three, fourth])
    const returned = relay([...Array(20).keys()].find((n) => relay(n).key === three[1])!)
    book.admit(returned, true, 5, 5)
    for (let n = 20; n < 30; n++) assert.strictEqual(firstOf(`${n}`, 5), three[1])
  })

  it("keeps a path for its minutes, until it fails or one of its relays is gone", () => {
    const book = knowing(30)
    const path = Result.getOrThrow(book.routeTo("a", 0))
    assert.strictEqual(Result.getOrThrow(book.routeTo("a", ROUTE_FOR - 1)), path)
    const next = Result.getOrThrow(book.routeTo("a", ROUTE_FOR))
    assert.notStrictEqual(next, path)
    book.failed(next, undefined, ROUTE_FOR)
    const third = Result.getOrThrow(book.routeTo("a", ROUTE_FOR))
    assert.notStrictEqual(third, next)
    book.missed(keysOf(third)[1]!, ROUTE_FOR)
    const fourth = Result.getOrThrow(book.routeTo("a", ROUTE_FOR))
    assert.notInclude(keysOf(fourth), keysOf(third)[1]!)
    assert.notStrictEqual(Result.getOrThrow(book.routeBack(["a"], ROUTE_FOR)), fourth)
  })

  it("takes another path by the same guard where there is only one", () => {
    const book = knowing(30)
    const guards = () => book.guards.all()
    Result.getOrThrow(book.routeTo("a", 0))
    for (const { key } of guards().slice(1)) book.missed(key, 0)
    const path = Result.getOrThrow(book.routeTo("a", 0))
    book.failed(path, undefined, 0)
    const next = Result.getOrThrow(book.routeTo("a", 0))
    assert.strictEqual(next.relays[0], path.relays[0])
    assert.notStrictEqual(next, path)
    assert.strictEqual(book.relays.find(guards()[0]!.key)?.suspectUntil, 0)
  })

  it("has one guard on a path, unless there is nobody else", () => {
    const book = knowing(6)
    const guardsOn = (recipient: string) =>
      keysOf(Result.getOrThrow(book.routeTo(recipient, 0))).filter((key) => book.guards.find(key)).length
    for (let n = 0; n < 20; n++) assert.strictEqual(guardsOn(`${n}`), 1)
    const [stranger] = [...Array(6).keys()].map((n) => relay(n).key).filter((key) => !book.guards.find(key))
    book.missed(stranger!, 0)
    assert.strictEqual(guardsOn("a"), 1)
    for (let n = 0; n < 6; n++) if (!book.guards.find(relay(n).key)) book.missed(relay(n).key, 0)
    assert.strictEqual(guardsOn("b"), 3)
  })

  it("has a guard back when this node reaches it, not when it calls", () => {
    const book = knowing(9)
    Result.getOrThrow(book.routeTo("a", 0))
    const [guard] = book.guards.all()
    book.missed(guard!.key, 1)
    book.admit(guard!.contact, false, 2, 2)
    assert.strictEqual(guard!.lostAt, 1)
    book.admit(guard!.contact, true, 2, 2)
    assert.isUndefined(guard!.lostAt)
  })

  it("takes those of a failed path last, all but its guard, and a known culprit for longer", () => {
    const book = knowing(8)
    const path = Result.getOrThrow(book.routeTo("a", 0))
    book.failed(path, undefined, 0)
    const [, second, third] = keysOf(path)
    for (let n = 0; n < 30; n++) {
      const keys = keysOf(Result.getOrThrow(book.routeTo(`${n}`, SUSPECT.path - 1)))
      assert.isFalse(keys.includes(second!) || keys.includes(third!))
    }
    const later = SUSPECT.path
    book.failed(path, second, later)
    for (let n = 30; n < 60; n++) {
      assert.notInclude(keysOf(Result.getOrThrow(book.routeTo(`${n}`, later + SUSPECT.culprit - 1))), second!)
    }
    for (let n = 0; n < 8; n++) book.failed({ relays: [relay(n)], until: 0 }, relay(n).key, later)
    assert.isTrue(Result.isSuccess(book.routeTo("b", later)), "when all are suspected, somebody has to be taken")
  })

  it("says what is lacking: relays, networks, or guards", () => {
    const few = knowing(2)
    assert.strictEqual(lackOf(few.routeTo("a", 0)), "relays")
    few.admit(relay(2), true, 0, 0)
    assert.strictEqual(lackOf(few.routeTo(relay(2).key, 0)), "relays")
    assert.strictEqual(lackOf(few.routeTo("a", 0)), "nothing")
    assert.strictEqual(lackOf(few.routeTo("a", FRESH)), "relays")
    const alike = make()
    for (let n = 0; n < 6; n++) alike.admit(relay(n, [n % 2]), true, 0, 0)
    assert.strictEqual(lackOf(alike.routeTo("a", 0)), "networks")
    const local = make(1, false)
    for (let n = 0; n < 3; n++) local.admit(relay(n, [0]), true, 0, 0)
    assert.strictEqual(lackOf(local.routeTo("a", 0)), "nothing")
    const hasty = knowing(GUARDS_AMONG - 1)
    hasty.isSearched = false
    assert.strictEqual(lackOf(hasty.routeTo("a", 0)), "guards")
    hasty.admit(relay(50), true, 0, 0)
    assert.strictEqual(lackOf(hasty.routeTo("a", 0)), "nothing")
  })

  it("wants a choice of fresh relays, and has guards confirmed first and no more than it wants", () => {
    const book = knowing(60)
    assert.strictEqual(book.wanted(0), 0)
    assert.deepStrictEqual(book.stale(8, 0), [])
    Result.getOrThrow(book.routeTo("a", 0))
    assert.strictEqual(book.wanted(HOUR), RELAYS_WANTED)
    const stale = book.stale(8, FRESH)
    assert.strictEqual(stale.length, 8)
    assert.deepStrictEqual(
      stale.slice(0, 3).map(({ key }) => key),
      book.guards.all().map(({ key }) => key)
    )
    for (let n = 0; n < 46; n++) book.admit(relay(n), true, HOUR, HOUR)
    assert.strictEqual(book.wanted(HOUR), 2)
    assert.strictEqual(book.stale(8, HOUR).length, 2)
  })

  it("forgets all but the guards a day after they were heard of", () => {
    const book = knowing(60)
    Result.getOrThrow(book.routeTo("a", 0))
    book.stale(8, DAY)
    assert.strictEqual(book.relays.size, 60)
    book.stale(8, DAY + 1)
    assert.strictEqual(book.relays.size, 3)
  })

  it("has those met again that had a part in several failures, and looks for nobody twice in vain", () => {
    const book = knowing(RELAYS_WANTED)
    const others = () => book.stale(8, 0).map(({ key }) => key)
    const path = Result.getOrThrow(book.routeTo("a", 0))
    const [, second, third] = keysOf(path)
    for (let n = 0; n < 2; n++) book.failed(path, undefined, 0)
    assert.deepStrictEqual(others(), [])
    assert.isFalse(book.isDoubted(path))
    book.failed(path, undefined, 0)
    assert.isTrue(book.isDoubted(path))
    const firsts = new Set<string>()
    for (let turn = 0; turn < 20; turn++) {
      const met = others()
      assert.includeMembers(met, [second!, third!])
      assert.strictEqual(new Set(met).size, 4, "and two that nobody doubts")
      firsts.add(met[0]!)
    }
    assert.isAbove(firsts.size, 3, "in any order")
    book.succeeded({ ...path, relays: path.relays.slice(1, 2) }, 10, 0)
    assert.include(others(), third!)
    assert.strictEqual(others().length, 2)
    book.missed(third!, 0)
    assert.deepStrictEqual(others(), [])
    assert.isAbove(book.wanted(0), 0)
  })
})
