/**
 * Networks under faults, one a seed, each run twice. Which seeds: `npm run test:simulation -- --seeds 200 --from 1000`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { simulate } from "#simulator/simulate"
import { commit, keepFailure, sentencesOf } from "./failures.ts"
import { planOfSeed } from "./planOfSeed.ts"
import { halfOf, seedsFrom } from "./seeds.ts"

const { count, first } = seedsFrom(process.env)
const half = Number(process.env["ALLIUM_SEEDS_HALF"] ?? 0)
const seeds = Array.from({ length: count }, (_, n) => first + n).filter((seed) => halfOf(seed) === half)

describe("a simulated network", () => {
  for (const seed of seeds) {
    const plan = planOfSeed(seed)
    it.live(`of seed ${seed}, ${plan.nodes} nodes, ${plan.scenario}, keeps every promise, twice in the same way`, () =>
      Effect.gen(function* () {
        const report = yield* simulate(plan, { commit })
        if (report.violations.length > 0) assert.fail(sentencesOf(report, keepFailure(plan)))
        const again = yield* simulate(plan, { commit })
        if (report.traceHash === again.traceHash) return
        assert.fail(
          `seed ${seed}, commit ${commit}: two runs differ, ${report.traceHash} and ${again.traceHash}\n` +
            `Again: npx allium sim --check --replay ${keepFailure(plan)}`
        )
      })
    )
  }
  if (seeds.length === 0) it("has no seed in this half", () => {})
})
