/** What the runs of `allium sim` came to, in lines and sentences. */
import type { Report, Violation } from "#schemas/simulation/Report"
import { paintOut } from "./output.ts"

/** What is remembered of each run; of thousands, so the report itself is not. */
export interface Outcome extends Pick<Report, "traceHash" | "run"> {
  readonly name: string
  readonly virtualSeconds: number
  readonly violation: Violation | undefined
  /** The trace of the second run; of the first, where there was none. */
  readonly again: string
}

export const outcomeOf = ({ plan, figures, traceHash, run, violations }: Report, again: string): Outcome => ({
  name: `${plan.scenario} ${plan.seed}`,
  virtualSeconds: figures.virtualSeconds,
  violation: violations[0],
  traceHash,
  run,
  again
})

/** What was asked for besides the runs themselves. */
interface Asked {
  readonly out: string | undefined
  readonly shrink: boolean
}

const broken = ({ violation }: Outcome): boolean => violation !== undefined
const apart = ({ traceHash, again }: Outcome): boolean => again !== traceHash
const namesOf = (outcomes: ReadonlyArray<Outcome>): string => outcomes.map(({ name }) => name).join(", ")

/** For one of several runs. */
export const line = (outcome: Outcome): string => {
  const { name, violation, traceHash, again, run } = outcome
  const promise =
    violation === undefined ? paintOut.green("held") : paintOut.red(`${violation.invariant}: ${violation.sentence}`)
  const said = apart(outcome) ? paintOut.red(`not repeatable, then ${again}`) : promise
  const speed = `${Math.round(run.speed).toLocaleString("en-US")} ×`
  return `${name.padEnd(20)} ${paintOut.dim(traceHash)} ${speed.padStart(8)}   ${said}`
}

export const summary = (outcomes: ReadonlyArray<Outcome>): string => {
  const hours = outcomes.reduce((sum, { virtualSeconds }) => sum + virtualSeconds, 0) / 3_600
  const seconds = outcomes.reduce((sum, { run }) => sum + run.realSeconds, 0)
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
