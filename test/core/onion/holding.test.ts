import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { CellAllowance } from "#core/onion/CellAllowance"
import { HoldQueue } from "#core/onion/HoldQueue"
import { shuffle } from "#core/onion/shuffle"
import { WaitingCells } from "#core/onion/WaitingCells"
import { makeWorld } from "./fixtures.ts"

const Small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

describe("HoldQueue", () => {
  const Command = Schema.Union([
    Schema.TaggedStruct("Hold", { due: Small(50), bytes: Small(3), holder: Small(3) }),
    Schema.TaggedStruct("Release", { at: Small(50) })
  ])
  const limits = { items: 12, bytes: 20, share: 5 }

  it.prop(
    "releases what a sorted list would, in its order, and takes what such a list has room for",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 20, maxLength: 200 })],
    ([commands]) => {
      const queue = new HoldQueue<number>(limits)
      const holders = Array.from({ length: 4 }, () => ({ held: 0 }))
      let model: Array<{ due: number; bytes: number; holder: number; item: number }> = []
      for (const [item, command] of commands.entries()) {
        if (command._tag === "Hold") {
          const { bytes, due, holder } = command
          const room =
            model.length < limits.items &&
            model.reduce((sum, it) => sum + it.bytes, bytes) <= limits.bytes &&
            model.filter((it) => it.holder === holder).length < limits.share
          assert.strictEqual(queue.hold(item, bytes, due, holders[holder]!), room)
          if (room) model.push({ ...command, item })
        } else {
          const due = model.filter((it) => it.due <= command.at).sort((a, b) => a.due - b.due || a.item - b.item)
          model = model.filter((it) => it.due > command.at)
          assert.deepStrictEqual(
            queue.release(command.at),
            due.map(({ item }) => item)
          )
        }
        assert.strictEqual(queue.size, model.length)
        assert.strictEqual(
          queue.bytes,
          model.reduce((sum, it) => sum + it.bytes, 0)
        )
        const first = model.length === 0 ? undefined : Math.min(...model.map(({ due }) => due))
        assert.strictEqual(queue.next(), first)
        assert.deepStrictEqual(
          holders.map(({ held }) => held),
          [0, 1, 2, 3].map((n) => model.filter(({ holder }) => holder === n).length)
        )
      }
    },
    { arbitrary: { runs: 150 } }
  )
})

describe("WaitingCells", () => {
  const cell = (n: number, length = 10) => new Uint8Array(length).fill(n)

  it("keeps the cells of each hop in order until they are taken", () => {
    const waiting = new WaitingCells({ hops: 2, bytes: 100, bytesOfHop: 50 })
    for (const n of [1, 2, 3]) assert.isTrue(waiting.add(n === 2 ? "b" : "a", cell(n)))
    assert.deepStrictEqual([waiting.hops, waiting.bytes, waiting.mostOfHop()], [2, 30, 20])
    assert.deepStrictEqual([waiting.has("a"), waiting.has("c")], [true, false])
    assert.deepStrictEqual(waiting.take("a"), [cell(1), cell(3)])
    assert.deepStrictEqual(waiting.take("a"), [])
    assert.deepStrictEqual([waiting.hops, waiting.bytes, waiting.mostOfHop()], [1, 10, 10])
  })

  it("has no room beyond its hops, the bytes of one of them, and the bytes of all", () => {
    const waiting = new WaitingCells({ hops: 2, bytes: 60, bytesOfHop: 40 })
    for (let n = 0; n < 4; n++) assert.isTrue(waiting.add("a", cell(n)))
    assert.isFalse(waiting.add("a", cell(4)), "bytes of a hop")
    assert.isTrue(waiting.add("b", cell(5)))
    assert.isFalse(waiting.add("c", cell(6)), "hops")
    assert.isTrue(waiting.add("b", cell(7)))
    assert.isFalse(waiting.add("b", cell(8)), "bytes in all")
    waiting.take("a")
    assert.isTrue(waiting.add("c", cell(9)))
  })

  it("remembers no hop for which it had no room", () => {
    const waiting = new WaitingCells({ hops: 2, bytes: 5, bytesOfHop: 40 })
    assert.isFalse(waiting.add("a", cell(1)))
    assert.deepStrictEqual([waiting.hops, waiting.has("a")], [0, false])
  })
})

describe("shuffle", () => {
  it("keeps what there is, and leaves the given list alone", () => {
    const { draw } = makeWorld("shuffle")
    for (const length of [0, 1, 2, 3, 100]) {
      const items = Array.from({ length }, (_, at) => at)
      assert.deepStrictEqual(
        [...shuffle(items, draw)].sort((a, b) => a - b),
        items
      )
      assert.deepStrictEqual(
        items,
        Array.from({ length }, (_, at) => at)
      )
    }
  })

  it("puts each item in each place about as often", () => {
    const { draw } = makeWorld("places")
    const counts = Array.from({ length: 25 }, () => 0)
    for (let round = 0; round < 5_000; round++) {
      for (const [place, item] of shuffle([0, 1, 2, 3, 4], draw).entries()) counts[item * 5 + place]!++
    }
    for (const count of counts) assert.isTrue(Math.abs(count - 1_000) < 150, `${count}`)
  })
})

describe("CellAllowance", () => {
  it("looks at no more cells than its rate while they are good, and at far fewer while they are bad", () => {
    const seen = (cost: number) => {
      const allowance = new CellAllowance({ perSecond: 100, burst: 200 }, { perSecond: 1, burst: 1 }, 0)
      let looked = 0
      for (let now = 0; now < 10_000; now++) {
        if (!allowance.mayBring(now)) continue
        looked++
        allowance.brought(cost, now)
      }
      return looked
    }
    assert.isTrue(Math.abs(seen(1) - 1_200) <= 2, `${seen(1)}`)
    assert.isTrue(Math.abs(seen(16) - 1_200 / 16) <= 2, `${seen(16)}`)
  })

  it("allows dials at their own rate", () => {
    const allowance = new CellAllowance({ perSecond: 1, burst: 1 }, { perSecond: 1, burst: 3 }, 0)
    const at = (now: number) => Array.from({ length: 6 }, () => allowance.mayDial(now)).filter(Boolean).length
    assert.deepStrictEqual([at(0), at(500), at(1_500), at(3_600_000)], [4, 0, 1, 4])
  })
})
