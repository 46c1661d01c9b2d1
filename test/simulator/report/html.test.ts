import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { PlanFromJson } from "#schemas/simulation/Plan"
import { htmlOf } from "#simulator/report/html"
import { thinned } from "#simulator/report/samples"
import { broken, healthy, lastEvents, violations } from "./fixture.ts"

const HOSTILE = `"><script>alert('1')</script>&<img src=x onerror=y>`

/** Each point of the line of this colour in the plot of this title, as it is drawn. */
const drawn = (page: string, title: string, colour: string): ReadonlyArray<ReadonlyArray<number>> => {
  const figure = page.split("<figure>").find((part) => part.includes(`<h3>${title}</h3>`)) ?? ""
  const points = new RegExp(`<polyline class="line ${colour}" points="([^"]*)"`).exec(figure)?.[1] ?? ""
  return points.split(" ").map((point) => point.split(",").map(Number))
}

const unescaped = (text: string): string =>
  text.replace(
    /&(lt|gt|quot|#39|amp);/g,
    (_, name) => ({ lt: "<", gt: ">", quot: '"', "#39": "'" })[name as string] ?? "&"
  )

describe("the report as a page", () => {
  it("needs nothing from elsewhere, and no script", () => {
    const page = htmlOf(broken)
    assert.notMatch(page, /<script|<link|<img|<iframe|\b(?:src|href)=|url\(|@import|https?:/)
    assert.match(page, /prefers-color-scheme: dark/)
    assert.match(page, /^<!doctype html>/)
  })

  it("counts the hops in bars, between the mean and log2 of the nodes", () => {
    const page = htmlOf(healthy)
    for (const text of [">1,204</text>", ">mean 2.41</text>", ">log2 of 300 is 8.23</text>", "2,412 lookups"]) {
      assert.include(page, text)
    }
  })

  it("draws every sample where its time and value put it", () => {
    const line = drawn(htmlOf(healthy), "Replicas over time", "one")
    assert.strictEqual(line.length, healthy.samples.length)
    const heights = line.map(([, y]) => y ?? 0)
    const lowest = heights.indexOf(Math.max(...heights))
    const fewest = Math.min(...healthy.samples.map(({ replicas }) => replicas))
    assert.approximately(healthy.samples[lowest]?.replicas ?? 0, fewest, 0.05)
    const steps = line.slice(1).map(([x], index) => (x ?? 0) - (line[index]?.[0] ?? 0))
    assert.isBelow(Math.max(...steps) - Math.min(...steps), 0.25)
  })

  it("does not count the replicas of records that are not there yet", () => {
    const none = healthy.samples.map((sample) =>
      sample.at < 600 ? { ...sample, replicas: 0, fewestReplicas: 0 } : sample
    )
    const page = htmlOf({ ...healthy, samples: none })
    assert.include(page, "was down to 7 after 25 min")
    assert.strictEqual(drawn(page, "Replicas over time", "one").length, none.length - 20)
  })

  it("says of each plot what is to be seen, with axes and units", () => {
    const page = htmlOf(healthy)
    for (const text of [
      "was down to 7 after 25 min",
      "284 nodes ran; at the end it was",
      "68 of them (0.93 %) failed",
      "virtual time, minutes",
      "live holders of a record",
      "operations a minute"
    ]) {
      assert.include(page, text)
    }
  })

  it("marks at most 200 faults on each time axis, and tells what each was", () => {
    assert.include(htmlOf(healthy), "<title>Partition of 5 nodes after 20 min, for 7 min</title>")
    const [fault] = healthy.plan.faults
    const page = htmlOf({ ...healthy, plan: { ...healthy.plan, faults: Array.from({ length: 500 }, () => fault!) } })
    assert.strictEqual(page.split('<line class="mark').length - 1, 3 * 200)
    assert.include(page, "500 faults; the first 200 are drawn")
  })

  it("shows broken promises and the events before them", () => {
    const page = htmlOf(broken)
    for (const { sentence, detail } of violations) {
      assert.include(page, sentence)
      assert.include(page, detail)
    }
    assert.include(page, lastEvents[0] ?? "")
    assert.include(page, "3 violations")
    assert.notInclude(htmlOf(healthy), "<h2>Violations</h2>")
  })

  it("escapes everything that a run may bring in", () => {
    const [lookup] = Object.values(healthy.figures.operations)
    const page = htmlOf({
      ...broken,
      commit: HOSTILE,
      traceHash: HOSTILE,
      lastEvents: [HOSTILE],
      violations: [{ invariant: HOSTILE, sentence: HOSTILE, at: 1, detail: HOSTILE }],
      figures: { ...broken.figures, operations: { [HOSTILE]: lookup! } }
    })
    assert.notMatch(page, /<script|<img|""><|'1'/)
    assert.isAbove(page.split("&lt;script&gt;alert(&#39;1&#39;)").length, 6)
  })

  it("holds the plan as it can be replayed", () => {
    const text = /faults<\/summary><pre>([^<]*)<\/pre>/.exec(htmlOf(healthy))?.[1] ?? ""
    assert.deepStrictEqual(Schema.decodeSync(PlanFromJson)(unescaped(text)), healthy.plan)
  })

  it("can be drawn of a run in which nothing happened", () => {
    const figures = { ...healthy.figures, operations: {}, hops: [], hopsMean: 0 }
    const page = htmlOf({ ...healthy, plan: { ...healthy.plan, faults: [] }, samples: [], figures })
    assert.notMatch(page, /NaN|Infinity|undefined/)
    assert.include(page, "No operation ended")
  })

  it("stays small after a long run, and keeps its worst moments", () => {
    const samples = Array.from({ length: 20_000 }, (_, index) => ({ ...healthy.samples[0]!, at: index * 10 }))
    samples[12_345] = { ...samples[12_345]!, fewestReplicas: 1, failures: 3 }
    assert.isBelow(htmlOf({ ...healthy, samples }).length, 200_000)
    const few = thinned(samples)
    assert.isAtMost(few.length, 600)
    assert.strictEqual(Math.min(...few.map(({ fewestReplicas }) => fewestReplicas)), 1)
    assert.strictEqual(
      few.reduce((sum, { failures }) => sum + failures, 0),
      3
    )
    assert.strictEqual(few.at(-1)?.at, samples.at(-1)?.at)
  })
})
