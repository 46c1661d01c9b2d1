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
    Schema.TaggedStruct("Hold", { due: Small(50), bytes: Small(9), holder: Small(3) }),
    Schema.TaggedStruct("Hold", { due: Small(50), bytes: Small(9), holder: Small(3) }),
    Schema.TaggedStruct("Release", { at: Small(40) })
  ])
  const limits = { bytes: 60, share: 25 }

  interface Held {
    readonly due: number
    readonly bytes: number
    readonly holder: number
    readonly item: number
  }

  const bytesOf = (held: ReadonlyArray<Held>) => held.reduce((sum, { bytes }) => sum + bytes, 0)
  const itemsOf = (held: ReadonlyArray<Held>) => held.map(({ item }) => item)

  /** A list that is sorted anew each time. */
  const naiveQueue = () => {
    let all: ReadonlyArray<Held> = []
    const of = (holder: number) => all.filter((it) => it.holder === holder)
    return {
      all: () => all,
      of,
      hold: (it: Held): ReadonlyArray<number> => {
        if (bytesOf(of(it.holder)) + it.bytes > limits.share) return [it.item]
        all = [...all, it].sort((a, b) => a.due - b.due || a.item - b.item)
        const gone: Array<number> = []
        while (bytesOf(all) > limits.bytes && !gone.includes(it.item)) {
          gone.push(all.at(-1)!.item)
          all = all.slice(0, -1)
        }
        return gone
      },
      release: (now: number): ReadonlyArray<number> => {
        const due = all.filter((it) => it.due <= now)
        all = all.filter((it) => it.due > now)
        return itemsOf(due)
      }
    }
  }

  it.prop(
    "does what a sorted list would: in its order, with its room, and with those that have to make room",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 20, maxLength: 200 })],
    ([commands]) => {
      const [queue, naive] = [new HoldQueue<number>(limits), naiveQueue()]
      const holders = Array.from({ length: 4 }, () => ({ held: 0 }))
      for (const [item, command] of commands.entries()) {
        if (command._tag === "Hold") {
          const { bytes, due, holder } = command
          assert.deepStrictEqual(
            queue.hold(item, bytes, due, holders[holder]!),
            naive.hold({ due, bytes, holder, item })
          )
        } else assert.deepStrictEqual(queue.release(command.at), naive.release(command.at))
        assert.deepStrictEqual(
          [queue.size, queue.bytes, queue.next()],
          [naive.all().length, bytesOf(naive.all()), naive.all()[0]?.due]
        )
        assert.deepStrictEqual(
          holders.map(({ held }) => held),
          [0, 1, 2, 3].map((holder) => bytesOf(naive.of(holder)))
        )
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it("takes nothing that is larger than all the room", () => {
    const queue = new HoldQueue<string>({ bytes: 10, share: 100 })
    assert.deepStrictEqual(queue.hold("small", 10, 5, { held: 0 }), [])
    assert.deepStrictEqual(queue.hold("large", 11, 1, { held: 0 }), ["large"])
    assert.deepStrictEqual(queue.release(9), ["small"])
  })
})

describe("WaitingCells", () => {
  const cell = (n: number, length = 10) => new Uint8Array(length).fill(n)
  const waitingFor = (hops: ReadonlyArray<string>) => {
    const waiting = new WaitingCells({ hops: 3, bytesOfHop: 40 })
    for (const hop of hops) waiting.begin(hop)
    return waiting
  }

  it("keeps the cells of each hop in order until they are taken", () => {
    const waiting = waitingFor(["a", "b"])
    for (const n of [1, 2, 3]) assert.isTrue(waiting.add(n === 2 ? "b" : "a", cell(n)))
    assert.deepStrictEqual([waiting.hops, waiting.bytes, waiting.mostOfHop()], [2, 30, 20])
    assert.deepStrictEqual([waiting.has("a"), waiting.has("c")], [true, false])
    assert.deepStrictEqual(waiting.take("a"), [cell(1), cell(3)])
    assert.deepStrictEqual(waiting.take("a"), [])
    assert.deepStrictEqual([waiting.hops, waiting.bytes, waiting.mostOfHop()], [1, 10, 10])
  })

  it("has room for so many bytes of each hop that it waits for, and for none of others", () => {
    const waiting = waitingFor(["a", "b"])
    for (const n of [1, 2, 3, 4]) assert.isTrue(waiting.add("a", cell(n)))
    assert.deepStrictEqual(
      ["a", "b", "c"].map((hop) => waiting.add(hop, cell(5))),
      [false, true, false]
    )
    assert.deepStrictEqual([waiting.hops, waiting.bytes], [2, 50])
  })

  it("gives up the hop that it has waited for longest when there are too many", () => {
    assert.isUndefined(waitingFor(["a", "b"]).tooMany())
    const waiting = waitingFor(["a", "b", "c"])
    assert.strictEqual(waiting.tooMany(), "a")
    waiting.take("a")
    assert.isUndefined(waiting.tooMany())
    waiting.begin("a")
    assert.strictEqual(waiting.tooMany(), "b")
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
