/** Bugs that simulated networks have shown, each by the plan that showed it, made smaller: none of them comes back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import { planOf } from "#simulator/plan/scenarios"
import { simulate } from "#simulator/simulate"

const MINUTE = 1 / 60

const idle = { puts: 0, gets: 0, updates: 0, reads: 0, lookups: 0, files: 0, fileBytes: 1 }

/** 200 kB a second. */
const narrow = (plan: Plan): Plan => ({ ...plan, link: { ...plan.link, bandwidth: 2e5 } })

const bugs: ReadonlyArray<readonly [name: string, plan: Plan]> = [
  [
    "both sides of a partition of some minutes have struck each other off and never meet again",
    planOf({
      scenario: "partition",
      seed: 1,
      nodes: 8,
      hours: 16 * MINUTE,
      sessions: "plain",
      workload: { ...idle, lookups: 20 },
      faults: [{ at: 30, fault: { _tag: "Partition", nodes: [4, 5, 6, 7], lasts: 900 } }]
    })
  ],
  [
    "a user is given a block of the own disk in which a bit has turned over",
    planOf({
      scenario: "churn",
      seed: 41,
      nodes: 5,
      hours: 4 * MINUTE,
      sessions: "plain",
      workload: { ...idle, puts: 6, gets: 120 },
      faults: [60, 80, 100, 120].map((at, node) => ({ at, fault: { _tag: "FlipBit", node } }))
    })
  ],
  [
    "a node bans everybody for half an hour, because its own burst of requests was slow on a narrow line",
    narrow(
      planOf({
        scenario: "steady",
        seed: 5,
        nodes: 6,
        hours: 2 * MINUTE,
        sessions: "plain",
        workload: { ...idle, updates: 12, herds: 3 }
      })
    )
  ]
]

describe("a bug that was found in a simulated network is gone:", () => {
  for (const [name, plan] of bugs) {
    it.live(name, () =>
      Effect.map(simulate(plan), ({ violations }) => {
        assert.deepStrictEqual(violations, [])
      })
    )
  }
})
