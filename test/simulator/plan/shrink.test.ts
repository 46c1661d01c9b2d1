import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { TimedFault } from "#schemas/simulation/Fault"
import type { Plan } from "#schemas/simulation/Plan"
import { Dice } from "#simulator/Dice"
import { planOf } from "#simulator/plan/scenarios"
import { type ShrinkStep, shrink } from "#simulator/plan/shrink"

const flips = (count: number): ReadonlyArray<TimedFault> =>
  Array.from({ length: count }, (_, node) => ({ at: 10 + node, fault: { _tag: "FlipBit", node } }))

const plan = (count: number): Plan =>
  planOf({ scenario: "churn", seed: 1, nodes: 1_000, hours: 1, faults: flips(count) })

const nodesOf = (it: Plan): Array<number> => it.faults.flatMap(({ fault }) => ("node" in fault ? [fault.node] : []))

const needs =
  (...nodes: ReadonlyArray<number>) =>
  (it: Plan): boolean =>
    nodes.every((node) => nodesOf(it).includes(node))

const shrunk = (start: Plan, fails: (plan: Plan) => boolean, runs = 10_000) => {
  const steps: Array<ShrinkStep> = []
  const onStep = (step: ShrinkStep) => Effect.sync(() => void steps.push(step))
  return Effect.map(
    shrink(start, (it) => Effect.sync(() => fails(it)), { runs, onStep }),
    (smallest) => ({ smallest, steps })
  )
}

/** Fails only as long and as busy as it is. */
const asBusy = (start: Plan) => (it: Plan) => it.lasts === start.lasts && it.workload.puts === start.workload.puts

describe("shrinking a plan", () => {
  it.effect("leaves the faults that are needed, and no other, in their order", () =>
    Effect.gen(function* () {
      for (const wanted of [[], [0], [99], [3, 97], [10, 11, 12, 60], [0, 20, 40, 60, 80]]) {
        const { smallest } = yield* shrunk(plan(100), needs(...wanted))
        assert.deepStrictEqual(nodesOf(smallest), wanted)
      }
    })
  )

  it.effect("ends where no single fault can be left out, whatever makes the run fail", () =>
    Effect.gen(function* () {
      for (let seed = 0; seed < 30; seed++) {
        const dice = new Dice(seed)
        const causes = Array.from({ length: 3 }, () =>
          dice.shuffle(Array.from({ length: 40 }, (_, n) => n)).slice(0, 1 + dice.int(6))
        )
        const fails = (it: Plan) => causes.some((nodes) => needs(...nodes)(it))
        const { smallest } = yield* shrunk(plan(40), fails)
        assert.isTrue(fails(smallest))
        for (const one of smallest.faults) {
          assert.isFalse(fails({ ...smallest, faults: smallest.faults.filter((it) => it !== one) }))
        }
      }
    })
  )

  it.effect("needs all of its faults where each is needed", () =>
    Effect.gen(function* () {
      const { smallest } = yield* shrunk(plan(8), needs(...Array.from({ length: 8 }, (_, n) => n)))
      assert.strictEqual(smallest.faults.length, 8)
    })
  )

  it.effect("tries no list of faults twice", () =>
    Effect.gen(function* () {
      const start = plan(30)
      const { steps } = yield* shrunk(start, (it) => asBusy(start)(it) && needs(3, 14, 15)(it))
      const names = steps.filter(({ tried }) => asBusy(start)(tried)).map(({ tried }) => nodesOf(tried).join())
      assert.strictEqual(new Set(names).size, names.length)
    })
  )

  it.effect("tries no more plans than it may, and then answers the smallest so far", () =>
    Effect.gen(function* () {
      const { smallest, steps } = yield* shrunk(plan(1_000), needs(7, 993), 20)
      assert.strictEqual(steps.length, 20)
      assert.isTrue(needs(7, 993)(smallest))
      assert.isBelow(smallest.faults.length, 1_000)
      assert.strictEqual(steps.at(-1)?.smallest, smallest)
      const { steps: byDefault } = yield* Effect.gen(function* () {
        const seen: Array<ShrinkStep> = []
        const onStep = (step: ShrinkStep) => Effect.sync(() => void seen.push(step))
        yield* shrink(plan(1_000), (it) => Effect.succeed(it.faults.length > 900), { onStep })
        return { steps: seen }
      })
      assert.strictEqual(byDefault.length, 64)
    })
  )

  it.effect("finds one fault among thousands within the runs that it has by default", () =>
    Effect.gen(function* () {
      const { smallest } = yield* shrunk(plan(900), needs(617), 64)
      assert.deepStrictEqual(nodesOf(smallest), [617])
    })
  )

  it.effect("halves the time while it still fails, but not below the end of the last fault", () =>
    Effect.gen(function* () {
      const { smallest } = yield* shrunk(plan(2), (it) => needs(1)(it) && it.lasts >= 800)
      assert.strictEqual(smallest.lasts, 900)
      const late: TimedFault = { at: 1_000, fault: { _tag: "Pause", node: 1, lasts: 300 } }
      const kept = yield* shrunk({ ...plan(0), faults: [late] }, needs(1))
      assert.strictEqual(kept.smallest.lasts, 1_300)
    })
  )

  it.effect("halves what users do while it still fails", () =>
    Effect.gen(function* () {
      const { smallest } = yield* shrunk(plan(2), (it) => it.workload.puts >= 1)
      assert.strictEqual(smallest.workload.puts, 1.5)
      assert.strictEqual(smallest.workload.gets, 3)
      assert.strictEqual(smallest.workload.fileBytes, plan(2).workload.fileBytes)
    })
  )
})
