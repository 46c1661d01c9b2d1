import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { TableNode } from "#core/dht/TableEntry"
import { RELAYS_OF_NETWORK, RelayTable } from "#core/router/RelayTable"
import { DAY, HOUR, relay } from "./relays.ts"

const LIMIT = 20
const FRESH = 90 * 60_000
const KEPT = relay(3).key

const make = (isDiverse = true, limit = LIMIT) =>
  new RelayTable<TableNode>({ isDiverse, freshFor: FRESH, isKept: (key) => key === KEPT, limit: () => limit })

const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 39 }))
const Command = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("admit"), n: Index, net: Schema.Literals([0, 1, 2]), reached: Schema.Boolean }),
  Schema.Struct({ _tag: Schema.Literal("admit"), n: Index, net: Schema.Literals([0, 1, 2]), reached: Schema.Boolean }),
  Schema.Struct({ _tag: Schema.Literals(["drop", "fail", "succeed"]), n: Index })
])

interface Row {
  readonly node: TableNode
  readonly isReached: boolean
  readonly since: number
  readonly confirmedAt: number
}

/** The rules on a plain list, where there is room for all: who is in, and since when. */
const naive = (isDiverse: boolean) => {
  const rows = new Map<string, Row>()
  const ofNetwork = (node: TableNode, but: string) =>
    [...rows.values()].filter(
      (it) => it.node.key !== but && it.node.addresses[0]!.wideNetwork === node.addresses[0]!.wideNetwork
    ).length
  return {
    rows,
    admit: (node: TableNode, isReached: boolean, now: number) => {
      const known = rows.get(node.key)
      if (known === undefined && !isReached) return
      const isFull = isDiverse && ofNetwork(node, node.key) >= RELAYS_OF_NETWORK
      const isSamePlace = known !== undefined && known.node.addresses[0]!.text === node.addresses[0]!.text
      if (isFull && !isSamePlace) {
        if (known === undefined) return
        if (node.key !== KEPT) return void rows.delete(node.key)
      }
      rows.set(node.key, {
        node,
        isReached: isReached || (isSamePlace && known.isReached),
        since: known?.since ?? now,
        confirmedAt: now
      })
    }
  }
}

describe("RelayTable", () => {
  for (const isDiverse of [true, false]) {
    it.prop(
      `agrees with a naive list where networks ${isDiverse ? "matter" : "do not matter"}`,
      [Arbitrary.array(Arbitrary.schema(Command), { minLength: 20, maxLength: 80 })],
      ([commands]) => {
        const [table, model] = [make(isDiverse, 40), naive(isDiverse)]
        commands.forEach((command, at) => {
          const now = (at + 1) * 1_000
          const node = relay(command.n, ["net" in command ? command.net : 0])
          if (command._tag === "admit") {
            table.admit(node, command.reached, now, now)
            model.admit(node, command.reached, now)
          } else if (command._tag === "drop") {
            table.drop(node.key)
            model.rows.delete(node.key)
          } else if (command._tag === "fail") table.failed(node.key, 1, 1_000, now)
          else table.succeeded(node.key, 10, now)
        })
        const rows = [...table.values()].map(({ confirmedAt, contact, isReached, since }) => {
          return { node: contact.addresses[0]!.text, isReached, since, confirmedAt }
        })
        const wanted = [...model.rows.values()].map((it) => ({ ...it, node: it.node.addresses[0]!.text }))
        const byName = (a: { node: string }, b: { node: string }) => (a.node < b.node ? -1 : 1)
        assert.deepStrictEqual(rows.sort(byName), wanted.sort(byName))
        assert.strictEqual(table.size, rows.length)
      },
      { arbitrary: { runs: 200 } }
    )
  }

  it.prop(
    "is never fuller than it may be, nor holds too many of one network, and keeps whom it shall",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 60, maxLength: 120 })],
    ([commands]) => {
      const table = make()
      table.admit(relay(3, [7]), true, 0, 0)
      commands.forEach((command, at) => {
        if (command._tag === "admit") {
          table.admit(relay(command.n, [command.net, 10 + command.n]), command.reached, at * HOUR, at * HOUR)
        }
        assert.isAtMost(table.size, LIMIT)
        // One that is kept may move into a network that is full.
        assert.isAtMost(table.mostOfNetwork, RELAYS_OF_NETWORK + 1)
        assert.isDefined(table.find(KEPT))
      })
    }
  )

  it("takes the place of the least useful: the stale one heard of longest ago, else the one that fails most", () => {
    const table = make(false, 3)
    table.admit(relay(0), true, 0, 0)
    table.admit(relay(1), true, HOUR, HOUR)
    table.admit(relay(2), true, 2 * HOUR, 2 * HOUR)
    table.admit(relay(4), true, 2 * HOUR, 2 * HOUR)
    assert.isUndefined(table.find(relay(0).key))
    table.failed(relay(2).key, 5, 0, 2 * HOUR)
    table.admit(relay(5), true, 2 * HOUR, 2 * HOUR)
    assert.isUndefined(table.find(relay(2).key))
    assert.isDefined(table.find(relay(1).key), "fresh, if not for long")
  })

  it("never takes the place of one that is kept, however long it was silent", () => {
    const table = make(false, 2)
    table.admit(relay(3), true, 0, 0)
    for (let n = 10; n < 20; n++) table.admit(relay(n), true, n * DAY, n * DAY)
    assert.sameMembers(
      [...table.values()].map(({ key }) => key),
      [KEPT, relay(19).key]
    )
  })

  it("lets no newcomer push out who is better than it", () => {
    const table = make(false, 2)
    for (const n of [0, 1]) {
      table.admit(relay(n), true, 0, 0)
      table.admit(relay(n), true, HOUR, HOUR)
    }
    for (let n = 10; n < 30; n++) table.admit(relay(n), true, HOUR, HOUR)
    assert.sameMembers(
      [...table.values()].map(({ key }) => key),
      [relay(0).key, relay(1).key]
    )
  })

  it("counts a relay as fresh for so long after it showed its record, where it was reached at those addresses", () => {
    const table = make()
    table.admit(relay(1, [1]), true, 0, 0)
    const entry = table.find(relay(1).key)!
    assert.isTrue(table.isFresh(entry, FRESH - 1))
    assert.isFalse(table.isFresh(entry, FRESH))
    table.admit(relay(1, [1]), false, FRESH, FRESH)
    assert.isTrue(table.isFresh(entry, FRESH), "an inbound session confirms the record")
    table.admit(relay(1, [2]), false, FRESH, FRESH)
    assert.isFalse(table.isFresh(entry, FRESH), "but not that it is found at another place")
    table.admit(relay(1, [2]), true, FRESH, FRESH)
    assert.isTrue(table.isFresh(entry, FRESH))
  })

  it("believes nothing older than its loss, and forgets whom nobody heard of", () => {
    const table = make()
    const { key } = relay(1)
    table.admit(relay(1), true, 1_000, 1_000)
    table.lost(key, 5_000)
    table.admit(relay(1), true, 4_999, 6_000)
    assert.isFalse(table.isFresh(table.find(key)!, 6_000))
    table.admit(relay(1), true, 5_000, 6_000)
    assert.isTrue(table.isFresh(table.find(key)!, 6_000))
    table.missed(key, 7_000)
    assert.deepInclude(table.find(key), { isReached: false, lostAt: 7_000, missedAt: 7_000 })
    table.admit(relay(3), true, 1_000, 6_000)
    table.forget(5_000)
    assert.strictEqual(table.size, 2)
    table.forget(5_001)
    assert.deepStrictEqual(
      [...table.values()].map((it) => it.key),
      [KEPT]
    )
    for (const lost of [table.lost.bind(table), table.missed.bind(table)]) lost("nobody", 1)
    assert.strictEqual(table.size, 1)
  })

  it("remembers failures until they have faded, and forgives with the next success", () => {
    const table = make()
    const { key } = relay(1)
    table.admit(relay(1), true, 0, 0)
    table.failed(key, 0.5, 60_000, 1_000)
    assert.deepInclude(table.find(key), { failures: 0.5, suspectUntil: 61_000 })
    table.failed(key, 0.5, 1_000, 2_000)
    assert.strictEqual(table.find(key)?.suspectUntil, 61_000, "a shorter suspicion takes nothing from a longer one")
    table.succeeded(key, 40, 3_000)
    assert.deepInclude(table.find(key), { successes: 1, latency: 40, suspectUntil: 0 })
    for (const unknown of ["nobody"]) {
      table.failed(unknown, 1, 1, 1)
      table.succeeded(unknown, 1, 1)
      table.drop(unknown)
    }
    assert.strictEqual(table.size, 1)
  })
})
