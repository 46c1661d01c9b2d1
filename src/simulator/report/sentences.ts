/** What one sees in each plot of a report, in a sentence. */
import type { Report, Sample } from "#schemas/simulation/Report"
import { decimal, many, span, whole } from "./figures.ts"
import { withRecords } from "./samples.ts"

export const hopsSentence = ({ figures, plan }: Report): string => {
  const lookups = figures.hops.reduce((sum, count) => sum + count, 0)
  if (lookups === 0) return "No lookup ended, so there is nothing to count."
  return (
    `${many(lookups, "lookup")} took ${figures.hopsMean.toFixed(2)} hops in the mean and ${figures.hops.length - 1} ` +
    `at most; a search that halves ${many(plan.nodes, "node")} at each step takes ${figures.log2Nodes.toFixed(2)}.`
  )
}

export const replicasSentence = ({ samples, plan }: Report): string => {
  const stored = withRecords(samples)
  const least = lowest(stored, ({ fewestReplicas }) => fewestReplicas)
  const last = stored.at(-1)
  if (least === undefined || last === undefined) return "No record was seen to be stored."
  return (
    `Of ${plan.replicationFactor} holders asked for, the record that had the fewest was down to ` +
    `${whole(least.fewestReplicas)} after ${span(least.at)}; at the end records had ${decimal(last.replicas)} in the ` +
    `mean and ${whole(last.fewestReplicas)} at least.`
  )
}

export const livenessSentence = ({ samples }: Report): string => {
  const least = lowest(samples, ({ alive }) => alive)
  const last = samples.at(-1)
  if (least === undefined || last === undefined) return "No sample was taken."
  return (
    `At the worst moment, after ${span(least.at)}, ${many(least.alive, "node")} ran; ` +
    `at the end it was ${whole(last.alive)}, and ${whole(last.joined)} of them had joined.`
  )
}

export const operationsSentence = ({ samples }: Report): string => {
  const ended = samples.reduce((sum, { operations }) => sum + operations, 0)
  const failed = samples.reduce((sum, { failures }) => sum + failures, 0)
  if (ended === 0) return "No operation ended."
  const share = failed === 0 ? "none of them" : `${whole(failed)} of them (${((failed / ended) * 100).toFixed(2)} %)`
  const worst = lowest(samples, ({ failures }) => -failures)
  const when = failed === 0 || worst === undefined ? "" : `, most of them in the time before ${span(worst.at)}`
  return `${many(ended, "operation")} ended and ${share} failed${when}.`
}

const lowest = (samples: ReadonlyArray<Sample>, by: (sample: Sample) => number): Sample | undefined =>
  samples.reduce<Sample | undefined>(
    (least, sample) => (least === undefined || by(sample) < by(least) ? sample : least),
    undefined
  )
