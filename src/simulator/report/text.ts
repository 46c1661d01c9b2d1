/** The closing report of a run, for a person at a terminal: a screen of it, the broken promises first. */
import type { Report, Violation } from "#schemas/simulation/Report"
import { commandOf } from "./command.ts"
import { bar, decimal, many, millis, plain, shortened, size, span, whole } from "./figures.ts"

const MOST_LINES = 40
const MOST_COLUMNS = 110
const MOST_VIOLATIONS = 2
const MOST_OPERATIONS = 7
const MOST_BARS = 6
const BAR_COLUMNS = 40
const COMMAND = "  allium "

export const textOf = (report: Report): string => {
  const head = [headline(report), ""]
  const rest = [...operations(report), "", ...hops(report), "", ...closing(report)]
  const broken = report.violations.length === 0 ? [] : [...violations(report), ""]
  // Of the events as many as are left room for: the last are nearest to what went wrong.
  const room = MOST_LINES - head.length - broken.length - rest.length - 1
  const told = broken.length === 0 || room < 1 ? [] : report.lastEvents.slice(-room)
  const events = told.length === 0 ? [] : ["the last events before", ...told.map((event) => `  ${event}`)]
  const lines = [...head, ...broken.slice(0, -1), ...events, ...broken.slice(-1), ...rest]
  return lines.map((line) => fitted(plain(line))).join("\n")
}

/** A command is there to be copied, so it stays whole. */
const fitted = (line: string): string => (line.startsWith(COMMAND) ? line : shortened(line, MOST_COLUMNS).trimEnd())

/** "churn, 300 nodes, seed 7: 1 h 6 min of virtual time in 31.7 s, 125 × real time". */
export const headline = ({ plan, figures, run }: Report): string =>
  `${plan.scenario}, ${many(plan.nodes, "node")}, seed ${plan.seed}: ${span(figures.virtualSeconds)} of virtual time ` +
  `in ${span(run.realSeconds)}, ${decimal(run.speed)} × real time`

const violations = ({ plan, commit, violations }: Report): ReadonlyArray<string> => {
  const more = violations.length - MOST_VIOLATIONS
  return [
    `${many(violations.length, "violation")} of what the network promises`,
    ...violations.slice(0, MOST_VIOLATIONS).flatMap(violation),
    ...(more > 0 ? [`  and ${whole(more)} more`] : []),
    `seed ${plan.seed}, commit ${commit ?? "unknown"}; again with`,
    `  ${commandOf(plan)}`,
    ""
  ]
}

const violation = ({ invariant, sentence, at, detail }: Violation): ReadonlyArray<string> => [
  `  ${invariant}: ${sentence}`,
  `    after ${span(at)}: ${detail}`
]

const operations = ({ figures }: Report): ReadonlyArray<string> => {
  const rows = Object.entries(figures.operations)
    .slice(0, MOST_OPERATIONS)
    .map(([name, { count, failed, requests, latency }]) =>
      row(name, [
        whole(count),
        whole(failed),
        requests === null ? "–" : decimal(requests),
        millis(latency.p50),
        millis(latency.p90),
        millis(latency.p99)
      ])
    )
  return [row("operation", ["count", "failed", "requests", "p50", "p90", "p99"]), ...rows]
}

const row = (name: string, cells: ReadonlyArray<string>): string =>
  shortened(name, 14).padEnd(14) + cells.map((cell) => cell.padStart(11)).join("")

const hops = ({ figures, plan }: Report): ReadonlyArray<string> => {
  const { hops, hopsMean, log2Nodes } = figures
  const bars = hops.slice(0, MOST_BARS)
  if (hops.length > MOST_BARS) bars[MOST_BARS - 1] = hops.slice(MOST_BARS - 1).reduce((sum, count) => sum + count, 0)
  const most = Math.max(1, ...bars)
  return [
    `hops of a lookup: ${hopsMean.toFixed(2)} in the mean, log2 of ${whole(plan.nodes)} is ${log2Nodes.toFixed(2)}`,
    ...bars.map((count, index) => {
      const name = `${index}${index === MOST_BARS - 1 && hops.length > MOST_BARS ? "+" : ""}`
      return `  ${name.padEnd(3)} ${bar(count / most, BAR_COLUMNS).padEnd(BAR_COLUMNS)} ${whole(count)}`
    })
  ]
}

const closing = ({ figures, traceHash, commit }: Report): ReadonlyArray<string> => {
  const healed = figures.healingSeconds
  return [
    `messages  ${whole(figures.messages)}, ${decimal(figures.messagesPerOperation)} an operation`,
    `bytes     ${size(figures.bytes)}, ${size(figures.bytesPerOperation)} an operation`,
    `healing   ${healed === null ? "not whole again in time" : `whole ${span(healed)} after the last fault`}`,
    `trace     ${traceHash} over ${whole(figures.events)} events, commit ${commit ?? "unknown"}`
  ]
}
