/** What a simulated run came to. Everything but `run` is decided by the plan and the code. */
import { Schema } from "effect"
import { Plan } from "./Plan.ts"

/** Milliseconds of virtual time. */
const Percentiles = Schema.Struct({ p50: Schema.Finite, p90: Schema.Finite, p99: Schema.Finite, most: Schema.Finite })

const Operation = Schema.Struct({
  count: Schema.Int,
  /** Ended with a typed failure: not found, refused. */
  failed: Schema.Int,
  /** Requests to other nodes, a mean; null where nobody counts them. */
  requests: Schema.NullOr(Schema.Finite),
  latency: Percentiles
})
export type OperationFigures = typeof Operation.Type

/** A promise of the network that did not hold. */
export const Violation = Schema.Struct({
  invariant: Schema.String,
  /** The promise, in a sentence. */
  sentence: Schema.String,
  /** Seconds after the network stood. */
  at: Schema.Finite,
  detail: Schema.String
})
export type Violation = typeof Violation.Type

/** One look at the network, taken every so often. */
export const Sample = Schema.Struct({
  at: Schema.Finite,
  /** Nodes that run, and those of them that have joined. */
  alive: Schema.Int,
  joined: Schema.Int,
  sessions: Schema.Int,
  /** Of the records that were put and not yet expired: the mean number of live holders, and the fewest. */
  replicas: Schema.Finite,
  fewestReplicas: Schema.Int,
  /** Operations ended since the last sample, and how many of them failed. */
  operations: Schema.Int,
  failures: Schema.Int
})
export type Sample = typeof Sample.Type

export const Figures = Schema.Struct({
  virtualSeconds: Schema.Finite,
  events: Schema.Int,
  /** On all wires, also of the nodes' own upkeep. */
  messages: Schema.Int,
  bytes: Schema.Int,
  messagesPerOperation: Schema.Finite,
  bytesPerOperation: Schema.Finite,
  /** By name: lookup, put, get, update, read, file. */
  operations: Schema.Record(Schema.String, Operation),
  /** `hops[n]`: lookups whose chain of answers was n long. */
  hops: Schema.Array(Schema.Int),
  hopsMean: Schema.Finite,
  log2Nodes: Schema.Finite,
  /** Seconds from the end of the last fault until the network was whole; null if it was not in time. */
  healingSeconds: Schema.NullOr(Schema.Finite)
})
export type Figures = typeof Figures.Type

export const Report = Schema.Struct({
  plan: Plan,
  /** The commit that ran, if it is known. */
  commit: Schema.NullOr(Schema.String),
  /** 16 hex digits over everything that went over every wire, and when. */
  traceHash: Schema.String,
  violations: Schema.Array(Violation),
  figures: Figures,
  samples: Schema.Array(Sample),
  /** The last events before the first violation, or before the end. */
  lastEvents: Schema.Array(Schema.String),
  /** Of this machine: differs from run to run. */
  run: Schema.Struct({ realSeconds: Schema.Finite, speed: Schema.Finite })
})
export type Report = typeof Report.Type

export const ReportFromJson = Schema.fromJsonString(Report)
