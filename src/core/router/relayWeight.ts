/**
 * What is known of a relay in numbers, and what they make of its chance to be chosen: uptime × latency × success.
 *
 * The factors are flat on purpose. Whoever is ten times better is chosen a few times as often, not always: paths that
 * all take the same few nodes would be easy to watch, and an adversary can be fast and patient, too.
 */

/** Milliseconds in which what happened counts half. */
const HALF_LIFE = 6 * 3_600_000
const HOUR = 3_600_000
/** Uptime counts up to here: about a week. */
const MOST_UPTIME = 8
/** Milliseconds of a hop that is neither fast nor slow, and is assumed of one that was not measured. */
const USUAL_LATENCY = 100
/** The share of a new measurement in the smoothed one. */
const SMOOTHING = 1 / 4

/** Times in unix milliseconds. */
export interface Standing {
  /** First heard of. */
  readonly since: number
  /** When it last showed its record itself. */
  confirmedAt: number
  /** Smoothed milliseconds, its share of the path; undefined before the first. */
  latency: number | undefined
  /** As of `countedAt`; they fade. */
  successes: number
  failures: number
  countedAt: number
}

export const fade = (standing: Standing, now: number): void => {
  const rest = fadedSince(standing.countedAt, now)
  standing.successes *= rest
  standing.failures *= rest
  standing.countedAt = now
}

export const measured = (standing: Standing, milliseconds: number): void => {
  const { latency } = standing
  standing.latency = latency === undefined ? milliseconds : latency + (milliseconds - latency) * SMOOTHING
}

/** From above 0 to 16. */
export const weightOf = (standing: Standing, now: number): number => {
  const { confirmedAt, countedAt, latency = USUAL_LATENCY, since } = standing
  const rest = fadedSince(countedAt, now)
  const [successes, failures] = [standing.successes * rest, standing.failures * rest]
  const speed = (2 * USUAL_LATENCY) / (USUAL_LATENCY + latency)
  return uptimeFactor(confirmedAt - since) * speed * ((successes + 1) / (successes + failures + 1))
}

export const uptimeFactor = (milliseconds: number): number =>
  Math.min(MOST_UPTIME, 1 + Math.log2(1 + Math.max(0, milliseconds) / HOUR))

const fadedSince = (at: number, now: number): number => (now <= at ? 1 : 2 ** ((at - now) / HALF_LIFE))
