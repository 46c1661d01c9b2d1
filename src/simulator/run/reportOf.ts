/** The report of a run that has ended. */
import type { Report } from "#schemas/simulation/Report"
import type { Simulation } from "./Simulation.ts"
import { round } from "./Tally.ts"

export interface Rest {
  /** On all wires, while users were there. */
  readonly traffic: { readonly messages: number; readonly bytes: number }
  readonly healed: number | undefined
  readonly commit: string | undefined
  readonly realSeconds: number
}

export const reportOf = (simulation: Simulation, { commit, healed, realSeconds, traffic }: Rest): Report => {
  const { hops, plan, world } = simulation
  const { count } = simulation.operations
  const virtualSeconds = world.time.now / 1000
  const lookups = hops.reduce((sum, number) => sum + number, 0)
  const chain = hops.reduce((sum, number, length) => sum + number * length, 0)
  const perOperation = (sum: number) => (count === 0 ? 0 : round(sum / count))
  return {
    plan,
    commit: commit ?? null,
    traceHash: world.trace.hash,
    violations: simulation.violations,
    figures: {
      virtualSeconds: round(virtualSeconds),
      events: world.time.fired,
      messages: traffic.messages,
      bytes: Math.round(traffic.bytes),
      messagesPerOperation: perOperation(traffic.messages),
      bytesPerOperation: perOperation(traffic.bytes),
      operations: Object.fromEntries([...simulation.tallies].map(([name, tally]) => [name, tally.figures()])),
      hops,
      hopsMean: lookups === 0 ? 0 : Math.round((chain / lookups) * 100) / 100,
      log2Nodes: Math.round(Math.log2(plan.nodes) * 100) / 100,
      healingSeconds: healed === undefined ? null : round(healed)
    },
    samples: simulation.samples,
    lastEvents: simulation.lastEvents ?? world.trace.lastEvents(simulation.start),
    run: { realSeconds: round(realSeconds), speed: round(virtualSeconds / Math.max(realSeconds, 0.001)) }
  }
}
