/**
 * Allium for the tests of apps: whole networks of production nodes in virtual time, with faults, repeatable from a seed.
 *
 *     import { TestNetwork } from "allium/testing"
 */
export { RecordKind } from "#schemas/dht/Record"
export { Behaviour, DiskAfterCrash, Fault, TimedFault } from "#schemas/simulation/Fault"
export { LinkProfile, Plan, Scenario, Workload } from "#schemas/simulation/Plan"
export { Report, Violation } from "#schemas/simulation/Report"
export { Errand } from "#simulator/Errand"
export { invariants } from "#simulator/invariants/all"
export type { Invariant } from "#simulator/invariants/Invariant"
export type { NodeServices } from "#simulator/nodeLayer"
export { type PlanOptions, planOf } from "#simulator/plan/scenarios"
export type { Simulation } from "#simulator/run/Simulation"
export { type Progress, type SimulateOptions, simulate } from "#simulator/simulate"
export { NodeDown, NotConverged, PromiseBroken } from "#simulator/TestErrors"
export { type Degrade, TestNetwork, type Within } from "#simulator/TestNetwork"
export type { TestNetworkOptions } from "#simulator/TestNetworkOptions"
export { type CrashOptions, type RunOptions, TestNode } from "#simulator/TestNode"
