import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { TableNode } from "#core/dht/TableEntry"
import { GUARDS, GUARDS_KEPT, type Guard, Guards } from "#core/router/Guards"
import { chanceOf, DAY, HOUR, relay } from "./relays.ts"

const TERMS = { keptFor: 28 * DAY, goneAfter: 3 * DAY, standInGoneAfter: HOUR, triedAfter: 60_000 }

const make = (seed = 1) => new Guards<TableNode>(TERMS, chanceOf(seed))

const candidate = (n: number, networks: ReadonlyArray<string> = [`${n}`], isLongKnown = true) => {
  const contact = relay(n)
  return { key: contact.key, contact, networks, weight: 1, isLongKnown }
}
const many = Array.from({ length: 30 }, (_, n) => candidate(n))

const fill = (guards: Guards<TableNode>, now: number, avoid: ReadonlyArray<string> = []) => {
  for (let wanted = guards.wanted(avoid); wanted > 0; wanted--) guards.choose(many, now)
}
const keys = (guards: ReadonlyArray<Pick<Guard<TableNode>, "key">>) => guards.map(({ key }) => key)
const everyone = () => true

const Slot = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: GUARDS_KEPT - 1 }))
const Command = Schema.Union([
  Schema.Struct({ _tag: Schema.Literals(["missed", "reached"]), slot: Slot }),
  Schema.Struct({ _tag: Schema.Literal("all missed") }),
  Schema.Struct({ _tag: Schema.Literal("need"), avoid: Schema.Undefined }),
  Schema.Struct({ _tag: Schema.Literal("wait"), hours: Schema.Literals([0.5, 1, 20, 24 * 9]) }),
  Schema.Struct({ _tag: Schema.Literal("need"), avoid: Schema.UndefinedOr(Slot) })
])

interface Row {
  readonly key: string
  readonly until: number
  readonly lostAt: number | undefined
}

/** The rules, said once more on a plain list. */
const naive = () => {
  let rows: ReadonlyArray<Row> = []
  const change = (key: string, lostAt: (row: Row) => number | undefined) => {
    rows = rows.map((row) => (row.key === key ? { ...row, lostAt: lostAt(row) } : row))
  }
  return {
    rows: () => rows,
    missed: (key: string, now: number) => change(key, (row) => row.lostAt ?? now),
    reached: (key: string) => change(key, () => undefined),
    tend: (now: number) => {
      const goneAfter = (place: number) => (place < 3 ? 3 * DAY : HOUR)
      rows = rows.filter((row, place) => row.until > now && (row.lostAt ?? now) + goneAfter(place) > now)
    },
    chosen: (key: string, until: number) => {
      rows = [...rows, { key, until, lostAt: undefined }]
    },
    usable: (avoid: string | undefined): ReadonlyArray<string> => {
      const there = (row: Row) => row.lostAt === undefined && row.key !== avoid
      const three = rows.slice(0, 3).filter(there)
      return (three.length > 0 ? three : rows.slice(3).filter(there).slice(0, 1)).map(({ key }) => key)
    }
  }
}

describe("Guards", () => {
  it.prop(
    "agrees with a naive list: three in their order, others behind them only while all three are out of reach",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 10, maxLength: 40 })],
    ([commands]) => {
      const [guards, model] = [make(), naive()]
      let now = 0
      for (const command of commands) {
        if (command._tag === "wait") now += command.hours * HOUR
        else if (command._tag === "all missed") {
          for (const { key } of guards.all()) {
            guards.missed(key, now)
            model.missed(key, now)
          }
        } else if (command._tag === "need") {
          guards.tend(now)
          model.tend(now)
          const avoid =
            !("avoid" in command) || command.avoid === undefined ? undefined : guards.all()[command.avoid]?.key
          const avoided = avoid === undefined ? [] : [avoid]
          const wasOut = model.usable(avoid).length === 0
          const before = guards.size
          fill(guards, now, avoided)
          for (const { key, until } of guards.all().slice(before)) model.chosen(key, until)
          assert.isAtMost(guards.size, GUARDS_KEPT)
          assert.isAtLeast(guards.size, GUARDS)
          if (before >= GUARDS) {
            const isStandInWanted = wasOut && before < GUARDS_KEPT
            assert.strictEqual(guards.size - before, isStandInWanted ? 1 : 0)
          }
          assert.deepStrictEqual(keys(guards.usable(avoided, everyone)), model.usable(avoid))
        } else {
          const guard = guards.all()[command.slot]
          if (guard === undefined) continue
          if (command._tag === "missed") guards.missed(guard.key, now)
          else guards.reached(guard)
          model[command._tag](guard.key, now)
        }
        assert.deepStrictEqual(
          guards.all().map(({ key, lostAt, until }) => ({ key, until, lostAt })),
          model.rows()
        )
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("keeps each for at most 28 days, and exchanges them one after the other", () => {
    for (let seed = 0; seed < 20; seed++) {
      const guards = make(seed)
      fill(guards, 0)
      const ends = guards.all().map(({ until }) => until)
      for (const end of ends) assert.isTrue(end > 21 * DAY && end <= 28 * DAY)
      assert.strictEqual(new Set(ends).size, GUARDS)
      const [first] = [...ends].sort((a, b) => a - b)
      guards.tend(first! - 1)
      assert.strictEqual(guards.size, GUARDS)
      guards.tend(first!)
      assert.strictEqual(guards.size, GUARDS - 1)
    }
  })

  it("chooses of networks where there is none yet, sooner who is long known, and anybody before nobody", () => {
    const guards = make()
    const [a, b, c, d, e] = [
      candidate(1, ["x"]),
      candidate(2, ["x"]),
      candidate(3, ["y"], false),
      candidate(4, ["z"]),
      candidate(5, ["x"])
    ]
    assert.isTrue(guards.choose([a!], 0))
    assert.isTrue(guards.choose([a!, b!, c!, d!, e!], 0))
    assert.isTrue(guards.choose([a!, b!, c!, d!, e!], 0))
    assert.deepStrictEqual(keys(guards.all()), [a!.key, d!.key, c!.key])
    assert.isFalse(guards.choose([a!, c!, d!], 0))
    assert.isTrue(guards.choose([a!, b!, c!, d!], 0))
    assert.strictEqual(guards.all()[3]?.key, b!.key)
  })

  it("chooses no more than a few in an outage, and returns to the first three after it", () => {
    const guards = make()
    fill(guards, 0)
    const three = keys(guards.all())
    for (let turn = 0; turn < 30; turn++) {
      for (const { key } of guards.all()) guards.missed(key, 0)
      fill(guards, 0)
    }
    assert.strictEqual(guards.size, GUARDS_KEPT)
    guards.reached(guards.all()[5]!)
    assert.deepStrictEqual(keys(guards.usable([], everyone)), [guards.all()[5]!.key])
    guards.reached(guards.all()[1]!)
    assert.deepStrictEqual(keys(guards.usable([], everyone)), [three[1]])
    guards.tend(HOUR)
    assert.deepStrictEqual(keys(guards.all()), [...three, guards.all()[3]!.key], "who only stood in is let go of")
  })

  it("waits for a guard that nobody has looked for yet, instead of taking another", () => {
    const guards = make()
    fill(guards, 0)
    assert.deepStrictEqual(
      guards.usable([], () => false),
      []
    )
    assert.strictEqual(guards.wanted([]), 0)
    assert.deepStrictEqual(keys(guards.missing(() => false, 0)), keys(guards.all()))
  })

  it("looks for those that are out of reach, but not all the time", () => {
    const guards = make()
    fill(guards, 0)
    const [first] = guards.all()
    guards.missed(first!.key, 1_000)
    assert.deepStrictEqual(guards.missing(everyone, 1_000 + TERMS.triedAfter - 1), [])
    assert.deepStrictEqual(keys(guards.missing(everyone, 1_000 + TERMS.triedAfter)), [first!.key])
    guards.missed(first!.key, 100_000)
    assert.strictEqual(first!.lostAt, 1_000, "lost since the first time")
    guards.reached(first!)
    assert.deepStrictEqual(guards.missing(everyone, 100_000), [])
  })

  it("is the same after a restart, and says when there is something to be written down", () => {
    const guards = make()
    const versions = [guards.version]
    fill(guards, 0)
    versions.push(guards.version)
    guards.missed(guards.all()[1]!.key, 5)
    versions.push(guards.version)
    const again = make(2)
    again.restore(guards.all())
    assert.strictEqual(again.version, 0)
    assert.deepStrictEqual(keys(again.all()), keys(guards.all()))
    fill(again, 10)
    assert.deepStrictEqual(keys(again.usable([], everyone)), [guards.all()[0]!.key, guards.all()[2]!.key])
    assert.deepStrictEqual(
      versions,
      [...new Set(versions)].sort((a, b) => a - b)
    )
    guards.missed(guards.all()[1]!.key, 6)
    guards.reached(guards.all()[0]!)
    guards.tend(7)
    assert.strictEqual(guards.version, versions.at(-1), "nothing new")
  })
})
