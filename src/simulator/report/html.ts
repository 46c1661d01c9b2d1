/** The report of a run as one page, which needs nothing but itself: no script, no font, no picture from elsewhere. */
import type { Report } from "#schemas/simulation/Report"
import { writePlan } from "../plan/savedPlan.ts"
import { commandOf } from "./command.ts"
import { decimal, many, millis, plain, size, span, whole } from "./figures.ts"
import { faultLegend } from "./marks.ts"
import { Markup, markup, NOTHING } from "./markup.ts"
import { hopsPlot, timePlot } from "./plots.ts"
import { rates, thinned, withRecords } from "./samples.ts"
import { hopsSentence, livenessSentence, operationsSentence, replicasSentence } from "./sentences.ts"
import { STYLE } from "./style.ts"

const MOST_VIOLATIONS = 100

export const htmlOf = (report: Report): string => {
  const { plan } = report
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${`allium: ${plan.scenario}, ${many(plan.nodes, "node")}, seed ${plan.seed}`}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${header(report)}
${violations(report)}
<h2>What one sees</h2>
<div class="plots">
${plots(report)}</div>
${faultLegend(report)}
<h2>Operations</h2>
${operations(report)}
<h2>All of it</h2>
<p>Run it again: <code>${commandOf(plan)}</code></p>
${planDetails(report)}
</body>
</html>
`.text
}

const header = ({ plan, commit, figures, run, traceHash, violations }: Report): Markup => {
  const healed = figures.healingSeconds
  const cards = [
    [decimal(figures.hopsMean), `hops in the mean, log2 N is ${decimal(figures.log2Nodes)}`],
    [healed === null ? "not in time" : span(healed), "until whole after the last fault"],
    [decimal(figures.messagesPerOperation), "messages an operation"],
    [size(figures.bytesPerOperation), "bytes an operation"],
    [whole(figures.messages), `messages on all wires, ${size(figures.bytes)}`],
    [`${decimal(run.speed)} ×`, `real time, ${span(run.realSeconds)} on this machine`]
  ] as const
  const broken = violations.length > 0
  return markup`<header>
<h1>${plan.scenario}: ${many(plan.nodes, "node")}, seed ${plan.seed}</h1>
<p>${span(figures.virtualSeconds)} of virtual time, ${whole(figures.events)} events, ${plan.sessions} sessions, ${plan.storage} storage, ${plan.tempo} tempo. Commit <code>${commit ?? "unknown"}</code>, trace <code>${traceHash}</code>.</p>
<p class="verdict${broken ? " bad" : ""}">${broken ? many(violations.length, "violation") : "Every promise held"}</p>
<div class="cards">${cards.map(([figure, name]) => markup`<div><b>${figure}</b><span>${name}</span></div>`)}</div>
</header>`
}

const violations = ({ violations, lastEvents }: Report): Markup => {
  if (violations.length === 0) return NOTHING
  const rest = violations.length - MOST_VIOLATIONS
  return markup`<h2>Violations</h2>
${violations.slice(0, MOST_VIOLATIONS).map(
  ({ invariant, sentence, at, detail }) => markup`<div class="violation"><b>${sentence}</b>
<p>${plain(detail)}</p><small>${invariant}, after ${span(at)} of virtual time</small></div>
`
)}${rest > 0 ? markup`<p>And ${whole(rest)} more.</p>` : NOTHING}
<details open><summary>The last events before the first of them</summary><pre>${lastEvents.map(plain).join("\n")}</pre></details>`
}

const plots = (report: Report): ReadonlyArray<Markup> => {
  const samples = thinned(report.samples)
  const times = samples.map(({ at }) => at)
  const stored = withRecords(samples)
  return [
    hopsPlot(report, hopsSentence(report)),
    timePlot(report, {
      title: "Replicas over time",
      sentence: replicasSentence(report),
      unit: "live holders of a record",
      times: stored.map(({ at }) => at),
      asked: { name: `asked for: ${report.plan.replicationFactor}`, value: report.plan.replicationFactor },
      series: [
        { name: "mean of all records", colour: "one", values: stored.map(({ replicas }) => replicas) },
        { name: "record with the fewest", colour: "bad", values: stored.map(({ fewestReplicas }) => fewestReplicas) }
      ]
    }),
    timePlot(report, {
      title: "Liveness over time",
      sentence: livenessSentence(report),
      unit: "nodes",
      near: true,
      times,
      series: [
        { name: "alive", colour: "one", wide: true, values: samples.map(({ alive }) => alive) },
        { name: "alive and joined", colour: "two", values: samples.map(({ joined }) => joined) }
      ]
    }),
    timePlot(report, {
      title: "Operations over time",
      sentence: operationsSentence(report),
      unit: "operations a minute",
      times: times.slice(1),
      series: [
        { name: "ended", colour: "one", values: rates(samples, ({ operations }) => operations) },
        { name: "failed", colour: "bad", filled: true, values: rates(samples, ({ failures }) => failures) }
      ]
    })
  ]
}

const operations = ({ figures }: Report): Markup => {
  const rows = Object.entries(figures.operations).map(
    ([name, { count, failed, requests, latency }]) =>
      markup`<tr><th>${name}</th><td>${whole(count)}</td><td${failed > 0 ? markup` class="bad"` : NOTHING}>${whole(failed)}</td><td>${requests === null ? "–" : decimal(requests)}</td><td>${millis(latency.p50)}</td><td>${millis(latency.p90)}</td><td>${millis(latency.p99)}</td><td>${millis(latency.most)}</td></tr>
`
  )
  return markup`<div class="wide"><table><tr><th>operation</th><th>ended</th><th>failed</th><th>requests, mean</th><th>p50</th><th>p90</th><th>p99</th><th>most</th></tr>
${rows}</table></div><p class="legend">Latencies are virtual time. Requests are those to other nodes.</p>`
}

/** As it is saved, ready to be given to --replay. */
const planDetails = ({ plan }: Report): Markup =>
  markup`<details><summary>The plan, ${many(plan.faults.length, "fault")}</summary><pre>${writePlan(plan)}</pre></details>`
