/** What becomes of envelopes that are sent by onion routes, of each try, and of what comes by reply blocks. */
import { Metric } from "effect"
import * as Metrics from "#services/onion/Metrics"

export const ends = {
  answered: Metric.withAttributes(Metrics.sends, { outcome: "answered" }),
  unanswered: Metric.withAttributes(Metrics.sends, { outcome: "unanswered" })
}

export const outcomes = {
  notSent: Metric.withAttributes(Metrics.tries, { outcome: "not sent" }),
  silence: Metric.withAttributes(Metrics.tries, { outcome: "silence" }),
  settled: Metric.withAttributes(Metrics.tries, { outcome: "settled" }),
  acknowledged: Metric.withAttributes(Metrics.tries, { outcome: "acknowledged only" }),
  unknown: Metric.withAttributes(Metrics.replies, { outcome: "unknown" }),
  spoilt: Metric.withAttributes(Metrics.replies, { outcome: "spoilt" })
}
