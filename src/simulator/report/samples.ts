/** The samples of a long run, joined to as many as a drawing can show; the worst of each stretch is kept. */
import type { Sample } from "#schemas/simulation/Report"

const MOST_SAMPLES = 600

export const thinned = (samples: ReadonlyArray<Sample>, most = MOST_SAMPLES): ReadonlyArray<Sample> => {
  const each = Math.ceil(samples.length / most)
  if (each <= 1) return samples
  return Array.from({ length: Math.ceil(samples.length / each) }, (_, index) =>
    samples.slice(index * each, (index + 1) * each).reduce(worse)
  )
}

/** As one sample: what is counted is summed, the mean of the replicas stays that of the stretch's worst moment. */
const worse = (one: Sample, other: Sample): Sample => ({
  at: other.at,
  alive: Math.min(one.alive, other.alive),
  joined: Math.min(one.joined, other.joined),
  sessions: Math.max(one.sessions, other.sessions),
  replicas: Math.min(one.replicas, other.replicas),
  fewestReplicas: Math.min(one.fewestReplicas, other.fewestReplicas),
  operations: one.operations + other.operations,
  failures: one.failures + other.failures
})

/** From when there was a record to have replicas: before, there are none of nothing. */
export const withRecords = (samples: ReadonlyArray<Sample>): ReadonlyArray<Sample> => {
  const first = samples.findIndex(({ replicas }) => replicas > 0)
  return first === -1 ? [] : samples.slice(first)
}

/** Per minute, for each sample but the first: counted are what ended since the one before. */
export const rates = (samples: ReadonlyArray<Sample>, counted: (sample: Sample) => number): ReadonlyArray<number> =>
  samples.slice(1).map((sample, index) => {
    const minutes = (sample.at - (samples[index]?.at ?? 0)) / 60
    return minutes > 0 ? counted(sample) / minutes : 0
  })
