/** Reports as a simulated hour of 300 nodes may leave them, without simulating it. */
import type { TimedFault } from "#schemas/simulation/Fault"
import type { OperationFigures, Report, Sample, Violation } from "#schemas/simulation/Report"

const MINUTE = 60

const faults: ReadonlyArray<TimedFault> = [
  ...Array.from({ length: 40 }, (_, index): TimedFault => {
    const at = 120 + index * 75
    return index % 3 === 0
      ? { at, fault: { _tag: "Crash", node: index, disk: "kept", power: index % 2 === 0, downFor: 240 } }
      : { at, fault: { _tag: "Stop", node: index, downFor: 300 } }
  }),
  { at: 1_200, fault: { _tag: "Partition", nodes: [1, 2, 3, 4, 5], lasts: 420 } },
  { at: 2_700, fault: { _tag: "Degrade", latency: 200, loss: 0.05, duplication: 0, reordering: 0, lasts: 300 } }
]

const apart = (at: number): boolean => at >= 1_200 && at < 1_700

const samples: ReadonlyArray<Sample> = Array.from({ length: 133 }, (_, index) => {
  const at = index * 30
  const wave = Math.sin(index / 5)
  const alive = Math.round(294 + 4 * wave - (apart(at) ? 6 : 0))
  return {
    at,
    alive,
    joined: alive - (apart(at) ? 40 : Math.round(2 + wave)),
    sessions: alive * 20,
    replicas: 19.4 + 0.4 * wave - (apart(at) ? 3 : 0),
    fewestReplicas: Math.round(16 + wave - (apart(at) ? 8 : 0)),
    operations: at > 3_600 ? 0 : Math.round(60 + 12 * wave),
    failures: apart(at) ? 4 : 0
  }
})

const operation = (count: number, failed: number, slow: number): OperationFigures => ({
  count,
  failed,
  requests: 6.25,
  latency: { p50: 80 * slow, p90: 210 * slow, p99: 480.5 * slow, most: 2_400 * slow }
})

/** A run in which everything held. */
export const healthy: Report = {
  plan: {
    scenario: "churn",
    seed: 7,
    nodes: 300,
    lasts: 60 * MINUTE,
    sessions: "plain",
    sessionsMax: 128,
    storage: "memory",
    tempo: "production",
    natted: 0.3,
    replicationFactor: 20,
    link: { latency: 40, spread: 0.5, jitter: 4, bandwidth: 2_000_000, loss: 0.01, duplication: 0, reordering: 0 },
    workload: { puts: 30, gets: 30, updates: 10, reads: 10, lookups: 40, files: 1, fileBytes: 1_000_000 },
    faults
  },
  commit: "f00ba45",
  traceHash: "0123456789abcdef",
  violations: [],
  figures: {
    virtualSeconds: 3_960,
    events: 18_234_567,
    messages: 4_321_987,
    bytes: 987_654_321,
    messagesPerOperation: 531.25,
    bytesPerOperation: 121_382,
    operations: {
      lookup: operation(2_412, 0, 1),
      put: operation(1_803, 3, 2),
      get: operation(1_797, 9, 1.5),
      update: operation(604, 1, 2.1),
      read: operation(598, 2, 1.2),
      file: operation(61, 1, 14)
    },
    hops: [0, 212, 1_204, 811, 160, 25],
    hopsMean: 2.41,
    log2Nodes: Math.log2(300),
    healingSeconds: 48.5
  },
  samples,
  lastEvents: [],
  run: { realSeconds: 31.7, speed: 124.9 }
}

export const violations: ReadonlyArray<Violation> = [
  {
    invariant: "acknowledged",
    sentence: "Nothing acknowledged is lost while fewer holders fail at once than the put reported.",
    at: 1_843.25,
    detail: "block bafkreihdwd has no live holder; 20 acknowledged it, 3 failed since"
  },
  {
    invariant: "tables",
    sentence: "Tables hold no dead node for long.",
    at: 2_000,
    detail: "node 4 still holds node 9"
  },
  { invariant: "limits", sentence: "Queues stay under their limits.", at: 2_100, detail: "4,097 of 4,096 in node 12" }
]

export const lastEvents: ReadonlyArray<string> = Array.from(
  { length: 30 },
  (_, index) => `${(1_843 + index / 100).toFixed(2)} node ${index} → node ${index + 1}: FindNode, 96 bytes`
)

/** The same run with promises broken. */
export const broken: Report = {
  ...healthy,
  violations,
  lastEvents,
  figures: { ...healthy.figures, healingSeconds: null }
}
