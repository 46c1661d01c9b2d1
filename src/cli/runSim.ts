/** What `allium sim` does: has each plan run in a thread, tells and keeps what came of it, and judges them all. */
import { Effect } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import { span } from "#simulator/report/figures"
import { textOf } from "#simulator/report/text"
import { type Failure, failure } from "./Failure.ts"
import { note, paintOut, say, sayJson } from "./output.ts"
import { type SimulationBar, simulationBar } from "./progress.ts"
import { commitOf, keepPlan, keepReport } from "./simFiles.ts"
import { type PlanFlags, plansOf } from "./simPlans.ts"
import { type SimulationThread, simulationThread } from "./simThread.ts"

export interface SimOptions {
  readonly plan: PlanFlags
  readonly replay: string | undefined
  readonly out: string | undefined
  readonly check: boolean
  readonly shrink: boolean
  readonly json: boolean
}

/** What one plan came to. `again` is the trace of its second run; of the first, where there was none. */
interface Outcome {
  readonly report: Report
  readonly again: string
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
    outcomes.push({ report, again })
    const page = options.out === undefined ? undefined : yield* keepReport(options.out, report)
    yield* tell(options.json, { report, again }, several)
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

const broken = ({ report }: Outcome): boolean => report.violations.length > 0
const apart = ({ report, again }: Outcome): boolean => again !== report.traceHash

const tell = (json: boolean, outcome: Outcome, several: boolean) => {
  if (json) return sayJson(outcome.report)
  return say(several ? line(outcome) : textOf(outcome.report))
}

/** One of several runs. */
const line = (outcome: Outcome): string => {
  const { plan, violations, traceHash, run } = outcome.report
  const [first] = violations
  const said = first === undefined ? paintOut.green("held") : paintOut.red(`${first.invariant}: ${first.sentence}`)
  const speed = `${Math.round(run.speed).toLocaleString("en-US")} ×`
  return [
    plan.scenario.padEnd(15),
    `seed ${plan.seed}`.padEnd(11),
    paintOut.dim(traceHash),
    speed.padStart(8),
    `  ${apart(outcome) ? paintOut.red(`not repeatable, then ${outcome.again}`) : said}`
  ].join(" ")
}

const namesOf = (outcomes: ReadonlyArray<Outcome>): string =>
  outcomes.map(({ report: { plan } }) => `${plan.scenario} ${plan.seed}`).join(", ")

const summary = (outcomes: ReadonlyArray<Outcome>): string => {
  const hours = outcomes.reduce((sum, { report }) => sum + report.figures.virtualSeconds, 0) / 3_600
  const seconds = outcomes.reduce((sum, { report }) => sum + report.run.realSeconds, 0)
  const held = outcomes.filter((outcome) => !broken(outcome) && !apart(outcome)).length
  return `${held} of ${outcomes.length} runs held, ${hours.toFixed(1)} h of virtual time in ${seconds.toFixed(1)} s`
}

/** The sentence to end with, unless all is well. */
const verdict = (outcomes: ReadonlyArray<Outcome>, options: SimOptions): string | undefined => {
  const [different, failed] = [outcomes.filter(apart), outcomes.filter(broken)]
  const said = [
    ...(different.length === 0
      ? []
      : [`${namesOf(different)} did not do the same twice, so more than the plan decides`]),
    ...(failed.length === 0 ? [] : [`${namesOf(failed)} broke what the network promises: ${next(options)}`])
  ]
  return said.length === 0 ? undefined : said.join("; ")
}

/** What to do about a broken promise. */
const next = ({ out, shrink }: SimOptions): string => {
  if (shrink) return "replay the smallest plan to look for the reason"
  return out === undefined
    ? "add --out DIR to look at it, --shrink to make it smaller"
    : "add --shrink to make it smaller"
}
