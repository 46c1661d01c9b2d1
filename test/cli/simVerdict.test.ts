import { assert, describe, it } from "@effect/vitest"
import { line, outcomeOf, summary, verdict } from "../../src/cli/simVerdict.ts"
import { broken, healthy } from "../simulator/report/fixture.ts"

const once = { out: undefined, shrink: false }
const held = outcomeOf(healthy, healthy.traceHash)
const failed = outcomeOf({ ...broken, plan: { ...broken.plan, seed: 8 } }, broken.traceHash)
const apart = outcomeOf(healthy, "fedcba9876543210")

describe("the verdict over simulated runs", () => {
  it("is none where every promise held, and each run did the same twice", () => {
    assert.isUndefined(verdict([held, held], once))
  })

  it("names the runs that broke a promise, and what to do next", () => {
    assert.match(verdict([held, failed], once) ?? "", /^churn 8 broke what .*--out DIR.*--shrink/)
    assert.notMatch(verdict([failed], { out: "reports", shrink: false }) ?? "", /--out/)
    assert.match(verdict([failed], { out: "reports", shrink: true }) ?? "", /replay the smallest plan/)
  })

  it("names the runs that were not repeatable, besides those that broke a promise", () => {
    assert.match(verdict([apart, failed], once) ?? "", /^churn 7 did not do the same twice.*; churn 8 broke/)
  })

  it("says in each line what happened, and counts what held", () => {
    assert.match(line(held), /^churn 7 +0123456789abcdef +125 × +held$/)
    assert.match(line(failed), /^churn 8 .*acknowledged: Nothing acknowledged is lost/)
    assert.match(line(apart), /not repeatable, then fedcba9876543210$/)
    assert.match(summary([held, failed, apart]), /^1 of 3 runs held, 3\.3 h of virtual time in 95\.1 s$/)
  })
})
