import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Scenario } from "#schemas/simulation/Plan"
import { readPlan, writePlan } from "#simulator/plan/savedPlan"
import { planOf } from "#simulator/plan/scenarios"

const churn = planOf({ scenario: "churn", seed: 3, nodes: 30, hours: 2 })

/** What reading says of the plan after something in it was changed. */
const refused = (change: (plan: Record<string, unknown>) => void) => {
  const plan: Record<string, unknown> = JSON.parse(writePlan(churn))
  change(plan)
  const error = Result.getOrThrow(Result.flip(readPlan(JSON.stringify(plan))))
  assert.strictEqual(error._tag, "PlanUnreadable")
  return error
}

describe("a saved plan", () => {
  it("reads as it was written, in every scenario", () => {
    for (const scenario of Scenario.literals) {
      const plan = planOf({ scenario, seed: 3, nodes: 30, hours: 2 })
      assert.deepStrictEqual(Result.getOrThrow(readPlan(writePlan(plan))), plan)
    }
  })

  it("has a line for each fault", () => {
    const lines = writePlan(churn)
      .split("\n")
      .filter((line) => line.includes('"at":'))
    assert.strictEqual(lines.length, churn.faults.length)
  })

  it("says which field is wrong, and how", () => {
    assert.strictEqual(refused((plan) => delete plan["seed"]).field, "seed")
    assert.strictEqual(refused((plan) => (plan["nodes"] = 1)).field, "nodes")
    assert.strictEqual(refused((plan) => (plan["scenario"] = "peace")).field, "scenario")
    assert.strictEqual(refused((plan) => (plan["workload"] = { ...churn.workload, puts: -1 })).field, "workload.puts")
    assert.strictEqual(refused((plan) => (plan["nods"] = 40)).field, "nods")
    const faults = [...churn.faults.slice(0, 3), { at: 9, fault: { _tag: "Pause", node: "x", lasts: 1 } }]
    const wrong = refused((plan) => (plan["faults"] = faults))
    assert.strictEqual(wrong.field, "faults[3].fault.node")
    assert.include(wrong.message, "faults[3].fault.node")
    assert.include(refused((plan) => (plan["nodes"] = 1)).reason, "2")
  })

  it("says of what is no JSON or no object that it is no plan", () => {
    for (const text of ["", "{", "[]", "3", "null"]) {
      const error = Result.getOrThrow(Result.flip(readPlan(text)))
      assert.strictEqual(error.field, "")
      assert.include(error.message, "no plan")
    }
  })
})
