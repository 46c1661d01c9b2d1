/** Looks at the network every so often, for the plots of the report. */
import { Context } from "effect"
import { SessionManager } from "#services/session/SessionManager"
import { EPOCH } from "../time/ProcessClock.ts"
import type { Simulation } from "./Simulation.ts"

/** Records whose copies are counted: the latest. */
const COUNTED = 300

/** Now, and then every `seconds` until it is over. */
export const takeSample = (simulation: Simulation, seconds: number, isOver: () => boolean): void => {
  let before = { count: 0, failed: 0 }
  const take = (): void => {
    if (isOver()) return
    const { count, failed } = simulation.operations
    simulation.samples.push({
      at: Math.round(simulation.now),
      ...population(simulation),
      ...copies(simulation),
      operations: count - before.count,
      failures: failed - before.failed
    })
    before = { count, failed }
    simulation.after(seconds, take)
  }
  take()
}

const population = ({ world }: Simulation) => {
  let [alive, joined, sessions] = [0, 0, 0]
  for (const node of world.nodes) {
    if (!node.isUp) continue
    alive++
    if (world.isJoined(node)) joined++
    if (node.services !== undefined) sessions += Context.get(node.services, SessionManager).stats().open
  }
  return { alive, joined, sessions: Math.round(sessions / 2) }
}

/** On the disks of machines that run, of those that the receipts named. */
const copies = (simulation: Simulation) => {
  const now = Math.floor((EPOCH + simulation.world.time.now) / 1000)
  const entries = simulation.ledger.entries.filter((entry) => entry.expires > now).slice(-COUNTED)
  let [sum, fewest] = [0, Number.POSITIVE_INFINITY]
  for (const { holders, key, kind, seq } of entries) {
    const held = holders.filter((id) => {
      const node = simulation.nodeOf(id)
      return node?.isUp === true && node.disk.held(kind, key).some((it) => it.seq >= seq)
    }).length
    sum += held
    fewest = Math.min(fewest, held)
  }
  return entries.length === 0
    ? { replicas: 0, fewestReplicas: 0 }
    : { replicas: Math.round((sum / entries.length) * 100) / 100, fewestReplicas: fewest }
}
