import { assert, describe, it } from "@effect/vitest"
import { type Outcome, RequestTable } from "#core/rpc/RequestTable"
import { RoundTrip } from "#core/rpc/RoundTrip"
import { Window } from "#core/rpc/Window"

const limits = { initial: 3000, minimum: 1000, maximum: 10_000 }

describe("RequestTable", () => {
  const request = (deadline: number, seen: Array<Outcome>) => ({
    answerType: 0x21,
    measures: true,
    sentAt: 0,
    deadline,
    settle: (outcome: Outcome) => void seen.push(outcome)
  })

  it("matches an answer by id and frame type, once", () => {
    const table = new RequestTable()
    const id = table.add(request(10, []))
    assert.isUndefined(table.take(id, 0x11))
    assert.isDefined(table.take(id, 0x21))
    assert.isUndefined(table.take(id, 0x21))
  })

  it("settles only what is overdue, and says when the next one is", () => {
    const table = new RequestTable()
    const seen: Array<Outcome> = []
    table.add(request(10, seen))
    table.add(request(20, seen))
    assert.strictEqual(table.nextDeadline(), 10)
    table.expire(10)
    assert.deepStrictEqual(seen, [{ _tag: "Timeout" }])
    assert.strictEqual(table.nextDeadline(), 20)
    table.end("goodbye")
    assert.deepStrictEqual(seen[1], { _tag: "Ended", reason: "goodbye" })
    assert.strictEqual(table.size, 0)
    assert.strictEqual(table.nextDeadline(), Number.POSITIVE_INFINITY)
  })

  it("never hands out an id that is still in use", () => {
    const table = new RequestTable()
    const ids = new Set(Array.from({ length: 5000 }, () => table.add(request(1, []))))
    assert.strictEqual(ids.size, 5000)
  })
})

describe("Window", () => {
  it("lets in as many as the limit, then one for each that leaves, in order", () => {
    const window = new Window(2, 10)
    assert.isTrue(window.tryEnter())
    assert.isTrue(window.tryEnter())
    assert.isFalse(window.tryEnter())
    const turns: Array<number> = []
    window.wait(() => turns.push(1))
    window.wait(() => turns.push(2))
    window.leave()
    assert.deepStrictEqual(turns, [1])
    assert.strictEqual(window.inFlight, 2)
    window.leave()
    assert.strictEqual(window.forgotten, 0)
    assert.deepStrictEqual(turns, [1, 2])
  })

  it("refuses to queue beyond its limit, and forgets who gave up", () => {
    const window = new Window(1, 1)
    window.tryEnter()
    const turn = () => assert.fail("gave up, and was called")
    assert.isTrue(window.wait(turn))
    assert.isFalse(window.wait(() => {}))
    assert.isTrue(window.abandon(turn))
    window.leave()
    assert.strictEqual(window.inFlight, 0)
  })

  it("lets one in at least, whatever the peer says that it takes", () => {
    const window = new Window(0, 1)
    assert.isTrue(window.tryEnter())
    assert.isFalse(window.tryEnter())
  })
})

describe("RoundTrip", () => {
  it("follows the worked figures of RFC 6298 sections 2.2 and 2.3", () => {
    const trip = new RoundTrip()
    assert.strictEqual(trip.timeout(limits), 3000)
    trip.measured(1000)
    assert.strictEqual(trip.timeout(limits), 1000 + 4 * 500)
    trip.measured(2000)
    assert.strictEqual(trip.smoothed, 1125)
    assert.strictEqual(trip.timeout(limits), 1125 + 4 * (500 + (1000 - 500) / 4))
  })

  it("stays within its limits, doubles after a timeout and comes back after an answer", () => {
    const trip = new RoundTrip()
    trip.measured(2)
    assert.strictEqual(trip.timeout(limits), 1000)
    for (const [n, expected] of [2000, 4000, 8000, 10_000, 10_000].entries()) {
      assert.isTrue(trip.missed(20_000 * n, 20_000 * n + 10_000, limits))
      assert.strictEqual(trip.timeout(limits), expected)
    }
    trip.measured(2)
    assert.strictEqual(trip.timeout(limits), 1000)
  })

  it("takes what was asked before a miss and is missed after it for the same miss", () => {
    const trip = new RoundTrip()
    trip.measured(2)
    assert.deepStrictEqual(
      [0, 10, 999, 1000].map((askedAt) => trip.missed(askedAt, askedAt + 1000, limits)),
      [true, false, false, true]
    )
    assert.strictEqual(trip.timeout(limits), 4000)
  })
})
