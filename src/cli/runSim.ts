/** What `allium sim` does: has each plan run in a thread, tells and keeps what came of it, and judges them all. */
import { Effect } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import { span } from "#simulator/report/figures"
import { textOf } from "#simulator/report/text"
import { type Failure, failure } from "./Failure.ts"
import { note, say, tell } from "./output.ts"
import { type SimulationBar, simulationBar } from "./progress.ts"
import { commitOf, keepPlan, keepReport } from "./simFiles.ts"
import { type PlanFlags, plansOf } from "./simPlans.ts"
import { type SimulationThread, simulationThread } from "./simThread.ts"
import { line, type Outcome, outcomeOf, summary, verdict } from "./simVerdict.ts"

export interface SimOptions {
  readonly plan: PlanFlags
  readonly replay: string | undefined
  readonly out: string | undefined
  readonly check: boolean
  readonly shrink: boolean
  readonly json: boolean
}

export const runSim = Effect.fnUntraced(function* (options: SimOptions) {
  const plans = yield* plansOf(options.plan, options.replay)
  const thread = yield* simulationThread(plans.mostNodes)
  const several = plans.count > 1
  const commit = commitOf()
  const outcomes: Array<Outcome> = []
  for (const plan of plans.each) {
    const name = several ? `${outcomes.length + 1} of ${plans.count}, ${plan.scenario} ${plan.seed}: ` : ""
    const run = (more: string) =>
      watched(options.json, `${name}${more}`, (onStep) => thread.simulate(plan, commit, onStep))
    const report = yield* run("")
    const again = options.check ? (yield* run("again, ")).traceHash : report.traceHash
    const outcome = outcomeOf(report, again)
    outcomes.push(outcome)
    const page = options.out === undefined ? undefined : yield* keepReport(options.out, report)
    yield* tell(options.json, report, () => (several ? line(outcome) : textOf(report)))
    if (page !== undefined && !several && !options.json) yield* note(`the same with plots: ${page}`)
    if (options.shrink) yield* smallest(thread, options, report)
  }
  if (several && !options.json) yield* say(summary(outcomes))
  const sentence = verdict(outcomes, options)
  if (sentence !== undefined) return yield* failure(sentence)
}, Effect.scoped)

/** With a bar, unless the reader is a program. */
const watched = <A>(
  json: boolean,
  name: string,
  work: (onStep: SimulationBar["update"]) => Effect.Effect<A, Failure>
) =>
  Effect.suspend(() => {
    if (json) return work(() => {})
    const bar = simulationBar(name, process.stderr)
    return work(bar.update).pipe(Effect.ensuring(Effect.sync(bar.finish)))
  })

const smallest = Effect.fnUntraced(function* (thread: SimulationThread, options: SimOptions, report: Report) {
  const { plan, violations } = report
  const [first] = violations
  if (first === undefined) return
  const found = yield* watched(options.json, "", (onStep) => thread.shrink(plan, first.invariant, onStep))
  const file = yield* keepPlan(options.out ?? ".", found)
  if (!options.json) yield* note(`${sizeOf(plan)} became ${sizeOf(found)}: allium sim --replay ${file}`)
})

const sizeOf = ({ faults, lasts }: Plan): string => `${faults.length} faults in ${span(lasts)}`
