/**
 * The other thread of `allium sim`: runs the plans that it is sent, one after the other. A run holds its thread for
 * minutes, so the first thread stays free to hear Ctrl-C and to draw.
 */
import "./leanFibers.ts"
import { parentPort } from "node:worker_threads"
import { Cause, Effect, Exit } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import { shrink } from "#simulator/plan/shrink"
import { simulate } from "#simulator/simulate"
import type { ShrinkingStep, SimulationStep } from "./progress.ts"

export type Task =
  | { readonly _tag: "Simulate"; readonly plan: Plan; readonly commit: string | null }
  /** To the smallest plan that breaks this promise too. */
  | { readonly _tag: "Shrink"; readonly plan: Plan; readonly invariant: string }

export type Told =
  | { readonly _tag: "Step"; readonly step: SimulationStep | ShrinkingStep }
  | { readonly _tag: "Report"; readonly report: Report }
  | { readonly _tag: "Smallest"; readonly plan: Plan }
  | { readonly _tag: "Failed"; readonly cause: string }

const STEP_EVERY = 50 // ms of real time

const tell = (told: Told): void => parentPort?.postMessage(told)

const stepTeller = () => {
  let last = Number.NEGATIVE_INFINITY
  return (step: SimulationStep): Effect.Effect<void> =>
    Effect.sync(() => {
      const now = performance.now()
      if (now - last < STEP_EVERY) return
      last = now
      tell({ _tag: "Step", step })
    })
}

const done = (task: Task): Effect.Effect<Told> => {
  if (task._tag === "Simulate") {
    const options = { onProgress: stepTeller(), ...(task.commit === null ? {} : { commit: task.commit }) }
    return Effect.map(simulate(task.plan, options), (report) => ({ _tag: "Report", report }))
  }
  const fails = (plan: Plan) =>
    Effect.map(simulate(plan), ({ violations }) => violations.some(({ invariant }) => invariant === task.invariant))
  const smallest = shrink(task.plan, fails, {
    onStep: ({ runs, mostRuns, smallest: { faults, lasts } }) =>
      Effect.sync(() =>
        tell({ _tag: "Step", step: { phase: "shrinking", runs, mostRuns, faults: faults.length, lasts } })
      )
  })
  return Effect.map(smallest, (plan) => ({ _tag: "Smallest", plan }))
}

parentPort?.on("message", (task: Task) =>
  Effect.runFork(done(task)).addObserver((exit) =>
    tell(Exit.isSuccess(exit) ? exit.value : { _tag: "Failed", cause: Cause.pretty(exit.cause) })
  )
)
