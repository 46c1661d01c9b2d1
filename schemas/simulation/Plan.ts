/** Everything that decides a simulated run: the same plan and the same code give the same trace. */
import { Schema } from "effect"
import { MOST_NODES, Seconds, Share, TimedFault } from "./Fault.ts"

export const Scenario = Schema.Literals([
  "steady",
  "churn",
  "partition",
  "mass-failure",
  "byzantine",
  "flash-crowd",
  "cold-start",
  "rolling-restart"
])
export type Scenario = typeof Scenario.Type

const Positive = Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 1e12 }))
const Rate = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e6 }))

/** What lies between two nodes. Latency is drawn for each pair once, log-normal; jitter for each message, exponential. */
export const LinkProfile = Schema.Struct({
  /** One way, milliseconds: the median, and the sigma of its logarithm. */
  latency: Positive,
  spread: Share,
  /** Mean of what is added to each message, milliseconds. */
  jitter: Rate,
  /** Bytes a second and direction. */
  bandwidth: Positive,
  loss: Share,
  duplication: Share,
  reordering: Share
})
export type LinkProfile = typeof LinkProfile.Type

/** What users do meanwhile: operations a minute, of the whole network. */
export const Workload = Schema.Struct({
  /** Blocks stored, and read again from another node. */
  puts: Rate,
  gets: Rate,
  /** Mutable records: new versions, and reads of them. */
  updates: Rate,
  reads: Rate,
  /** Lookups of the k closest nodes to a random key. */
  lookups: Rate,
  /** Reads of one record by all users of a node at the same instant: hundreds, more than a peer answers at a time. */
  herds: Schema.optionalKey(Rate),
  /** Envelopes from one node to another by onion routes; none where it is not given. */
  messages: Schema.optionalKey(Rate),
  /** Files of `fileBytes`, each put by one node and fetched by another. */
  files: Rate,
  fileBytes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 * 1024 * 1024 }))
})
export type Workload = typeof Workload.Type

export const Plan = Schema.Struct({
  scenario: Scenario,
  seed: Schema.Int,
  nodes: Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: MOST_NODES })),
  /** Seconds from when the network stands to when users and faults stop; then it has time to heal. */
  lasts: Seconds,
  /** `noise` as on a real network, `plain` for size. */
  sessions: Schema.Literals(["noise", "plain"]),
  sessionsMax: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_536 })),
  storage: Schema.Literals(["memory", "sqlite"]),
  /** `production` as real nodes have it; `calm` does the periodic work less often, for networks of thousands. */
  tempo: Schema.Literals(["production", "calm"]),
  /** Nodes behind a home router, as a share of all. */
  natted: Share,
  replicationFactor: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })),
  /** Records of others that a node remembers; as on a real network where it is not given. */
  peerBook: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_536 }))),
  /** Whether nodes go on by themselves while the network is out of reach; they do not where it is not given. */
  fallback: Schema.optionalKey(Schema.Boolean),
  link: LinkProfile,
  workload: Workload,
  faults: Schema.Array(TimedFault)
})
export type Plan = typeof Plan.Type

export const PlanFromJson = Schema.fromJsonString(Plan)
