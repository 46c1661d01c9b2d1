import { assert, describe, it } from "@effect/vitest"
import { textOf } from "#simulator/report/text"
import { broken, healthy, lastEvents, violations } from "./fixture.ts"

const lines = (text: string) => text.split("\n")

describe("the report as text", () => {
  it("opens with what ran, and how fast", () => {
    assert.strictEqual(
      lines(textOf(healthy))[0],
      "churn, 300 nodes, seed 7: 1 h 6 min of virtual time in 31.7 s, 125 × real time"
    )
  })

  it("tells the figures of each operation in one row, latencies in virtual time", () => {
    const [row] = lines(textOf(healthy)).filter((line) => line.startsWith("lookup"))
    assert.match(row ?? "", /^lookup +2,412 +0 +6\.3 +80 ms +210 ms +481 ms$/)
  })

  it("draws the hops as bars, the longest for the most frequent", () => {
    const text = textOf(healthy)
    assert.match(text, /2\.41 in the mean, log2 of 300 is 8\.23/)
    assert.match(text, /\n {2}2 {3}█{40} 1,204\n/)
    assert.match(text, /\n {2}0 {44}0\n/)
  })

  it("sums what is beyond the last bar into it", () => {
    const text = textOf({ ...healthy, figures: { ...healthy.figures, hops: [0, 9, 5, 4, 3, 2, 1, 1, 1] } })
    assert.match(text, /\n {2}5\+ .* 5\n/)
  })

  it("says nothing of violations where there are none", () => {
    assert.notMatch(textOf(healthy), /violation|allium sim|the last events/)
  })

  it("puts broken promises first, with when, what, seed, commit, and how to see them again", () => {
    const text = textOf(broken)
    const [first] = violations
    const order = ["3 violations of", "the last events", "operation  "].map((part) => text.indexOf(part))
    assert.deepStrictEqual(
      order.toSorted((a, b) => a - b),
      order
    )
    assert.notInclude(order, -1)
    for (const part of [
      first?.invariant,
      first?.sentence,
      first?.detail,
      "after 30 min 43 s",
      "and 1 more",
      "commit f00ba45",
      "allium sim --scenario churn --nodes 300 --seed 7 --hours 1 --sessions plain --storage memory --tempo production\n",
      "not whole again in time"
    ]) {
      assert.include(text, part ?? "")
    }
  })

  it("tells the last of the events, and never more than 40 lines", () => {
    const text = textOf(broken)
    assert.include(text, lastEvents.at(-1) ?? "")
    assert.notInclude(text, lastEvents[0] ?? "")
    assert.isAtMost(lines(text).length, 40)
  })

  it("stays on a screen however many operations, hops and violations there are", () => {
    const [lookup] = Object.values(healthy.figures.operations)
    const operations = Object.fromEntries(Array.from({ length: 99 }, (_, index) => [`operation${index}`, lookup!]))
    const hops = Array.from({ length: 99 }, () => 1)
    const many = Array.from({ length: 99 }, () => violations[0]!)
    const text = textOf({ ...broken, violations: many, figures: { ...broken.figures, operations, hops } })
    assert.isAtMost(lines(text).length, 40)
    assert.include(text, "the last events before")
  })

  it("lets nothing through that a terminal would obey", () => {
    const hostile = { ...violations[0]!, detail: "a\u001b]0;b\u0007\nc\u009b31m" }
    assert.notMatch(textOf({ ...broken, violations: [hostile] }).replaceAll("\n", ""), /\p{Cc}/u)
    assert.include(textOf({ ...broken, violations: [hostile] }), "a ]0;b c 31m")
  })
})
