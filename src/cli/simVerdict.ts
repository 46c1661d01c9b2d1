/** What the runs of `allium sim` came to, in lines and sentences. */
import type { Report } from "#schemas/simulation/Report"
import { paintOut } from "./output.ts"

/** What one plan came to. `again` is the trace of its second run; of the first, where there was none. */
export interface Outcome {
  readonly report: Report
  readonly again: string
}

/** What was asked for besides the runs themselves. */
interface Asked {
  readonly out: string | undefined
  readonly shrink: boolean
}

const broken = ({ report }: Outcome): boolean => report.violations.length > 0
const apart = ({ report, again }: Outcome): boolean => again !== report.traceHash

/** For one of several runs. */
export const line = (outcome: Outcome): string => {
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

export const summary = (outcomes: ReadonlyArray<Outcome>): string => {
  const hours = outcomes.reduce((sum, { report }) => sum + report.figures.virtualSeconds, 0) / 3_600
  const seconds = outcomes.reduce((sum, { report }) => sum + report.run.realSeconds, 0)
  const held = outcomes.filter((outcome) => !broken(outcome) && !apart(outcome)).length
  return `${held} of ${outcomes.length} runs held, ${hours.toFixed(1)} h of virtual time in ${seconds.toFixed(1)} s`
}

/** The sentence to end with, unless all is well. */
export const verdict = (outcomes: ReadonlyArray<Outcome>, asked: Asked): string | undefined => {
  const [different, failed] = [outcomes.filter(apart), outcomes.filter(broken)]
  const said = [
    ...(different.length === 0
      ? []
      : [`${namesOf(different)} did not do the same twice, so more than the plan decides`]),
    ...(failed.length === 0 ? [] : [`${namesOf(failed)} broke what the network promises: ${next(asked)}`])
  ]
  return said.length === 0 ? undefined : said.join("; ")
}

/** What to do about a broken promise. */
const next = ({ out, shrink }: Asked): string => {
  if (shrink) return "replay the smallest plan to look for the reason"
  return out === undefined
    ? "add --out DIR to look at it, --shrink to make it smaller"
    : "add --shrink to make it smaller"
}
