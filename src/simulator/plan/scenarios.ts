/** Plans by name: what suits a network of this size, and the faults that the name stands for, drawn from the seed. */
import type { TimedFault } from "#schemas/simulation/Fault"
import type { LinkProfile, Plan, Scenario, Workload } from "#schemas/simulation/Plan"
import { Dice } from "../Dice.ts"
import { churn } from "./churn.ts"
import { FaultList } from "./FaultList.ts"
import { byzantine, coldStart, flashCrowd, massFailure, rollingRestart } from "./failures.ts"
import { partition } from "./partition.ts"

/** Whatever else of a plan is given stands in it as it is. */
export interface PlanOptions extends Partial<Omit<Plan, "scenario" | "seed" | "nodes" | "lasts">> {
  readonly scenario: Scenario
  readonly seed: number
  readonly nodes: number
  /** Of virtual time. */
  readonly hours: number
}

/** Up to these many nodes a run has real handshakes, the tempo of production, and tables for many sessions. */
const NOISE_UP_TO = 200
const PRODUCTION_UP_TO = 60
const SESSIONS = 128
const SESSIONS_OF_MANY = 16

/** Between two homes on one continent, on lines of 100 Mbit/s. */
const LINK: LinkProfile = {
  latency: 40,
  spread: 0.5,
  jitter: 2,
  bandwidth: 12.5e6,
  loss: 0,
  duplication: 0,
  reordering: 0
}

/** In a run of any length: one for every two nodes, at most a tenth above what a plot needs. */
const LOOKUPS = 1_100
const LOOKUPS_LEAST = 10

/** Messages a minute where relays may spoil them, in a network that has enough for two paths. */
const MESSAGES = 2
const PATHS_AMONG = 8

const workloadOf = (scenario: Scenario, nodes: number, hours: number): Workload => ({
  puts: 6,
  gets: 12,
  updates: 4,
  reads: 8,
  lookups: Math.max(LOOKUPS_LEAST, Math.min(LOOKUPS, nodes / 2) / (hours * 60)),
  ...(scenario === "byzantine" && nodes >= PATHS_AMONG ? { messages: MESSAGES } : {}),
  files: 0.2,
  fileBytes: 256 * 1024
})

const generators: Readonly<Record<Scenario, (list: FaultList) => void>> = {
  steady: () => {},
  churn,
  partition,
  "mass-failure": massFailure,
  byzantine,
  "flash-crowd": flashCrowd,
  "cold-start": coldStart,
  "rolling-restart": rollingRestart
}

/** The faults of one scenario, in the order of their time. All that end do so before the run does. */
export const faultsOf = (scenario: Scenario, seed: number, nodes: number, lasts: number): ReadonlyArray<TimedFault> => {
  const list = new FaultList(new Dice(seed).fork(`faults of ${scenario}`), nodes, lasts)
  generators[scenario](list)
  return list.inOrder()
}

/** Equal for equal options. */
export const planOf = ({ scenario, seed, nodes, hours, ...given }: PlanOptions): Plan => {
  const lasts = hours * 3_600
  return {
    scenario,
    seed,
    nodes,
    lasts,
    sessions: nodes <= NOISE_UP_TO ? "noise" : "plain",
    sessionsMax: nodes <= NOISE_UP_TO ? SESSIONS : SESSIONS_OF_MANY,
    storage: "memory",
    tempo: nodes <= PRODUCTION_UP_TO ? "production" : "calm",
    natted: 0,
    replicationFactor: 5,
    link: LINK,
    workload: workloadOf(scenario, nodes, hours),
    faults: given.faults ?? faultsOf(scenario, seed, nodes, lasts),
    ...given
  }
}
